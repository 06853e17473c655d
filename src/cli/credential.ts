/** The token with which commands ask a running server: EDICT_TOKEN, or a file that its owner alone may read. Never an argument. */
import { readFileSync, statSync } from 'node:fs'
import { EdictError } from '../errors.ts'

/** undefined: none. Throws `config_invalid` for a file that others may read, too. */
export const readCredential = (env: Readonly<Record<string, string | undefined>>): string | undefined => {
  const { EDICT_TOKEN: token, EDICT_TOKEN_FILE: file } = env
  if (token !== undefined && token !== '') return token.trim()
  if (file === undefined || file === '') return undefined
  try {
    if ((statSync(file).mode & 0o077) === 0) return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new EdictError('config_invalid', `EDICT_TOKEN_FILE: ${error instanceof Error ? error.message : file}`)
  }
  throw new EdictError('config_invalid', `EDICT_TOKEN_FILE: others may read ${file}; chmod 600 it`)
}
