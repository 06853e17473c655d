/** One function: its code with charges put in, and `memory.grow` replaced. */
import { type ByteWriter, MeterError, readerOf, u32 } from './bytes.ts'
import type { CodeEntry } from './code.ts'
import { type Edit, planEdits } from './edits.ts'
import type { LeafCost } from './leaves.ts'
import { opcode } from './opcodes.ts'

/** Instructions in a unit. */
const unit = 8
const i32 = 0x7f

export function editsOf(body: CodeEntry, leafCost: LeafCost): readonly Edit[] {
  const reader = readerOf(body.bytes, body.start)
  const edits = planEdits(reader, (callee) => leafCost(callee) ?? 0)
  if (reader.at !== body.end) throw new MeterError('a function does not end where it says')
  return edits
}

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
