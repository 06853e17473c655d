/**
 * Rewrites a module that `opa build` made so that it counts its work down in a global and traps when there is none
 * left. No index of the module is moved, and no function but for the charges is changed. Deterministic: the same
 * evaluation costs the same everywhere. What cannot be metered is refused.
 */
import { type ByteWriter, createWriter, MeterError, readerOf, s32, u32 } from './bytes.ts'
import { type CodeEntry, readCode } from './code.ts'
import { findLeaves, type LeafCost } from './leaves.ts'
import { type Edit, planEdits } from './edits.ts'
import { growthFunction } from './growth.ts'
import { opcode } from './opcodes.ts'
import { appended, type Facts, headerBytes, readFacts, readSections, section } from './module.ts'

/** Names under which the module shows its variables. */
export const meterExports = {
  /** Units left; negative after the trap. At first as many as there can be. */
  fuel: 'edict_fuel',
  /** LLVM's stack pointer. An exception leaves it where it was when it was thrown. */
  stack: 'edict_stack',
  /** Pages at the end of the memory that the module does not know of. */
  spare: 'edict_spare',
} as const

/** Instructions in a unit. */
const unit = 8
const largestLeaf = 64
export const mostUnits = 2 ** 31 - 1

const i32 = 0x7f

export interface MeterOptions {
  /** False: the variables alone, to measure what charging costs. */
  readonly charging?: boolean
}

export function meter(wasm: Uint8Array, { charging = true }: MeterOptions = {}): Uint8Array {
  const sections = readSections(wasm)
  const facts = readFacts(sections)
  const out = createWriter(wasm.length + (wasm.length >> 3))
  out.bytes(headerBytes)
  for (const { id, content } of sections) {
    // Names, and who compiled it: of no use here, and a fifth of the module.
    if (id === section.custom) continue
    const replaced = replace(id, content, { facts, charging })
    out.bytes([id])
    out.u32(replaced.length)
    out.bytes(replaced)
  }
  return Uint8Array.from(out.written())
}

interface ReplaceOptions {
  readonly facts: Facts
  readonly charging: boolean
}

function replace(id: number, content: Uint8Array, { facts, charging }: ReplaceOptions): Uint8Array {
  switch (id) {
    case section.type:
      return appended(content, [growthType])
    case section.function:
      return appended(content, [u32(facts.parameters.length)])
    case section.global:
      return appended(content, [globalOf(mostUnits), globalOf(0)])
    case section.export:
      return appended(content, exportsOf(variables(facts)))
    case section.code:
      return meterCode(content, { facts, charging })
    default:
      return content
  }
}

/** Numbers of the globals, and of the one function, that are put behind the module's own. */
const variables = ({ globals }: Facts): Record<keyof typeof meterExports, number> => ({
  fuel: globals,
  spare: globals + 1,
  stack: 0,
})
const growthIndex = ({ importedFunctions, functionTypes }: Facts): number => importedFunctions + functionTypes.length

const growthType = [0x60, 1, i32, 1, i32]

const globalOf = (value: number): readonly number[] => [i32, 1, 0x41, ...s32(value), 0x0b]

const exportsOf = (indexes: ReturnType<typeof variables>): readonly (readonly number[])[] =>
  Object.entries(meterExports).map(([key, name]) => [
    ...u32(name.length),
    ...Buffer.from(name),
    3,
    ...u32(indexes[key as keyof typeof meterExports]),
  ])

function meterCode(content: Uint8Array, { facts, charging }: ReplaceOptions): Uint8Array {
  const { importedFunctions, tabled, functionTypes, parameters } = facts
  const { fuel, spare } = variables(facts)
  const bodies = readCode(content)
  const leafCost = findLeaves({ importedFunctions, bodies, tabled, largest: largestLeaf })
  const out = createWriter(content.length + (content.length >> 2))
  const scratch = createWriter(4096)
  out.u32(bodies.length + 1)
  bodies.forEach((body, at) => {
    const count = parameters[functionTypes[at] ?? -1]
    if (count === undefined) throw new MeterError('a function has no type')
    const all = leafCost(importedFunctions + at) === undefined ? editsOf(body, leafCost) : []
    const edits = charging ? all : all.filter(({ kind }) => kind === 'grow')
    writeBody(out, { body, edits, local: count + body.localCount, fuel, growth: growthIndex(facts), scratch })
  })
  out.bytes(growthFunction(spare))
  return out.written()
}

function editsOf(body: CodeEntry, leafCost: LeafCost): readonly Edit[] {
  const reader = readerOf(body.bytes, body.start)
  const edits = planEdits(reader, (callee) => leafCost(callee) ?? 0)
  if (reader.at !== body.end) throw new MeterError('a function does not end where it says')
  return edits
}

interface BodyOptions {
  readonly body: CodeEntry
  readonly edits: readonly Edit[]
  /** Index of the first local that is free. */
  readonly local: number
  /** Index of the global. */
  readonly fuel: number
  /** Index of the function. */
  readonly growth: number
  readonly scratch: ByteWriter
}

function writeBody(out: ByteWriter, { body, edits, local, fuel, growth, scratch }: BodyOptions): void {
  const { bytes, locals, localGroups, start, end } = body
  const extra = edits.length > 0 ? 1 : 0
  scratch.clear()
  scratch.u32(localGroups + extra)
  scratch.slice(bytes, locals, start)
  if (extra === 1) scratch.bytes([1, i32])
  let from = start
  for (const edit of edits) {
    scratch.slice(bytes, from, edit.at)
    from = edit.at
    if (edit.kind === 'charge') writeCharge(scratch, { units: Math.ceil(edit.cost / unit), fuel, local })
    else {
      scratch.bytes([opcode.call, ...u32(growth)])
      from += growLength
    }
  }
  scratch.slice(bytes, from, end)
  out.u32(scratch.length())
  out.bytes(scratch.written())
}

/** Bytes of a `memory.grow`. */
const growLength = 2

interface Charge {
  readonly units: number
  readonly fuel: number
  readonly local: number
}

/** `local = fuel - units; fuel = local; if (local < 0) unreachable` */
function writeCharge(out: ByteWriter, { units, fuel, local }: Charge): void {
  out.byte(0x23)
  out.u32(fuel)
  out.byte(0x41)
  out.s32(units)
  out.byte(0x6b)
  out.byte(0x22)
  out.u32(local)
  out.byte(0x24)
  out.u32(fuel)
  out.byte(0x20)
  out.u32(local)
  out.bytes(trapWhenNegative)
}

/** `i32.const 0; i32.lt_s; if; unreachable; end` */
const trapWhenNegative = [0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b]
