/**
 * The order of versions: dot parts numerically where both are numbers, then as text. Positive when `a` is newer.
 */
export const compareVersions = (a: string, b: string): number => {
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = comparePart(left[i], right[i])
    if (order !== 0) return order
  }
  return compareText(a, b)
}

/** The order of the catalogue: by group, name and version. */
export const compareNames = (a: Name, b: Name): number =>
  compareText(a.group, b.group) || compareText(a.name, b.name) || compareVersions(a.version, b.version)

type Name = Readonly<Record<'group' | 'name' | 'version', string>>

const comparePart = (a: string | undefined, b: string | undefined): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return compareText(a, b)
  const left = BigInt(a)
  const right = BigInt(b)
  return left < right ? -1 : left > right ? 1 : 0
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
