/** Bytes of a WebAssembly module, read forward, and written to a buffer that grows. Numbers are LEB128. */

/** What is no WebAssembly, or WebAssembly that cannot be metered: loud, so that nothing runs unmetered. */
export class MeterError extends Error {
  override readonly name = 'MeterError'
}

export interface ByteReader {
  readonly bytes: Uint8Array
  at: number
}

export const readerOf = (bytes: Uint8Array, at = 0): ByteReader => ({ bytes, at })

export function readByte(reader: ByteReader): number {
  const byte = reader.bytes[reader.at++]
  if (byte === undefined) throw new MeterError('the module ends too early')
  return byte
}

export function readU32(reader: ByteReader): number {
  let result = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(reader)
    result += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return result
  }
  throw new MeterError('a number is too long')
}

/** Of either sign and any width. */
export function skipLeb(reader: ByteReader): void {
  while (readByte(reader) >= 0x80);
}

export function skip(reader: ByteReader, length: number): void {
  reader.at += length
  if (reader.at > reader.bytes.length) throw new MeterError('the module ends too early')
}

export function readBytes(reader: ByteReader, length: number): Uint8Array {
  const start = reader.at
  skip(reader, length)
  return reader.bytes.subarray(start, reader.at)
}

/** A length, and so many elements. */
export function readVector<T>(reader: ByteReader, element: () => T): T[] {
  const length = readU32(reader)
  if (length > reader.bytes.length) throw new MeterError('the module ends too early')
  return Array.from({ length }, element)
}

export interface ByteWriter {
  readonly bytes: (bytes: ArrayLike<number>) => void
  /** A part of another array, without a view on it. */
  readonly slice: (from: Uint8Array, start: number, end: number) => void
  readonly byte: (value: number) => void
  readonly u32: (value: number) => void
  /** A positive number as a signed one. */
  readonly s32: (value: number) => void
  readonly clear: () => void
  readonly length: () => number
  /** A view, good until the next write. */
  readonly written: () => Uint8Array
}

export function createWriter(capacity: number): ByteWriter {
  let out = new Uint8Array(capacity)
  let length = 0

  function reserve(more: number): void {
    if (length + more <= out.length) return
    const larger = new Uint8Array(2 * (length + more))
    larger.set(out.subarray(0, length))
    out = larger
  }

  return {
    bytes: (bytes) => {
      reserve(bytes.length)
      out.set(bytes, length)
      length += bytes.length
    },
    slice: (from, start, end) => {
      reserve(end - start)
      if (end - start > 24) out.set(from.subarray(start, end), length)
      else for (let i = start; i < end; i++) out[length + i - start] = from[i] ?? 0
      length += end - start
    },
    byte: (value) => {
      reserve(1)
      out[length++] = value
    },
    u32: (value) => {
      reserve(5)
      length = putU32(out, length, value)
    },
    s32: (value) => {
      reserve(6)
      length = putS32(out, length, value)
    },
    clear: () => {
      length = 0
    },
    length: () => length,
    written: () => out.subarray(0, length),
  }
}

function putU32(out: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    out[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  out[at++] = rest
  return at
}

/** The last byte's highest digit is the sign: where it would be set, a zero follows. */
function putS32(out: Uint8Array, at: number, value: number): number {
  const end = putU32(out, at, value)
  const last = out[end - 1] ?? 0
  if ((last & 0x40) === 0) return end
  out[end - 1] = last | 0x80
  out[end] = 0
  return end + 1
}

const bytesOf = (put: typeof putU32, value: number): readonly number[] => {
  const bytes = new Uint8Array(6)
  return [...bytes.subarray(0, put(bytes, 0, value))]
}

export const u32 = (value: number): readonly number[] => bytesOf(putU32, value)
export const s32 = (value: number): readonly number[] => bytesOf(putS32, value)
