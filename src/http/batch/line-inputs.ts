/**
 * NDJSON: one input a line, as the lines come; blank ones do not count. A line that is too long is passed over and has
 * an error in its place, so no more than one line is ever held.
 */
import { EdictError } from '../../errors.ts'

export type BatchInput = Uint8Array | EdictError

const newline = 0x0a

/** The lines that each chunk completes. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxLine: number,
): AsyncGenerator<readonly BatchInput[], void, undefined> {
  let begun: Uint8Array[] = []
  let held = 0
  for await (const chunk of chunks) {
    const lines: BatchInput[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      finish(chunk.subarray(start, end), lines)
      start = end + 1
    }
    hold(chunk.subarray(start))
    if (lines.length > 0) yield lines
  }
  const last: BatchInput[] = []
  finish(new Uint8Array(), last)
  if (last.length > 0) yield last

  function hold(part: Uint8Array): void {
    held += part.length
    if (held > maxLine) begun = []
    else if (part.length > 0) begun.push(part)
  }

  function finish(part: Uint8Array, lines: BatchInput[]): void {
    hold(part)
    if (held > maxLine) lines.push(new EdictError('body_too_large', `the line is longer than ${maxLine} bytes`))
    else {
      const line = begun.length === 1 ? begun[0] : Buffer.concat(begun)
      if (line !== undefined && !isBlank(line)) lines.push(line)
    }
    begun = []
    held = 0
  }
}

const isBlank = (line: Uint8Array): boolean => {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  return true
}
