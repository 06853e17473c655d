/** `edict policy new GROUP/NAME/VERSION`: a policy that denies, and a test that passes. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EdictError } from '../../errors.ts'
import { place } from '../../policy/layout.ts'
import { showPath } from '../../policy/paths.ts'
import type { AddCommand } from '../context.ts'

/** The package as Rego writes it. */
const packageOf = (group: string, name: string): string => showPath([group, name]).replace(/^data\./, '')

const regoOf = (name: string): string => `# What this policy decides, and what it is asked.
#
# Input: {"user": {"role": "reader"}}
package ${name}

default allow := false

allow if input.user.role in {"editor", "reader"}
`

const tests = `cases:
  - name: a reader is allowed
    input: { user: { role: reader } }
    expect: { exact: { allow: true } }
  - name: nobody else is
    matrix:
      inputs:
        another role: { user: { role: guest } }
        no user: {}
      expect:
        allow: { another role: false, no user: false }
`

export const addNew: AddCommand = (policy, context) =>
  void policy
    .command('new')
    .description('write a new policy with a test that passes')
    .argument('<policy>', 'group/name/version')
    .argument('[dir]', 'the directory', '.')
    .action(async (key: string, directory: string) => {
      const path = `${key}/policy.rego`
      const placed = place([path]).get(path)
      if (placed?.kind !== 'policy') {
        const reason = placed?.kind === 'refused' ? placed.message : 'name it by group/name/version'
        throw new EdictError('config_invalid', `${key} cannot be the name of a policy: ${reason}.`)
      }
      const { group, name } = placed.policy
      const folder = join(resolve(context.cwd, directory), key)
      await mkdir(folder, { recursive: true })
      const files = { 'policy.rego': regoOf(packageOf(group, name)), 'policy.tests.yaml': tests }
      for (const [file, text] of Object.entries(files)) {
        // oxlint-disable-next-line no-await-in-loop
        await writeFile(join(folder, file), text, { flag: 'wx' }).catch(refuseToOverwrite(`${key}/${file}`))
        context.print(join(directory, key, file))
      }
    })

const refuseToOverwrite =
  (file: string) =>
  (error: unknown): never => {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw exists ? new EdictError('conflict', `${file} exists already.`) : error
  }
