/**
 * Go's `textproto.CanonicalMIMEHeaderKey`: `accept-encoding` → `Accept-Encoding`. A name with a byte that no header
 * name may have, a space included, is left as it is. https://pkg.go.dev/net/textproto#CanonicalMIMEHeaderKey
 */
const token = /^[0-9A-Za-z!#$%&'*+.^_`|~-]+$/

export function canonicalHeader(name: string): string {
  if (!token.test(name)) return name
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
}
