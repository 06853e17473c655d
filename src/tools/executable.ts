/** Finds programs the way a shell does, and says whether a file can be run. */
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Environment } from './cache-folder.ts'

export const exe = process.platform === 'win32' ? '.exe' : ''

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}

/** Every program of that name on PATH, in order. */
export async function programsOnPath(name: string, env: Environment): Promise<readonly string[]> {
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const files = [...new Set(folders.map((folder) => join(folder, `${name}${exe}`)))]
  const runnable = await Promise.all(files.map(isExecutable))
  return files.filter((_, index) => runnable[index])
}
