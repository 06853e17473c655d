import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readCredential } from '../src/cli/credential.ts'

const file = (mode: number): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'edict-credential-')), 'token')
  writeFileSync(path, 'edict_from_file\n', { mode })
  return path
}

it('the command line takes its token from the environment, else from a file that nobody else may read', () => {
  expect(readCredential({})).toBeUndefined()
  expect(readCredential({ EDICT_TOKEN: 'edict_a', EDICT_TOKEN_FILE: '/nowhere' })).toBe('edict_a')
  expect(readCredential({ EDICT_TOKEN_FILE: file(0o600) })).toBe('edict_from_file')
  expect(() => readCredential({ EDICT_TOKEN_FILE: file(0o644) })).toThrow('chmod 600')
  expect(() => readCredential({ EDICT_TOKEN_FILE: '/nowhere' })).toThrow('EDICT_TOKEN_FILE')
})
