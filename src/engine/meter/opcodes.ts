/**
 * The instructions that OPA's compiler and runtime are made of (WebAssembly 1.0, sign extension, saturating
 * conversion) and what follows each of them. Any other is refused: its cost is not known. In particular the bulk memory
 * instructions, whose cost depends on a length.
 * https://webassembly.github.io/spec/core/binary/instructions.html
 */
import { type ByteReader, MeterError, readByte, readU32, skip, skipLeb } from './bytes.ts'

export const opcode = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  memoryGrow: 0x40,
} as const

const refused = 0
const none = 1
const leb = 2
const twoLebs = 3
const float32 = 4
const float64 = 5
const labels = 6
const prefix = 7

const immediates = tableOf([
  [0x00, 0x01, none],
  [0x02, 0x04, leb],
  [0x05, 0x05, none],
  [0x0b, 0x0b, none],
  [0x0c, 0x0d, leb],
  [0x0e, 0x0e, labels],
  [0x0f, 0x0f, none],
  [0x10, 0x10, leb],
  [0x11, 0x11, twoLebs],
  [0x1a, 0x1b, none],
  [0x20, 0x24, leb],
  [0x28, 0x3e, twoLebs],
  [0x3f, 0x42, leb],
  [0x43, 0x43, float32],
  [0x44, 0x44, float64],
  [0x45, 0xc4, none],
  [0xfc, 0xfc, prefix],
])

/** Steps over what follows `code`. */
export function skipImmediate(reader: ByteReader, code: number): void {
  switch (immediates[code]) {
    case none:
      return
    case leb:
      return skipLeb(reader)
    case twoLebs:
      skipLeb(reader)
      return skipLeb(reader)
    case float32:
      return skip(reader, 4)
    case float64:
      return skip(reader, 8)
    case labels:
      for (let count = readU32(reader); count >= 0; count--) skipLeb(reader)
      return
    case prefix:
      return skipPrefixed(reader)
    default:
      throw unknown(code.toString(16))
  }
}

/** Of the instructions behind 0xfc, the saturating conversions. */
function skipPrefixed(reader: ByteReader): void {
  const code = readByte(reader)
  if (code > 7) throw unknown(`fc ${code.toString(16)}`)
}

const unknown = (code: string): MeterError => new MeterError(`the instruction 0x${code} cannot be metered`)

function tableOf(ranges: readonly (readonly [from: number, to: number, immediate: number])[]): Uint8Array {
  const table = new Uint8Array(256).fill(refused)
  for (const [from, to, immediate] of ranges) table.fill(immediate, from, to + 1)
  return table
}
