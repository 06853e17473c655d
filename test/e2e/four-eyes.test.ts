/** Plans of a repository under four eyes: who wrote or committed what they change does not approve them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, evaluate, runEdict, syncNow, temporaryFolder } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const rules = `
emails:
  ann: [ann@example.org]
rules:
  - { id: all, roles: [superuser], actions: [read, change, token], scope: any }
  - { id: all-deploy, roles: [superuser], actions: [apply, approve, rollback, source], target_scope: any }
  - { id: all-admin, roles: [superuser], actions: [admin] }
four_eyes: ["payments/**"]
`
const policy = (path: string, value: number) => {
  const [group = '', name = ''] = path.split('/')
  return { [`${path}/1.0/policy.rego`]: rego(group, name, `value := ${value}`) }
}

describe('a repository whose plans need another pair of eyes', () => {
  let served: ServedRepo
  let file = ''
  const tokens = new Map<string, string>()
  const headers = (actor: string) => ({ authorization: `Bearer ${tokens.get(actor)}` })

  const release = async (files: Readonly<Record<string, string>>, author: string): Promise<string> => {
    const { repo } = served
    await repo.write(files)
    await repo.git(['add', '-A'])
    await repo.git(['commit', '-q', '-m', 'change', '--author', `${author} <${author}@example.org>`])
    await repo.push()
    const synced = await call(`${served.edict.url}/api/sources/platform/sync`, {
      method: 'POST',
      headers: headers('carol'),
    })
    expect(synced.status, synced.text).toBe(200)
    const { json } = await call(`${served.edict.url}/api/plans?status=Waiting`, { headers: headers('carol') })
    const [plan] = (json as { plans: readonly { id: string; authors: readonly string[] }[] }).plans
    expect(plan?.authors).toContain(`${author}@example.org`)
    return plan?.id ?? ''
  }
  const approve = (plan: string, actor: string) =>
    call(`${served.edict.url}/api/plans/${plan}/approve`, { method: 'POST', headers: headers(actor) })
  const value = async () => (await evaluate(served.edict, 'payments/pay/1.0')).json

  beforeAll(async () => {
    file = join(await temporaryFolder(), 'authz.yaml')
    await writeFile(file, rules)
    served = await serveRepo({ files: policy('payments/pay', 1), env: { EDICT_MODE: 'plan', EDICT_POLICY_FILE: file } })
    for (const actor of ['carol', 'ann', 'bob@example.org']) {
      const as = actor === 'carol' ? [] : ['--as', 'carol']
      const made = await runEdict([...as, 'token', 'create', '--actor', actor, '--roles', 'superuser'], served.env)
      expect(made.code, made.stderr).toBe(0)
      tokens.set(actor, made.stdout.trim())
    }
    expect((await syncNow(served.edict, 'platform')).status).toBe(401)
  })

  it('an author who is known by the address of a commit does not approve it; somebody else does', async () => {
    const plan = await release(policy('payments/pay', 2), 'ann')
    expect(await approve(plan, 'ann')).toMatchObject({
      status: 403,
      json: { code: 'forbidden', message: expect.stringContaining('who made it must not be who lets it through') },
    })
    const here = await runEdict(['--as', 'ann', 'apply', '--plan', plan], served.env)
    expect(here, here.stderr).toMatchObject({ code: 1, stderr: expect.stringContaining('edict:four-eyes') })
    expect((await approve(plan, 'bob@example.org')).status).toBe(200)
    expect(await value()).toEqual({ value: 2 })
  })

  it('an actor whose name is the address does not either, though a later commit is somebody else’s', async () => {
    await release(policy('payments/pay', 3), 'bob')
    const plan = await release(policy('payments/other', 1), 'dora')
    expect((await approve(plan, 'bob@example.org')).status).toBe(403)
    expect((await approve(plan, 'ann')).status).toBe(200)
    expect(await value()).toEqual({ value: 3 })
  })

  it('who wrote what is in force already may approve what others add', async () => {
    const plan = await release(policy('payments/pay', 4), 'dora')
    expect((await approve(plan, 'bob@example.org')).status).toBe(200)
  })

  it('what is broken when it is committed is still its author’s when somebody else mends what it needs', async () => {
    const needing = {
      'payments/new/1.0/policy.rego': 'package payments.new\n\nimport data.lib.fees\n\nvalue := fees.one(1)\n',
    }
    const first = await release({ ...needing, ...policy('payments/pay', 5) }, 'ann')
    expect((await approve(first, 'carol')).status).toBe(200)
    const second = await release({ 'lib/fees.rego': 'package lib.fees\n\none(x) := x\n' }, 'dora')
    expect((await approve(second, 'ann')).status).toBe(403)
    expect((await approve(second, 'bob@example.org')).status).toBe(200)
  })

  it('elsewhere, authors approve what they may', async () => {
    const plan = await release(policy('shop/cart', 1), 'ann')
    expect((await approve(plan, 'ann')).status).toBe(200)
  })
})
