/**
 * Ends what an abandoned git command leaves behind: git does not end its transport helper (`git-remote-https`, ssh) when
 * it is ended itself. Our own descendants are known by a random word in their environment. Where there is no `/proc`
 * the helper's own time limits must do.
 */
import { readdir, readFile } from 'node:fs/promises'

export async function endProcessesWith(word: string): Promise<void> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      if (pid !== process.pid && environment.split('\0').includes(word)) end(pid)
    }),
  )
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended by itself.
  }
}
