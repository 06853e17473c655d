/** Commands that write, with rules in force: nobody, an actor who may not touch what is protected, and one who may. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { databaseOf } from './deployment.ts'
import { newDatabase, runEdict, startEdict, temporaryFolder, type Edict, type Ended } from './edict.ts'

const rules = `
rules:
  - { id: root, roles: [superuser], actions: [read, change, lock, unlock, token], scope: any }
  - { id: root-deploys, roles: [superuser], actions: [apply, approve, rollback, source], target_scope: any }
  - { id: root-admin, roles: [superuser], actions: [admin] }
  - { id: others, roles: [author], actions: [read, change, lock, unlock], scope: unprotected }
  - { id: others-deploy, roles: [author], actions: [apply, source], target_scope: unprotected }
`
const files: Readonly<Record<string, string>> = {
  'authz.yaml': rules,
  'policies/payments/pay/1.0/policy.rego': 'package payments.pay\n\nallow := true\n',
  'rules.csv': 'service_name,resource_type,role,action\npayments,card,clerk,read\n',
}

describe('with rules in force', () => {
  let env: Readonly<Record<string, string>>
  let folder = ''
  let edict: Edict
  const tokens = new Map<string, string>()
  const run = (...args: readonly string[]): Promise<Ended> => runEdict(args, env, folder)
  const last = async (): Promise<unknown> =>
    databaseOf(env)
      .collection('audit')
      .findOne({}, { sort: { _id: -1 }, projection: { _id: 0, action: 1, actor: 1 } })
  const sequence = async (): Promise<unknown> => (await databaseOf(env).collection('head').findOne())?.['sequence']
  const refused = async (ending: Promise<Ended>, said: string): Promise<void> => {
    const before = await sequence()
    expect(await ending).toMatchObject({ code: 1, stderr: expect.stringContaining(said) })
    expect(await sequence()).toBe(before)
  }

  beforeAll(async () => {
    folder = await temporaryFolder()
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const config = `policy: { file: ${join(folder, 'authz.yaml')} }\nprotected: ["payments/**", "rbac/payments"]\n`
    await writeFile(join(folder, 'edict.yaml'), config)
    env = { ...newDatabase(), EDICT_API: 'true' }
    for (const [actor, roles] of [
      ['root', 'superuser'],
      ['ann', 'author'],
    ] as const) {
      const made = await run(
        ...(actor === 'root' ? [] : ['--as', 'root']),
        'token',
        'create',
        '--actor',
        actor,
        '--roles',
        roles,
      )
      expect(made.code, made.stderr).toBe(0)
      tokens.set(actor, made.stdout.trim())
    }
    edict = await startEdict(env, { args: ['-c', join(folder, 'edict.yaml'), 'serve'] })
  })

  it('a directory is applied by who may, and nothing of it by anybody else', async () => {
    const directory = join(folder, 'policies')
    await refused(run('apply', directory), 'needs an actor')
    await refused(run('--as', 'ann', 'apply', directory), 'ann may not apply payments/pay/1.0')
    const applied = await run('--as', 'root', 'apply', directory)
    expect(applied.code, applied.stderr).toBe(0)
    expect(await last()).toEqual({ action: 'sync.apply', actor: 'root' })
    expect(await databaseOf(env).collection('policies').countDocuments()).toBe(1)
  })

  it('a policy is locked by who may', async () => {
    await refused(run('lock', 'payments/pay/1.0'), 'needs an actor')
    await refused(run('--as', 'ann', 'lock', 'payments/pay/1.0'), 'ann may not lock payments/pay/1.0')
    expect((await run('--as', 'root', 'lock', 'payments/pay/1.0')).code).toBe(0)
    expect(await last()).toEqual({ action: 'policy.lock', actor: 'root' })
    expect(await databaseOf(env).collection('locks').findOne()).toMatchObject({ actor: 'root' })
  })

  it('a file of rules is imported by who may', async () => {
    const load = (actor: string | null) =>
      runEdict(
        ['rules', '--url', edict.url, 'import', join(folder, 'rules.csv')],
        actor === null ? {} : { EDICT_TOKEN: tokens.get(actor) ?? '' },
      )
    await refused(load(null), 'credential')
    await refused(load('ann'), 'ann may not change rbac/payments')
    const imported = await load('root')
    expect(imported, imported.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('1 created') })
    expect(await databaseOf(env).collection('rules').findOne()).toMatchObject({ created_by: 'root', action: 'read' })
    const entry = await databaseOf(env)
      .collection('audit')
      .findOne({ action: /^rules?\./ })
    expect(entry).toMatchObject({ actor: 'root' })
  })
})
