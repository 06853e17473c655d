/**
 * Which rule a function of a module was made from, by the names that `opa build` gives functions (`g0.data.a.b.rule`).
 * Metering leaves names out and moves no function, so they are read before it.
 */
import { readBytes, readerOf, readU32, readByte, type ByteReader } from './meter/bytes.ts'
import { readSections, section } from './meter/module.ts'

/** Function number → `data.a.b.rule`. */
export type RuleNames = ReadonlyMap<number, string>

const functionNames = 1
const rule = /^g\d+\.(data\..+)$/s

export function readRuleNames(wasm: Uint8Array): RuleNames {
  const names = new Map<number, string>()
  for (const { id, content } of readSections(wasm)) {
    const reader = readerOf(content)
    if (id !== section.custom || readText(reader) !== 'name') continue
    while (reader.at < content.length) {
      const kind = readByte(reader)
      const part = readerOf(readBytes(reader, readU32(reader)))
      if (kind !== functionNames) continue
      for (let left = readU32(part); left > 0; left--) {
        const index = readU32(part)
        const name = rule.exec(readText(part))?.[1]
        if (name !== undefined) names.set(index, name)
      }
    }
  }
  return names
}

const readText = (reader: ByteReader): string => Buffer.from(readBytes(reader, readU32(reader))).toString()

/** The rule whose function calls the host now: the innermost one on the stack. */
export function callingRule(names: RuleNames): string | undefined {
  for (const [, index] of stack().matchAll(/wasm-function\[(\d+)\]/g)) {
    const name = names.get(Number(index))
    if (name !== undefined) return name
  }
  return undefined
}

const deepest = 50

function stack(): string {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = deepest
  const text = new Error().stack ?? ''
  Error.stackTraceLimit = before
  return text
}
