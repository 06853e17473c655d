/**
 * Has functions of OPA's runtime call the host: always, or for some arguments alone. A module that has none of the
 * functions stays as it is; in another one, no index is moved.
 */
import { createWriter, readBytes, readByte, readerOf, readU32, readVector, skip, skipLeb, u32 } from './bytes.ts'
import { type CodeEntry, readCode } from './code.ts'
import { type Condition, testFunctions, testsFrom, type Tests } from './conditions.ts'
import { type Diversion, diversions, offered } from './diversions.ts'
import { appended, contentOf, type Facts, readFacts, type Section, section, variables } from './module.ts'
import { findFunctions } from './names.ts'
import { opcode } from './opcodes.ts'

const byNative = new Map(diversions.map(({ native, when }, at) => [native, { when, id: ~at }]))
const natives: ReadonlySet<Diversion['native']> = new Set([...byNative.keys(), offered.native])

/** What `opa build` leaves of a function that the policy does not need: `unreachable`. */
export const isStub = (body: CodeEntry | undefined): boolean => body === undefined || body.end - body.start <= 2

export function divert(sections: readonly Section[]): readonly Section[] {
  const found = findFunctions(sections, natives)
  if (found.size === 0) return sections
  const facts = readFacts(sections)
  const tests = testsFrom(facts.importedFunctions + facts.functionTypes.length)
  const bodies = readCode(contentOf(sections, section.code))
  const prefixes = prefixesOf(found, { sections, facts, bodies, tests })
  if (prefixes.size === 0) return sections
  const functions = testFunctions(tests)
  const types = functions.map(() => u32(facts.parameters.length))
  return sections.map(({ id, content }) => {
    if (id === section.type) return { id, content: appended(content, [oneToOne]) }
    if (id === section.function) return { id, content: appended(content, types) }
    return { id, content: id === section.code ? writeCode({ bodies, prefixes, functions }) : content }
  })
}

const i32 = 0x7f
const oneToOne = [0x60, 1, i32, 1, i32]

interface Prefix {
  readonly code: readonly number[]
  /** Nothing is left of the function itself. */
  readonly isWhole: boolean
  /** It needs a local behind those that the function has. */
  readonly hasLocal: boolean
}

interface Parts {
  readonly sections: readonly Section[]
  readonly facts: Facts
  readonly bodies: readonly CodeEntry[]
  readonly tests: Tests
}

/** By place in the code section. */
function prefixesOf(found: ReadonlyMap<Diversion['native'], number>, parts: Parts): ReadonlyMap<number, Prefix> {
  const { importedFunctions, functionTypes, parameters } = parts.facts
  const imports = importNames(parts.sections)
  const prefixes = new Map<number, Prefix>()
  for (const [native, index] of found) {
    const at = index - importedFunctions
    const arity = parameters[functionTypes[at] ?? -1] ?? 0
    const host = imports.indexOf(`opa_builtin${arity}`)
    const body = parts.bodies[at]
    if (host === -1 || body === undefined || isStub(body)) continue
    const diversion = byNative.get(native)
    const ask = hostCall({ id: diversion?.id ?? offered.id, arity, host })
    const prefix =
      diversion === undefined
        ? offer({ ask, local: arity + body.localCount, facts: parts.facts })
        : prefixOf(diversion.when, parts.tests, ask)
    prefixes.set(at, prefix)
  }
  return prefixes
}

function prefixOf(when: Condition, tests: Tests, ask: readonly number[]): Prefix {
  if (when === undefined) return { code: [...ask, opcode.end], isWhole: true, hasLocal: false }
  const code = [...when(tests), opcode.if, 0x40, ...ask, opcode.return, opcode.end]
  return { code, isWhole: false, hasLocal: false }
}

interface Offer {
  readonly ask: readonly number[]
  readonly local: number
  readonly facts: Facts
}

/** While the host wants it. What it answers is kept in a new local, to be looked at and returned. */
function offer({ ask, local, facts }: Offer): Prefix {
  const isOffered = [0x23, ...u32(variables(facts).offer)]
  const answered = [...ask, 0x22, ...u32(local), opcode.if, 0x40, 0x20, ...u32(local), opcode.return, opcode.end]
  return { code: [...isOffered, opcode.if, 0x40, ...answered, opcode.end], isWhole: false, hasLocal: true }
}

interface HostCall {
  readonly id: number
  readonly arity: number
  readonly host: number
}

/** With the number of the builtin, no context, and the arguments. */
const hostCall = ({ id, arity, host }: HostCall): readonly number[] => [
  ...[0x41, id & 0x7f, 0x41, 0],
  ...Array.from({ length: arity }, (_, local) => [0x20, local]).flat(),
  ...[opcode.call, ...u32(host)],
]

/** Of the functions that the module imports, in order. */
function importNames(sections: readonly Section[]): readonly string[] {
  const reader = readerOf(contentOf(sections, section.import))
  return readVector(reader, () => {
    skip(reader, readU32(reader))
    const name = Buffer.from(readBytes(reader, readU32(reader))).toString()
    const kind = readByte(reader)
    if (kind === 0) skipLeb(reader)
    else if (kind === 3) skip(reader, 2)
    else {
      if (kind === 1) skip(reader, 1)
      const hasMaximum = readByte(reader) % 2 === 1
      skipLeb(reader)
      if (hasMaximum) skipLeb(reader)
    }
    return kind === 0 ? [name] : []
  }).flat()
}

interface NewCode {
  readonly bodies: readonly CodeEntry[]
  readonly prefixes: ReadonlyMap<number, Prefix>
  /** Put behind them. */
  readonly functions: readonly (readonly number[])[]
}

function writeCode({ bodies, prefixes, functions }: NewCode): Uint8Array {
  const out = createWriter(2 ** 18)
  out.u32(bodies.length + functions.length)
  bodies.forEach(({ bytes, locals, localGroups, start, end }, at) => {
    const prefix = prefixes.get(at)
    const from = prefix?.isWhole === true ? end : start
    const more = prefix?.hasLocal === true ? [1, i32] : []
    const head = u32(localGroups + more.length / 2)
    const code = [...more, ...(prefix?.code ?? [])]
    out.u32(head.length + start - locals + code.length + end - from)
    out.bytes(head)
    out.slice(bytes, locals, start)
    out.bytes(code)
    out.slice(bytes, from, end)
  })
  for (const code of functions) {
    out.u32(code.length)
    out.bytes(code)
  }
  return new Uint8Array(out.written())
}
