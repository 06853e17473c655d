/**
 * Rewrites a module that `opa build` made so that it counts its work down in a global and traps when there is none
 * left, and so that it asks the host what OPA's runtime answers otherwise than OPA's Go evaluator. No index of the
 * module is moved. Deterministic: the same evaluation costs the same everywhere. What cannot be metered is refused.
 */
import { editsOf, writeBody } from './body.ts'
import { createWriter, MeterError, s32, u32 } from './bytes.ts'
import { type CodeEntry, readCode } from './code.ts'
import { divert, isStub } from './divert.ts'
import { growthFunction } from './growth.ts'
import { lazyExport, lazyNames } from './lazy.ts'
import { findLeaves } from './leaves.ts'
import { findFunctions } from './names.ts'
import { appended, contentOf, type Facts, headerBytes, readFacts, readSections, section, variables } from './module.ts'

/** Names under which the module shows its variables. */
export const meterExports = {
  /** Units left; negative after the trap. At first as many as there can be. */
  fuel: 'edict_fuel',
  /** LLVM's stack pointer. An exception leaves it where it was when it was thrown. */
  stack: 'edict_stack',
  /** Pages at the end of the memory that the module does not know of. */
  spare: 'edict_spare',
  /** Whether the host is offered calls that it may leave to the module. */
  offer: 'edict_offer',
} as const

const largestLeaf = 64
export const mostUnits = 2 ** 31 - 1

const i32 = 0x7f

export interface MeterOptions {
  /** False: the variables alone, to measure what charging costs. */
  readonly charging?: boolean
}

export function meter(wasm: Uint8Array, { charging = true }: MeterOptions = {}): Uint8Array {
  const sections = divert(readSections(wasm))
  const facts = readFacts(sections)
  const bodies = readCode(contentOf(sections, section.code))
  const isAlive = (index: number): boolean => !isStub(bodies[index - facts.importedFunctions])
  const lazy = [...findFunctions(sections, lazyNames)].filter(([, index]) => isAlive(index))
  const replacements = new Map<number, (content: Uint8Array) => Uint8Array>([
    [section.type, (content) => appended(content, [growthType])],
    [section.function, (content) => appended(content, [u32(facts.parameters.length)])],
    [section.global, (content) => appended(content, [globalOf(mostUnits), globalOf(0), globalOf(1)])],
    [section.export, (content) => appended(content, [...variableExports(facts), ...lazy.map(lazyEntry)])],
    [section.code, () => meterCode(bodies, facts, charging)],
  ])
  const out = createWriter(wasm.length + (wasm.length >> 3))
  out.bytes(headerBytes)
  for (const { id, content } of sections) {
    // Names, and who compiled it: of no use here, and a fifth of the module.
    if (id === section.custom) continue
    const replaced = replacements.get(id)?.(content) ?? content
    out.byte(id)
    out.u32(replaced.length)
    out.bytes(replaced)
  }
  return new Uint8Array(out.written())
}

/** Of the one function that is put behind the module's own. */
const growthIndex = ({ importedFunctions, functionTypes }: Facts): number => importedFunctions + functionTypes.length

const growthType = [0x60, 1, i32, 1, i32]

const globalOf = (value: number): readonly number[] => [i32, 1, 0x41, ...s32(value), 0x0b]

const exported = { function: 0, global: 3 } as const

const exportEntry = (name: string, kind: keyof typeof exported, index: number): readonly number[] => [
  ...u32(name.length),
  ...Buffer.from(name),
  exported[kind],
  ...u32(index),
]

function variableExports(facts: Facts): readonly (readonly number[])[] {
  const { fuel, stack, spare, offer } = variables(facts)
  return [
    exportEntry(meterExports.fuel, 'global', fuel),
    exportEntry(meterExports.stack, 'global', stack),
    exportEntry(meterExports.spare, 'global', spare),
    exportEntry(meterExports.offer, 'global', offer),
  ]
}

const lazyEntry = ([name, index]: readonly [Parameters<typeof lazyExport>[0], number]): readonly number[] =>
  exportEntry(lazyExport(name), 'function', index)

function meterCode(bodies: readonly CodeEntry[], facts: Facts, charging: boolean): Uint8Array {
  const { importedFunctions, tabled, functionTypes, parameters } = facts
  const { fuel, spare } = variables(facts)
  const findLeaf = findLeaves({ importedFunctions, bodies, tabled, largest: largestLeaf })
  const out = createWriter(2 ** 18)
  const scratch = createWriter(4096)
  out.u32(bodies.length + 1)
  bodies.forEach((body, at) => {
    const count = parameters[functionTypes[at] ?? -1]
    if (count === undefined) throw new MeterError('a function has no type')
    const all = findLeaf(importedFunctions + at) === undefined ? editsOf(body, findLeaf) : []
    const edits = charging ? all : all.filter(({ kind }) => kind === 'grow')
    writeBody(out, { body, edits, local: count + body.localCount, fuel, growth: growthIndex(facts), scratch })
  })
  out.bytes(growthFunction(spare))
  return out.written()
}
