/** Paths under `data`: how a reference, a package and a data document lie to each other. */
export type DataPath = readonly string[]

export function startsWith(path: DataPath, prefix: DataPath): boolean {
  return prefix.length <= path.length && prefix.every((part, index) => part === path[index])
}

/** One lies at, above or below the other. */
export function overlaps(a: DataPath, b: DataPath): boolean {
  return a.length <= b.length ? startsWith(b, a) : startsWith(a, b)
}

export function pathKey(path: DataPath): string {
  return path.join('\0')
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/

/** As Rego writes it: `data.gaiax["my-name"]`. */
export function showPath(path: DataPath): string {
  return `data${path.map((part) => (identifier.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join('')}`
}
