/** Two servers and a worker on one database, with a folder that changes meanwhile: 200 callers at once. */
import { expect, it } from 'vitest'
import { createPolicies, databaseOf, startReplica, startWorker, timed, figure } from './deployment.ts'
import { call, evaluate, newDatabase, type Reply } from './edict.ts'

const extra = (role: string) =>
  `package rbac\n\nrole_check(assignment) if {\n\tassignment.role == "${role}"\n\tinput.action == "export"\n}\n`
const gate = (version: number) => ({
  'app/gate/1.0/policy.rego': `package app.gate\n\nallow := data.rbac.allow\n\nversion := ${version}\n`,
})

it('200 uploads and rule changes at once: every answer is true, nothing is lost, one audit chain', async () => {
  const env = newDatabase()
  const folder = await createPolicies(gate(0))
  await startWorker({ ...env, ...folder.env, EDICT_API: 'true', SYNC_INTERVAL: '200ms' })
  const servers = await Promise.all([startReplica(env), startReplica(env)])
  const at = (index: number): string => servers[index % 2]?.url ?? ''
  const post = (index: number, path: string, body: unknown): Promise<Reply> =>
    call(`${at(index)}/api${path}`, { method: 'POST', body: JSON.stringify(body) })
  const rule = (index: number) => {
    return { service_name: `s${index % 7}`, resource_type: 'workflow', role: `role${index}`, action: 'export' }
  }

  const asked = Array.from({ length: 200 }, (_, index) => {
    if (index % 20 === 7)
      return post(index, '/policies/upload', { module_name: `rbac/bad${index}`, rego_code: 'package rbac\n\nx if y\n' })
    if (index % 20 === 9)
      return post(index, '/policies/upload', { module_name: 'rbac/same', rego_code: extra(`same${index}`) })
    if (index % 2 === 0)
      return post(index, '/policies/upload', { module_name: `rbac/m${index}`, rego_code: extra(`role${index}`) })
    return post(index, '/rules', rule(index))
  })
  let busy = true
  const syncing = (async () => {
    for (let version = 1; busy; version++) {
      // oxlint-disable-next-line no-await-in-loop
      await folder.write(gate(version))
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  })()
  const [ms, replies] = await timed(() => Promise.all(asked))
  busy = false
  await syncing
  figure(`200 changes at once: ${Math.round(ms)} ms`)

  const kinds = replies.map(({ status }, index) => [
    index % 20 === 7 ? 'bad' : index % 20 === 9 ? 'same' : 'good',
    status,
  ])
  expect(kinds.filter(([kind, status]) => kind === 'bad' && status !== 400)).toEqual([])
  expect(kinds.filter(([kind, status]) => kind !== 'bad' && status !== 200 && status !== 201)).toEqual([])
  const good = replies.flatMap(({ status, headers }) => (status < 300 ? [headers.get('x-edict-audit') ?? ''] : []))
  expect(new Set(good).size).toBe(190)

  // What was answered is in force on both servers, and nothing else.
  const decide = (index: number, role: string) => {
    const assignments = [{ role, resource_type: 'project', resource_id: 'p' }]
    const input = {
      user: { status: 'active', assignments },
      action: 'export',
      resource: { type: 'workflow', project_id: 'p' },
    }
    return evaluate({ url: at(index) }, 'app/gate/1.0', input)
  }
  for (const server of [0, 1]) {
    const answers = await Promise.all(
      replies.map(async (_, index) => (await decide(server, `role${index}`)).json as { allow: boolean }),
    )
    const wrong = answers.flatMap(({ allow }, index) => (allow === ![7, 9].includes(index % 20) ? [] : [index]))
    expect(wrong).toEqual([])
  }
  const { json } = await call(`${at(0)}/api/policies/rbac/same`)
  const last = replies
    .flatMap(({ headers }, index) =>
      index % 20 === 9 ? [{ index, sequence: Number(headers.get('x-edict-audit')?.split(':')[0]) }] : [],
    )
    .reduce((newest, one) => (one.sequence > newest.sequence ? one : newest))
  expect(json).toMatchObject({ rego_code: extra(`same${last.index}`) })

  const db = databaseOf(env)
  const entries = await db.collection('audit').find().toArray()
  const changes = entries.filter(({ ['action']: action }) => action === 'module.upload' || action === 'rules.change')
  expect(changes).toHaveLength(190)
  const numbers = new Map(changes.map(({ _id, ['hash']: hash }) => [`${String(_id)}:${String(hash)}`, true]))
  expect(good.filter((number) => !numbers.has(number))).toEqual([])
  figure(`plans: ${entries.filter(({ ['action']: action }) => action === 'sync.apply').length}`)
  const verified = await call(`${at(0)}/api/audit/verify`)
  expect(verified.json).toMatchObject({ ok: true })
})
