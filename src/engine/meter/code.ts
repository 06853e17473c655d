/** The code section: the bodies of functions. */
import { MeterError, readerOf, readU32, skip } from './bytes.ts'

export interface CodeEntry {
  /** Those of the section. */
  readonly bytes: Uint8Array
  /** The groups of locals, behind their number. */
  readonly locals: number
  readonly localGroups: number
  /** The number of locals, without parameters. */
  readonly localCount: number
  /** The first instruction. */
  readonly start: number
  readonly end: number
}

export function readCode(bytes: Uint8Array): readonly CodeEntry[] {
  const reader = readerOf(bytes)
  const entries: CodeEntry[] = []
  for (let left = readU32(reader); left > 0; left--) {
    const size = readU32(reader)
    const end = reader.at + size
    const localGroups = readU32(reader)
    const locals = reader.at
    let localCount = 0
    for (let group = 0; group < localGroups; group++) {
      localCount += readU32(reader)
      skip(reader, 1)
    }
    if (end > bytes.length || reader.at > end) throw new MeterError('the module ends too early')
    entries.push({ bytes, locals, localGroups, localCount, start: reader.at, end })
    reader.at = end
  }
  return entries
}
