/** One function: its code with charges put in, and `memory.grow` replaced. */
import { type ByteWriter, MeterError, readerOf, s32, u32 } from './bytes.ts'
import type { CodeEntry } from './code.ts'
import { type Callee, type Edit, planEdits } from './edits.ts'
import type { FindLeaf } from './leaves.ts'
import { opcode } from './opcodes.ts'

/** Instructions in a unit. */
const unit = 8
const i32 = 0x7f

/**
 * A function that has a loop in which nothing else charges counts in a local, and keeps the global right wherever
 * another may look at it: a variable in memory in so short a loop takes longer than the loop. Else the global alone.
 */
export function editsOf(body: CodeEntry, findLeaf: FindLeaf): readonly Edit[] {
  const reader = readerOf(body.bytes, body.start)
  const edits = planEdits(reader, (callee) => findLeaf(callee) ?? noLeaf)
  if (reader.at !== body.end) throw new MeterError('a function does not end where it says')
  return countsInLocal(edits) ? edits : edits.filter(({ kind }) => kind === 'charge' || kind === 'grow')
}

const noLeaf: Callee = { cost: 0, isQuiet: false }

const countsInLocal = (edits: readonly Edit[]): boolean =>
  edits.some((edit) => edit.kind === 'charge' && edit.isQuietLoop)

export interface BodyOptions {
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

export function writeBody(out: ByteWriter, { body, edits, local, fuel, growth, scratch }: BodyOptions): void {
  const { bytes, locals, localGroups, start, end } = body
  const extra = edits.length > 0 ? 1 : 0
  scratch.clear()
  scratch.u32(localGroups + extra)
  scratch.slice(bytes, locals, start)
  if (extra === 1) scratch.bytes([1, i32])
  const count = { fuel: u32(fuel), local: u32(local), inLocal: countsInLocal(edits) }
  let from = start
  for (const edit of edits) {
    scratch.slice(bytes, from, edit.at)
    from = edit.at
    switch (edit.kind) {
      case 'charge':
        scratch.bytes(charge(Math.ceil(edit.cost / unit), count, edit.at === start))
        break
      case 'leave':
        scratch.bytes(toGlobal(count))
        break
      case 'return':
        scratch.bytes(toLocal(count))
        break
      case 'grow':
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

interface Count {
  /** The numbers of both variables, encoded. */
  readonly fuel: readonly number[]
  readonly local: readonly number[]
  readonly inLocal: boolean
}

const toGlobal = ({ fuel, local }: Count): readonly number[] => [0x20, ...local, 0x24, ...fuel]
const toLocal = ({ fuel, local }: Count): readonly number[] => [0x23, ...fuel, 0x21, ...local]

/** `local = count - units; if (local < 0) unreachable`; the global says so, too. */
function charge(units: number, count: Count, isFirst: boolean): readonly number[] {
  const { fuel, local, inLocal } = count
  const now = inLocal && !isFirst ? [0x20, ...local] : [0x23, ...fuel]
  const left = [...now, 0x41, ...s32(units), 0x6b, 0x22, ...local]
  return inLocal
    ? [...left, ...whenNegative, ...toGlobal(count), ...trap]
    : [...left, 0x24, ...fuel, 0x20, ...local, ...whenNegative, ...trap]
}

/** `i32.const 0; i32.lt_s; if` … `unreachable; end` */
const whenNegative = [0x41, 0, 0x48, 0x04, 0x40]
const trap = [0x00, 0x0b]
