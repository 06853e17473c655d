/**
 * Functions of OPA's runtime that prepare something at their first call, and so cost more then. They are found by name
 * and exported, for the host to call them once before anything is counted.
 */
import { readByte, readBytes, readerOf, readU32, skip } from './bytes.ts'
import { type Section, section } from './module.ts'

type LazyName = `opa_${string}`

/** Arguments for that call, as value texts: each ends up in the same preparation of RE2. */
export const lazyFunctions: ReadonlyMap<LazyName, readonly string[]> = new Map([
  ['opa_regex_is_valid', ['"a"']],
  ['opa_regex_match', ['"a"', '"a"']],
  ['opa_regex_find_all_string_submatch', ['"a"', '"a"', '1']],
  ['opa_glob_match', ['"a"', '[]', '"a"']],
])

export const lazyExport = (name: LazyName): `edict_${LazyName}` => `edict_${name}`

const functionNames = 1

/** Name → index, as far as the module tells names. */
export function findLazyFunctions(sections: readonly Section[]): ReadonlyMap<LazyName, number> {
  const found = new Map<LazyName, number>()
  for (const { id, content } of sections) {
    if (id !== section.custom) continue
    const reader = readerOf(content)
    if (textOf(readBytes(reader, readU32(reader))) !== 'name') continue
    while (reader.at < content.length) {
      const kind = readByte(reader)
      const part = readBytes(reader, readU32(reader))
      if (kind === functionNames) addLazy(part, found)
    }
  }
  return found
}

function addLazy(part: Uint8Array, found: Map<LazyName, number>): void {
  const reader = readerOf(part)
  for (let left = readU32(reader); left > 0; left--) {
    const index = readU32(reader)
    const length = readU32(reader)
    if (lengths.has(length)) {
      const name = textOf(readBytes(reader, length))
      if (isLazy(name)) found.set(name, index)
    } else skip(reader, length)
  }
}

const isLazy = (name: string): name is LazyName => lazyFunctions.has(name as LazyName)

const lengths = new Set([...lazyFunctions.keys()].map(({ length }) => length))

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
