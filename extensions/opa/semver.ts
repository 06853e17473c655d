/** Semantic versions as OPA reads them: a leading `v` is allowed, the three numbers have 64 bits. https://semver.org */
import type { PureExtension } from '../extension.ts'
import { any, boolean, number, pure, string } from './types.ts'
import { asString, defined } from './values.ts'

export const semver: readonly PureExtension[] = [
  pure('semver.compare', [string, string], number, '-1, 0 or 1: which of two versions comes first.', (args) =>
    compare(defined(parse(asString(args[0])), 'not a SemVer'), defined(parse(asString(args[1])), 'not a SemVer')),
  ),
  pure(
    'semver.is_valid',
    [any],
    boolean,
    'Whether a value is a semantic version.',
    ([value]) => typeof value === 'string' && parse(value) !== undefined,
  ),
]

interface Version {
  readonly numbers: readonly bigint[]
  /** Empty: none. */
  readonly preRelease: readonly string[]
}

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const numeral = '(0|[1-9]\\d*)'
const pattern = new RegExp(`^v?${numeral}\\.${numeral}\\.${numeral}(?:-(${identifiers}))?(?:\\+${identifiers})?$`)
const isNumeric = (identifier: string): boolean => /^\d+$/.test(identifier)

function parse(text: string): Version | undefined {
  const [whole, major = '', minor = '', patch = '', preRelease] = pattern.exec(text) ?? []
  if (whole === undefined) return undefined
  const numbers = [major, minor, patch].map(BigInt)
  const parts = preRelease?.split('.') ?? []
  const isBad = numbers.some((one) => one >= 1n << 63n) || parts.some((part) => /^0\d+$/.test(part))
  return isBad ? undefined : { numbers, preRelease: parts }
}

function compare(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    const difference = order(number, b.numbers[i] ?? 0n)
    if (difference !== 0) return difference
  }
  const [x, y] = [a.preRelease, b.preRelease]
  if (x.length === 0 || y.length === 0) return order(y.length, x.length) && (x.length === 0 ? 1 : -1)
  return comparePreReleases(x, y)
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (const [i, identifier] of a.entries()) {
    const other = b[i]
    if (other === undefined) return 1
    const difference = compareIdentifiers(identifier, other)
    if (difference !== 0) return difference
  }
  return a.length < b.length ? -1 : 0
}

function compareIdentifiers(a: string, b: string): number {
  const numeric = isNumeric(a)
  if (numeric !== isNumeric(b)) return numeric ? -1 : 1
  return numeric ? order(clamped(a), clamped(b)) : order(a, b)
}

const largest = (1n << 63n) - 1n

/** Go reads them into 64 bits, and stops at the largest number. */
function clamped(digits: string): bigint {
  const number = BigInt(digits)
  return number < largest ? number : largest
}

function order<T extends number | bigint | string>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
