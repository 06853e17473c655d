/** The mailboxes of RFC 2821, 4.1.2, in which certificates name people. */
export interface Mailbox {
  readonly local: string
  readonly domain: string
}

// oxlint-disable-next-line no-control-regex -- the characters that the grammar allows
const quoted = /^"((?:[\x01-\x08\x0b\x0c\x0e-\x1f\x20\x21\x23-\x5b\x5d-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*)"/
const atoms = /^(?:[0-9A-Za-z!#$%&'*+\-/=?^_`{|}~.]|\\[^])+/

export function parseMailbox(text: string): Mailbox | undefined {
  const inQuotes = quoted.exec(text)
  const bare = text.startsWith('"') ? null : atoms.exec(text)
  const written = inQuotes?.[0] ?? bare?.[0]
  if (written === undefined) return undefined
  const local = (inQuotes?.[1] ?? written).replaceAll(/\\([^])/g, '$1')
  // Outside of quotes periods stand between atoms.
  if (inQuotes === null && /^\.|\.$|\.\./.test(local)) return undefined
  const rest = text.slice(written.length)
  const domain = rest.slice(1)
  return rest.startsWith('@') && isDomain(domain) ? { local, domain } : undefined
}

/** Labels of visible ASCII characters; none at all is accepted as well. */
const isDomain = (domain: string): boolean =>
  domain === '' || (/^[!-~]+$/.test(domain) && domain.split('.').every((label) => label !== ''))
