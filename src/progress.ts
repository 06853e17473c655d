/** Progress of a cycle for people: a bar on a terminal, a line now and then elsewhere. */
import type { WriteStream } from 'node:tty'

export interface Progress {
  readonly phase: string
  readonly done: number
  readonly total: number
}

export type OnProgress = (progress: Progress) => void

const width = 30
const quietBelow = 20
const linesApartMs = 5_000

const bar = ({ phase, done, total }: Progress): string => {
  const filled = Math.round((done / total) * width)
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total} ${phase}`
}

export const createProgressBar = (stream: Pick<WriteStream, 'write'> & { isTTY?: boolean }): OnProgress => {
  let last = 0
  return (progress) => {
    const { phase, done, total } = progress
    if (total < quietBelow) return
    const now = Date.now()
    const finished = done >= total
    if (stream.isTTY) {
      if (!finished && now - last < 50) return
      stream.write(`\r${bar(progress)}${finished ? '\x1b[K\n' : '\x1b[K'}`)
    } else {
      if (!finished && now - last < linesApartMs) return
      stream.write(`${phase} ${done}/${total}\n`)
    }
    last = now
  }
}
