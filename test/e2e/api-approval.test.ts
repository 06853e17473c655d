/** An API whose changes are approved: what a caller is answered, what is in force when, and what outlives a restart. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { call, newDatabase, runEdict, startEdict, temporaryFolder, type Edict, type Reply } from './edict.ts'

interface Waits {
  readonly message: string
  readonly plan: { readonly id: string; readonly requests: readonly { readonly actor: string }[] }
}

let edict: Edict
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  const config = join(await temporaryFolder(), 'edict.yaml')
  await writeFile(config, 'sources: [{ name: api, api: {}, mode: plan }]\n')
  env = { ...newDatabase(), EDICT_CONFIG: config }
  edict = await startEdict(env)
})

const post = (path: string, body: unknown = {}): Promise<Reply> =>
  call(`${edict.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
const upload = (module_name: string, role: string) =>
  post('/api/policies/upload', {
    module_name,
    rego_code: `package rbac\n\nrole_check(assignment) if assignment.role == "${role}"\n`,
  })
const generate = { service_name: 'engine', resource_type: 'workflow', actions: { admin: ['read'] } }
const planOf = (reply: Reply): Waits['plan'] => (reply.json as Waits).plan
const policies = async () => ((await call(`${edict.url}/api/policies`)).json as { policies: string[] }).policies
const decide = async (role: string) => {
  const user = { status: 'active', assignments: [{ role, resource_type: 'project', resource_id: 'p' }] }
  const input = { user, action: 'read', resource: { type: 'workflow', project_id: 'p' } }
  return ((await post('/v1/data/rbac/allow', { input })).json as { result: boolean }).result
}

it('every way to change something answers 202 with the plan, and nothing is in force until it is approved', async () => {
  const generated = await post('/api/policies/generate', generate)
  expect([generated.status, generated.json]).toEqual([
    202,
    {
      message: expect.stringContaining(planOf(generated).id) as string,
      plan: expect.objectContaining({ status: 'Waiting', subject: ['api'] }) as object,
    },
  ])
  const rego = 'package rbac\n\nrole_check(assignment) if assignment.role == "put"\n'
  const put = await call(`${edict.url}/v1/policies/rbac/put`, { method: 'PUT', body: rego })
  const rule = { service_name: 'engine', resource_type: 'workflow', role: 'viewer', action: 'read' }
  const added = await post('/api/rules', rule)
  const many = await post('/api/rules/bulk', { rules: [{ ...rule, role: 'editor' }] })
  const replies = [put, added, many, await upload('rbac/custom', 'custom')]
  for (const { status } of replies) expect(status).toBe(202)
  const listed = (await call(`${edict.url}/api/plans?status=Waiting`)).json as { plans: Waits['plan'][] }
  expect(listed.plans.map(({ id, requests }) => [id, requests.length])).toEqual([[replies.map(planOf).at(-1)?.id, 5]])
  expect((await call(`${edict.url}/api/plans?status=Superseded`)).json).toMatchObject({ plans: { length: 4 } })
  expect(await policies()).toEqual(['rbac/core'])
  expect(await decide('admin')).toBe(false)
  expect((await call(`${edict.url}/api/sources/api`)).json).toMatchObject({ reason: 'AwaitingApproval' })
  const stale = await post(`/api/plans/${planOf(generated).id}/approve`)
  expect([stale.status, await decide('admin')]).toEqual([409, false])
  const approved = await post(`/api/plans/${listed.plans[0]?.id}/approve`)
  expect([approved.status, approved.json]).toMatchObject([200, { status: 'Applied', decidedBy: 'local' }])
  expect(await policies()).toEqual(['rbac/core', 'rbac/custom', 'rbac/engine', 'rbac/put'])
  for (const role of ['admin', 'viewer', 'editor', 'custom', 'put']) expect(await decide(role)).toBe(true)
  expect((await call(`${edict.url}/api/sources/api`)).json).toMatchObject({ reason: 'Succeeded' })
})

it('what does not hold is refused at once, and what changes nothing is no plan', async () => {
  const bad = await post('/api/policies/upload', { module_name: 'rbac/bad', rego_code: 'package rbac\n\nx if y(1)\n' })
  expect([bad.status, bad.json]).toMatchObject([400, { code: 'policy_invalid' }])
  expect((await upload('rbac/engine', 'x')).status).toBe(409)
  expect((await upload('rbac/custom', 'custom')).status).toBe(200)
  expect((await call(`${edict.url}/api/plans?status=Waiting`)).json).toEqual({ plans: [], next: null })
})

it('a rejected change is gone', async () => {
  const { id } = planOf(await upload('rbac/custom', 'other'))
  expect((await post(`/api/plans/${id}/reject`, { reason: 'no' })).status).toBe(200)
  const gone = await call(`${edict.url}/api/policies/rbac/put`, { method: 'DELETE' })
  expect([gone.status, planOf(gone).requests]).toMatchObject([202, [{ actor: 'local' }]])
  expect((await post(`/api/plans/${planOf(gone).id}/approve`)).status).toBe(200)
  expect(await policies()).toEqual(['rbac/core', 'rbac/custom', 'rbac/engine'])
  expect([await decide('custom'), await decide('other'), await decide('put')]).toEqual([true, false, false])
})

it('what waits outlives a restart, joins what comes after it, and is approved then', async () => {
  const first = planOf(await upload('rbac/late', 'late'))
  await edict.stop()
  edict = await startEdict(env)
  const again = (await call(`${edict.url}/api/plans?status=Waiting`)).json as { plans: Waits['plan'][] }
  expect(again.plans.map(({ id }) => id)).toEqual([first.id])
  const rules = ['rules', 'add', '--service', 'engine', '--type', 'workflow', '--role', 'clerk', '--action', 'read']
  const added = await runEdict(rules, { EDICT_URL: edict.url })
  const [plan] = ((await call(`${edict.url}/api/plans?status=Waiting`)).json as { plans: Waits['plan'][] }).plans
  expect([added.code, added.stderr]).toEqual([0, expect.stringContaining(`with plan ${plan?.id}`)])
  expect(plan?.requests).toHaveLength(2)
  expect((await post(`/api/plans/${plan?.id}/approve`)).status).toBe(200)
  expect([await decide('late'), await decide('clerk')]).toEqual([true, true])
  const audit = (await call(`${edict.url}/api/audit?limit=3`)).json as { entries: { action: string }[] }
  expect(audit.entries.map(({ action }) => action)).toEqual(['sync.apply', 'rules.change', 'module.upload'])
})
