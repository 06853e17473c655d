/**
 * Request headers as policies see them: by Go's canonical name, the first value, `""` when the header is absent or the
 * name asked for is not in canonical form. Reads Node's raw headers, because the parsed ones join duplicates.
 */
export const firstHeader = (rawHeaders: readonly string[], canonicalName: string): string => {
  if (!isCanonical(canonicalName)) return ''
  const lower = canonicalName.toLowerCase()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name !== undefined && name.length === lower.length && name.toLowerCase() === lower) {
      return asUtf8(rawHeaders[i + 1] ?? '')
    }
  }
  return ''
}

/** Capital at the start and after each hyphen, no other capitals: https://pkg.go.dev/net/textproto#CanonicalMIMEHeaderKey */
const isCanonical = (name: string): boolean => {
  let start = true
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (start ? code >= 0x61 && code <= 0x7a : code >= 0x41 && code <= 0x5a) return false
    start = code === 0x2d
  }
  return true
}

/** Node reads header bytes as latin1; Go passes them on, so that UTF-8 stays UTF-8. */
const asUtf8 = (value: string): string => {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.from(value, 'latin1').toString('utf8')
  }
  return value
}
