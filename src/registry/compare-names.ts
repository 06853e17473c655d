/** The order of the catalogue: by group, name and version, the newest version last. */
import { compareVersions } from '../policy/version-order.ts'

type Name = Readonly<Record<'group' | 'name' | 'version', string>>

export const compareNames = (a: Name, b: Name): number =>
  compareText(a.group, b.group) || compareText(a.name, b.name) || compareVersions(a.version, b.version)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
