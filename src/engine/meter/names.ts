/** Functions by the names that a module gives them in its custom section, as far as it does. */
import { readByte, readBytes, readerOf, readU32, skip } from './bytes.ts'
import { type Section, section } from './module.ts'

const functionNames = 1

/** Name → index. */
export function findFunctions<N extends string>(
  sections: readonly Section[],
  names: ReadonlySet<N>,
): ReadonlyMap<N, number> {
  const wanted = new Map<string, N>([...names].map((name) => [name, name]))
  const lengths = new Set([...names].map(({ length }) => length))
  const found = new Map<N, number>()
  for (const part of nameParts(sections)) {
    const reader = readerOf(part)
    for (let left = readU32(reader); left > 0; left--) {
      const index = readU32(reader)
      const length = readU32(reader)
      if (!lengths.has(length)) skip(reader, length)
      else {
        const name = wanted.get(textOf(readBytes(reader, length)))
        if (name !== undefined) found.set(name, index)
      }
    }
  }
  return found
}

function* nameParts(sections: readonly Section[]): Generator<Uint8Array> {
  for (const { id, content } of sections) {
    if (id !== section.custom) continue
    const reader = readerOf(content)
    if (textOf(readBytes(reader, readU32(reader))) !== 'name') continue
    while (reader.at < content.length) {
      const kind = readByte(reader)
      const part = readBytes(reader, readU32(reader))
      if (kind === functionNames) yield part
    }
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
