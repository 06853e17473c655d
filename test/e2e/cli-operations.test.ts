import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate, newDatabase, runEdict, startEdict, temporaryFolder, type Edict } from './edict.ts'

const database = newDatabase()
const policy = 'shop/price/1.0'
let edict: Edict
let here: Readonly<Record<string, string>>

beforeAll(async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, policy), { recursive: true })
  await writeFile(join(folder, policy, 'policy.rego'), 'package shop.price\n\nx := 1\n')
  here = { ...database, EDICT_DIRECTORY: folder, EDICT_SOURCE: 'main' }
  edict = await startEdict(here)
})

/** On the store itself, and through the server. */
const doors = { 'on the store': () => [], 'through a server': () => ['--server', edict.url] } as const

for (const [door, options] of Object.entries(doors))
  describe(door, () => {
    const run = (...args: readonly string[]) => runEdict([...options(), ...args], here)
    const list = async (...args: readonly string[]) =>
      JSON.parse((await run(...args, '--json')).stdout) as Record<string, unknown>[]

    it('a lock holds when the command returns, and is lifted by another', async () => {
      const locked = await run('lock', policy, '--reason', 'look')
      expect(locked).toMatchObject({ code: 0, stdout: expect.stringContaining(`${policy} is locked, confirmed by`) })
      expect((await evaluate(edict, policy)).status).toBe(403)
      expect(await run('lock', policy)).toMatchObject({ code: 1, stderr: expect.stringContaining('already locked') })
      expect((await run('unlock', policy)).code).toBe(0)
      expect((await evaluate(edict, policy)).status).toBe(200)
      expect(await run('unlock', 'shop/none/1.0')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no policy'),
      })
    })

    it('sources, plans and revisions are listed', async () => {
      expect(await list('sources')).toMatchObject([{ name: 'main', phase: 'Ready' }])
      expect((await run('sources')).stdout).toMatch(/^main {2}Ready {2}Succeeded/)
      const [plan] = await list('plans')
      expect(plan).toMatchObject({ status: 'Applied', subject: ['main'] })
      expect(await list('plans', 'list', '--status', 'Waiting')).toEqual([])
      const shown = await run('plans', 'show', String(plan?.['id']))
      expect(JSON.parse(shown.stdout)).toMatchObject({ id: plan?.['id'], diffs: expect.any(Array) })
      expect((await run('plans', 'show', String(plan?.['id']), '--json')).stdout).toBe(shown.stdout)
      expect((await run('plans', 'show', 'none')).code).toBe(1)
      expect(await run('plans', 'reject', String(plan?.['id']))).toMatchObject({ code: 1 })
      const revisions = await list('revisions')
      expect(revisions[0]).toMatchObject({ revision: revisions.length, plan: plan?.['id'] })
    })
  })

it('what is written wrong is told, with what to write instead', async () => {
  const wrong: [string[], string][] = [
    [['lock', 'shop/price'], '<group>/<name>/<version>'],
    [['lock', policy, '--until', 'soon'], '2026-12-24T18:00:00Z'],
    [['plans', 'list', '--status', 'Wating'], 'Waiting'],
    [['revisions', '--limit', '0'], '1 to 200'],
  ]
  for (const [args, hint] of wrong)
    expect(await runEdict(args, here)).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) })
})

it('through a server, a note says that --as is not heard', async () => {
  const told = await runEdict(['--server', edict.url, '--as', 'alice', 'sources'], here)
  expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('--as is not heard') })
  const configured = await runEdict(['--server', edict.url, 'sources'], { ...here, EDICT_CLI_ACTOR: 'alice' })
  expect(configured).toMatchObject({ code: 0, stderr: expect.stringContaining('cli.actor is not heard') })
})

it.each([[['status']], [['audit', 'list']], [['sync']], [['rollback', '1']]])(
  'a command that does not go through a server does nothing when one is meant: %j',
  async (args) => {
    const told = await runEdict(['--server', edict.url, ...args], here)
    expect(told).toMatchObject({ code: 2, stderr: expect.stringContaining('leave --server out') })
  },
)

it('bash completes commands by the script that is printed', async () => {
  const { stdout: script } = await runEdict(['completion', 'bash'], here)
  const ask = `${script}\nCOMP_WORDS=(edict plans re); COMP_CWORD=2; _edict; echo "\${COMPREPLY[@]}"`
  expect((await promisify(execFile)('bash', ['-c', ask])).stdout.trim()).toBe('reject')
})
