/**
 * What one pass through a function costs at most, in instructions. A function is cut into regions: all outside its
 * loops, and each loop without the loops inside; a region's cost is that of its longest path, because within a region
 * code only jumps forward. So whoever charges each region when it is entered, and a loop at each round, charges no less
 * than what is run, whatever way it takes.
 */
import { type ByteReader, MeterError, readByte, readU32, skipLeb } from './bytes.ts'
import { opcode, skipImmediate } from './opcodes.ts'

/** What is to be done at a place in the code. */
export type Edit =
  /** Before the first instruction of a region; in instructions. */
  | { readonly kind: 'charge'; readonly at: number; readonly cost: number; readonly isQuietLoop: boolean }
  /** Before an instruction that leaves the function, or calls one that may charge. */
  | { readonly kind: 'leave'; readonly at: number }
  /** Behind such a call. */
  | { readonly kind: 'return'; readonly at: number }
  /** A `memory.grow`. */
  | { readonly kind: 'grow'; readonly at: number }

export interface Callee {
  /** Instructions that calling it costs its caller: those of a function that charges nothing itself. */
  readonly cost: number
  /** Neither it nor what it calls charges, nor does the host in it. */
  readonly isQuiet: boolean
}

const dead = -1

const anyFunction: Callee = { cost: 0, isQuiet: false }

interface Region {
  readonly kind: 'charge'
  readonly at: number
  readonly outer: Region | undefined
  /** The cost of the way to this loop in the region around it. */
  readonly before: number
  /** The cost of the longest way in it. */
  cost: number
  /** A loop in which, loops inside included, no call may charge. */
  isQuietLoop: boolean
}

interface Frame {
  readonly code: number
  /** The region that the frame is in; of a loop: that it makes. */
  readonly region: Region
  /** The cost of the way to the start of an `if`; dead when nothing comes in there. */
  readonly entry: number
  /** The longest way to the end of the frame by a jump. */
  label: number
}

/** Reads the instructions of one function, from behind its locals to its `end`; edits come in the order of their places. */
export function planEdits(reader: ByteReader, calleeOf: (index: number) => Callee): readonly Edit[] {
  const whole: Region = { kind: 'charge', at: reader.at, outer: undefined, before: 0, cost: 0, isQuietLoop: false }
  const edits: Edit[] = [whole]
  const body: Frame = { code: opcode.block, region: whole, entry: 0, label: dead }
  const frames: Frame[] = [body]
  let region: Region = whole
  let now = 0

  function open(code: number): void {
    skipLeb(reader)
    if (code === opcode.loop) {
      region = { kind: 'charge', at: reader.at, outer: region, before: now, cost: 0, isQuietLoop: true }
      edits.push(region)
      now = 0
    }
    frames.push({ code, region, entry: now, label: dead })
  }

  function close(): void {
    const frame = frames.pop()
    if (frame === undefined) throw new MeterError('a function has too many ends')
    if (frame === body && now !== dead) edits.push({ kind: 'leave', at: reader.at - 1 })
    passed()
    if (frame.code === opcode.loop) {
      now = now === dead ? dead : region.before
      region = leaveLoop(region)
    } else now = Math.max(now, frame.label, frame.code === opcode.if ? frame.entry : dead)
  }

  /** However the loop ends, the way to it was gone. */
  function leaveLoop({ outer = whole, before }: Region): Region {
    if (before > outer.cost) outer.cost = before
    return outer
  }

  function otherwise(): void {
    const frame = frames.pop()
    if (frame?.code !== opcode.if) throw new MeterError('a function has an else without an if')
    passed()
    frames.push({ ...frame, code: opcode.else, label: Math.max(frame.label, now) })
    now = frame.entry
  }

  /** `at`: of the instruction. */
  function jump(depth: number, at: number): void {
    const frame = frames[frames.length - 1 - depth]
    if (frame === undefined) throw new MeterError('a function jumps out of itself')
    if (frame === body) edits.push({ kind: 'leave', at })
    if (frame.code === opcode.loop) return
    let cost = now
    for (let it: Region | undefined = region; it !== undefined && it !== frame.region; it = it.outer) cost = it.before
    if (cost > frame.label) frame.label = cost
  }

  /** The way is at its end here. */
  function passed(): void {
    if (now > region.cost) region.cost = now
  }

  function leave(): void {
    passed()
    now = dead
  }

  function call({ cost, isQuiet }: Callee, at: number): void {
    if (now !== dead) now += cost
    if (isQuiet) return
    for (let it: Region | undefined = region; it !== undefined; it = it.outer) it.isQuietLoop = false
    edits.push({ kind: 'leave', at }, { kind: 'return', at: reader.at })
  }

  while (frames.length > 0) {
    const at = reader.at
    const code = readByte(reader)
    if (now !== dead) now++
    switch (code) {
      case opcode.block:
      case opcode.loop:
      case opcode.if:
        open(code)
        break
      case opcode.else:
        otherwise()
        break
      case opcode.end:
        close()
        break
      case opcode.br:
        jump(readU32(reader), at)
        leave()
        break
      case opcode.brIf:
        jump(readU32(reader), at)
        break
      case opcode.brTable:
        for (let count = readU32(reader); count >= 0; count--) jump(readU32(reader), at)
        leave()
        break
      case opcode.return:
        edits.push({ kind: 'leave', at })
        leave()
        break
      case opcode.unreachable:
        leave()
        break
      case opcode.call:
        call(calleeOf(readU32(reader)), at)
        break
      case opcode.callIndirect:
        skipImmediate(reader, code)
        call(anyFunction, at)
        break
      case opcode.memoryGrow:
        edits.push({ kind: 'grow', at })
        skipImmediate(reader, code)
        break
      default:
        skipImmediate(reader, code)
    }
  }
  whole.cost = Math.max(whole.cost, now)
  return edits
}
