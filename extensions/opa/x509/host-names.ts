/** Does a certificate speak for a host: by its alternative names alone, never by its common name. */
import { parseAddress, shortest, type AlternativeNames } from './alternative-names.ts'

export function speaksFor({ dns, addresses }: AlternativeNames, host: string): boolean {
  const address = parseAddress(/^\[[^]+\]$/.test(host) ? host.slice(1, -1) : host)
  if (address !== undefined) return addresses.some((own) => shortest(own).equals(shortest(address)))
  const name = asciiLowerCase(host)
  return dns.some((own) => {
    const pattern = asciiLowerCase(own)
    if (!isHostname(name) || !isPattern(pattern)) return matchesExactly(pattern, name)
    return matches(pattern.split('.'), name.replace(/\.$/, '').split('.'))
  })
}

const asciiLowerCase = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

const matchesExactly = (pattern: string, name: string): boolean => pattern === name && name !== '' && name !== '.'

/** Only the whole first label may be a wildcard. */
const matches = (pattern: readonly string[], labels: readonly string[]): boolean =>
  pattern.length === labels.length && pattern.every((label, i) => (i === 0 && label === '*') || label === labels[i])

const isLabel = (label: string): boolean => /^[a-z0-9_][a-z0-9_-]*$/.test(label)

const isHostname = (name: string): boolean => name.replace(/\.$/, '').split('.').every(isLabel)

function isPattern(name: string): boolean {
  const [first = '', ...others] = name.split('.')
  return name !== '*' && (first === '*' || isLabel(first)) && others.every(isLabel)
}
