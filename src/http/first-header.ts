/**
 * The first value of a request header, whatever the case of its name; `""` when there is none. Reads Node's raw headers,
 * because the parsed ones join duplicates. Which spellings a policy may ask for is the extension's business.
 */
export const firstHeader = (rawHeaders: readonly string[], wanted: string): string => {
  const lower = wanted.toLowerCase()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name !== undefined && name.length === lower.length && name.toLowerCase() === lower) {
      return asUtf8(rawHeaders[i + 1] ?? '')
    }
  }
  return ''
}

/** Node hands each byte of a value over as one character; policies want the UTF-8 text that the bytes are. */
const asUtf8 = (value: string): string => {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.from(value, 'latin1').toString('utf8')
  }
  return value
}
