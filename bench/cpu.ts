/** What processes have used of the CPU, by Linux's own count; elsewhere nothing is known. */
import { readFileSync } from 'node:fs'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The kernel counts in hundredths of a second. */
const tickMs = 10

/** User and system time since their starts, in milliseconds. */
export const cpuMs = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const fields = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickMs
  }, 0)

/** A process and those that it has started, without a database among them. */
export const family = (pid: number): readonly number[] => {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [pid, ...children.filter((child) => !read(`/proc/${child}/comm`).startsWith('mongod'))]
}
