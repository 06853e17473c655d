/**
 * Rewrites a module that `opa build` made so that it counts its work down in a global and traps when there is none
 * left. No index of the module is moved, and no function but for the charges is changed. Deterministic: the same
 * evaluation costs the same everywhere. What cannot be metered is refused.
 */
import { type ByteWriter, createWriter, MeterError, readerOf, s32, u32 } from './bytes.ts'
import { type CodeEntry, readCode } from './code.ts'
import { findLeaves, type LeafCost } from './leaves.ts'
import { appended, type Facts, headerBytes, readFacts, readSections, section } from './module.ts'
import { measureRegions, type Region } from './paths.ts'

/** Names under which the module shows its variables. */
export const meterExports = {
  /** Units left; negative after the trap. At first as many as there can be. */
  fuel: 'edict_fuel',
  /** LLVM's stack pointer. An exception leaves it where it was when it was thrown. */
  stack: 'edict_stack',
} as const

/** Instructions in a unit. */
const unit = 8
const largestLeaf = 64
export const mostUnits = 2 ** 31 - 1

const i32 = 0x7f

export function meter(wasm: Uint8Array): Uint8Array {
  const sections = readSections(wasm)
  const facts = readFacts(sections)
  const out = createWriter(wasm.length + (wasm.length >> 3))
  out.bytes(headerBytes)
  for (const { id, content } of sections) {
    // Names, and who compiled it: of no use here, and a fifth of the module.
    if (id === section.custom) continue
    const replaced = replace(id, content, facts)
    out.bytes([id])
    out.u32(replaced.length)
    out.bytes(replaced)
  }
  return Uint8Array.from(out.written())
}

function replace(id: number, content: Uint8Array, facts: Facts): Uint8Array {
  if (id === section.global) return appended(content, [[i32, 1, 0x41, ...s32(mostUnits), 0x0b]])
  if (id === section.code) return meterCode(content, facts)
  if (id !== section.export) return content
  return appended(content, [exportGlobal(meterExports.fuel, facts.globals), exportGlobal(meterExports.stack, 0)])
}

const exportGlobal = (name: string, index: number): readonly number[] => [
  ...u32(name.length),
  ...Buffer.from(name),
  3,
  ...u32(index),
]

function meterCode(content: Uint8Array, facts: Facts): Uint8Array {
  const { importedFunctions, tabled, functionTypes, parameters, globals } = facts
  const bodies = readCode(content)
  const leafCost = findLeaves({ importedFunctions, bodies, tabled, largest: largestLeaf })
  const out = createWriter(content.length + (content.length >> 2))
  const scratch = createWriter(4096)
  out.u32(bodies.length)
  bodies.forEach((body, at) => {
    const count = parameters[functionTypes[at] ?? -1]
    if (count === undefined) throw new MeterError('a function has no type')
    const regions = leafCost(importedFunctions + at) === undefined ? regionsOf(body, leafCost) : []
    writeBody(out, { body, regions, local: count + body.localCount, fuel: globals, scratch })
  })
  return out.written()
}

function regionsOf(body: CodeEntry, leafCost: LeafCost): readonly Region[] {
  const reader = readerOf(body.bytes, body.start)
  const regions = measureRegions(reader, (callee) => leafCost(callee) ?? 0)
  if (reader.at !== body.end) throw new MeterError('a function does not end where it says')
  return regions
}

interface BodyOptions {
  readonly body: CodeEntry
  /** In the order in which they stand in the code. */
  readonly regions: readonly Region[]
  /** Index of the first local that is free. */
  readonly local: number
  /** Index of the global. */
  readonly fuel: number
  readonly scratch: ByteWriter
}

function writeBody(out: ByteWriter, { body, regions, local, fuel, scratch }: BodyOptions): void {
  const { bytes, locals, localGroups, start, end } = body
  const extra = regions.length > 0 ? 1 : 0
  scratch.clear()
  scratch.u32(localGroups + extra)
  scratch.slice(bytes, locals, start)
  if (extra === 1) scratch.bytes([1, i32])
  let from = start
  for (const { at, cost } of regions) {
    scratch.slice(bytes, from, at)
    scratch.bytes(charge(Math.ceil(cost / unit), fuel, local))
    from = at
  }
  scratch.slice(bytes, from, end)
  out.u32(scratch.length())
  out.bytes(scratch.written())
}

/** `fuel -= units; if (fuel < 0) unreachable` */
function charge(units: number, fuel: number, local: number): readonly number[] {
  const [global, temporary] = [u32(fuel), u32(local)]
  const subtract = [0x23, ...global, 0x41, ...s32(units), 0x6b, 0x22, ...temporary, 0x24, ...global]
  return [...subtract, 0x20, ...temporary, 0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b]
}
