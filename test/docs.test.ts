import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

it('what is generated from the code is up to date: npm run docs', async () => {
  const script = resolve(root, 'dist/scripts/docs.js')
  const checked = await promisify(execFile)(process.execPath, [script, '--check'], { cwd: root })
  expect(checked.stderr).toBe('')
})
