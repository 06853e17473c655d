/** Where tools are kept: the user's cache folder, so that they are fetched once per machine. Creates nothing. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export function cacheFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  const home = env['HOME'] || env['USERPROFILE'] || homedir()
  if (env['XDG_CACHE_HOME']) return resolve(env['XDG_CACHE_HOME'], 'edict')
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'edict')
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'edict')
  return join(home, '.cache', 'edict')
}
