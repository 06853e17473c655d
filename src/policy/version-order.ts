/** Which version is newer: dot parts numerically where both are numbers, then as text; `1.10` after `1.9`. */
import { compareText } from './analysis.ts'

export function compareVersions(a: string, b: string): number {
  const left = a.split('.')
  const right = b.split('.')
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareParts(left[index] ?? '', right[index] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length || compareText(a, b)
}

export function newest(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions).at(-1)
}

const number = /^[0-9]+$/

function compareParts(a: string, b: string): number {
  const numeric = number.test(a) && number.test(b)
  if (!numeric) return compareText(a, b)
  const [x, y] = [BigInt(a), BigInt(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
