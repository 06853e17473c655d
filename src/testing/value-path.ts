/** Where a value stands inside another: `deny[0]`, `user.name`, `grants["a.b"]`. */
import { isArray } from '../../extensions/compare.ts'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'

export type ValuePath = readonly (string | number)[]

const step = /\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y

/** Undefined when it is none. */
export function parsePath(text: string): ValuePath | undefined {
  const path: (string | number)[] = []
  step.lastIndex = 0
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (found === null || (path.length === 0 && text.startsWith('.'))) return undefined
    const [, name, index, quoted] = found
    path.push(name ?? (index === undefined ? String(JSON.parse(quoted ?? '""')) : Number(index)))
  }
  return path.length === 0 ? undefined : path
}

export function showPath(path: ValuePath): string {
  const steps = path.map((key, index) => {
    if (typeof key === 'number') return `[${key}]`
    if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `[${JSON.stringify(key)}]`
    return index === 0 ? key : `.${key}`
  })
  return steps.join('')
}

export function member(value: RegoValue, key: string | number): RegoValue | undefined {
  if (isArray(value)) return typeof key === 'number' ? value[key] : undefined
  return value instanceof RegoObject ? value.entries.find(([name]) => name === String(key))?.[1] : undefined
}

export function valueAt(value: RegoValue, path: ValuePath): RegoValue | undefined {
  let found: RegoValue | undefined = value
  for (const key of path) found = found === undefined ? undefined : member(found, key)
  return found
}

/** The same with another value at `path`; objects on the way are made where there are none. */
export function withValue(value: RegoValue, path: ValuePath, put: RegoValue): RegoValue {
  const [key, ...rest] = path
  if (key === undefined) return put
  if (isArray(value) && typeof key === 'number') {
    const items = [...value]
    items[key] = withValue(value[key] ?? null, rest, put)
    return items.map((item) => item ?? null)
  }
  const entries = value instanceof RegoObject ? value.entries : []
  const next = withValue(member(value, key) ?? new RegoObject([]), rest, put)
  const name = String(key)
  return new RegoObject([...entries.filter(([known]) => known !== name), [name, next]])
}
