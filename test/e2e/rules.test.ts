import { beforeAll, describe, expect, it } from 'vitest'
import { call, newDatabase, startEdict, type Edict, type Reply } from './edict.ts'

let edict: Edict
beforeAll(async () => {
  edict = await startEdict({ ...newDatabase(), EDICT_API: 'true' })
})

const api = (method: string, path: string, body?: unknown, type = 'application/json'): Promise<Reply> =>
  call(`${edict.url}/api/rules${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': type } }),
  })

const rule = (over: object = {}) => ({
  service_name: 'engine',
  resource_type: 'workflow',
  role: 'editor',
  action: 'read',
  ...over,
})

const allowed = async (role: string, action: string, type = 'workflow'): Promise<unknown> => {
  const assignments = [{ role, resource_type: 'project', resource_id: 'p1' }]
  const input = { user: { status: 'active', assignments }, action, resource: { type, project_id: 'p1' } }
  const { json } = await call(`${edict.url}/v1/data/rbac/allow`, { method: 'POST', body: JSON.stringify({ input }) })
  return (json as { result?: unknown }).result
}

const idOf = ({ json }: Reply): string => (json as { id: string }).id
const all = async (query = ''): Promise<readonly unknown[]> =>
  ((await api('GET', query)).json as { rules: readonly unknown[] }).rules

describe('rules over HTTP', () => {
  it('are in force when they are answered, switched off and on, moved and deleted', async () => {
    const made = await api('POST', '', rule())
    expect([made.status, made.json]).toEqual([
      201,
      expect.objectContaining({ ...rule(), is_active: true, created_by: 'local', updated_by: 'local' }),
    ])
    const id = idOf(made)
    expect(await allowed('editor', 'read')).toBe(true)
    expect((await api('PATCH', `/${id}`, { is_active: false })).json).toMatchObject({ id, is_active: false })
    expect(await allowed('editor', 'read')).toBe(false)
    expect((await api('PATCH', `/${id}`, { is_active: true, action: 'write' })).status).toBe(200)
    expect([await allowed('editor', 'read'), await allowed('editor', 'write')]).toEqual([false, true])
    expect((await api('GET', `/${id}`)).json).toMatchObject({ action: 'write' })
    expect((await api('DELETE', `/${id}`)).status).toBe(200)
    expect(await allowed('editor', 'write')).toBe(false)
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect((await api(method, `/${id}`, method === 'PATCH' ? { is_active: true } : undefined)).json).toMatchObject({
        code: 'rule_not_found',
      })
  })

  it('are unique over service, type, role and action', async () => {
    const first = idOf(await api('POST', '', rule({ action: 'one' })))
    const second = idOf(await api('POST', '', rule({ action: 'two' })))
    expect((await api('POST', '', rule({ action: 'one' }))).json).toMatchObject({ code: 'conflict' })
    expect((await api('PATCH', `/${second}`, { action: 'one' })).status).toBe(409)
    for (const id of [first, second]) await api('DELETE', `/${id}`)
  })

  it('come in bulk and are put over those that are there, in one change', async () => {
    const rules = [rule({ action: 'a' }), rule({ action: 'b' }), rule({ action: 'c', is_active: false })]
    const dry = await api('POST', '/bulk?dry_run=true', { rules })
    expect(dry.json).toMatchObject({ ok: true, plan: { rules: { created: 3, updated: 0, removed: 0 } } })
    const [shown] = (dry.json as { rego: { module: string; before: string | null; after: string }[] }).rego
    expect(shown?.module).toMatch(/^rbac\//)
    expect(shown?.after).toContain('role_check(assignment) if')
    expect(shown?.after).not.toBe(shown?.before)
    expect(await all()).toEqual([])
    expect((await api('POST', '/bulk', { rules })).json).toMatchObject({
      rules: { created: 3, updated: 0, removed: 0 },
    })
    const again = [...rules, rule({ action: 'a', is_active: false })]
    const reply = await api('POST', '/bulk', { rules: again })
    expect(reply.json).toMatchObject({ rules: { created: 0, updated: 1, removed: 0 } })
    expect([await allowed('editor', 'a'), await allowed('editor', 'b')]).toEqual([false, true])
  })

  it('are listed by page and filter', async () => {
    expect((await api('GET', '?limit=2')).json).toMatchObject({
      total: 3,
      next: 2,
      rules: [{ action: 'a' }, { action: 'b' }],
    })
    expect((await api('GET', '?limit=2&offset=2')).json).toMatchObject({ next: null, rules: [{ action: 'c' }] })
    expect(await all('?is_active=true')).toHaveLength(1)
    expect(await all('?role=nobody')).toEqual([])
    expect(await all('?q=WORKF')).toHaveLength(3)
    expect((await api('GET', '?limit=0')).status).toBe(400)
  })

  it('go out as CSV and JSON and come in again, whatever their names', async () => {
    const odd = rule({ role: 'a"b, {c}\n%d', action: '"} allow := true #', resource_type: 'ü ' })
    await api('POST', '', odd)
    const csv = (await api('GET', '/export?format=csv')).text
    const json = (await api('GET', '/export')).text
    expect(csv.split('\r\n')[0]).toBe('service_name,resource_type,role,action,is_active')
    for (const { json: one } of [await api('DELETE', `/${idOf(await last())}`)]) expect(one).toBeDefined()
    const before = JSON.parse(json) as unknown[]
    expect((await api('POST', '/import?dry_run=true', csv, 'text/csv')).json).toMatchObject({
      plan: { rules: { created: 1 } },
    })
    expect((await api('POST', '/import', csv, 'text/csv')).json).toMatchObject({ rules: { created: 1, updated: 0 } })
    expect(JSON.parse((await api('GET', '/export')).text)).toEqual(before)
    expect((await api('POST', '/import', json)).json).toMatchObject({ rules: { created: 0, updated: 0 } })
    expect(await allowed(odd.role, odd.action, odd.resource_type)).toBe(true)
    expect(await allowed('nobody', 'anything', odd.resource_type)).toBe(false)
  })

  const last = async (): Promise<Reply> => {
    const { json } = await api('GET', '?q=%25d')
    const [found] = (json as { rules: { id: string }[] }).rules
    return api('GET', `/${found?.id ?? ''}`)
  }

  it('refuse a file with what is wrong and where, and take nothing of it', async () => {
    const { length } = await all()
    const wrong = 'service_name,resource_type,role,action\nok,w,r,a\n../x,w,r,a\nok,w,,a\n'
    const reply = await api('POST', '/import', wrong, 'text/csv')
    expect([reply.status, reply.json]).toEqual([
      400,
      expect.objectContaining({
        errors: [
          expect.objectContaining({ message: expect.stringContaining('line 3: service_name') as string }),
          expect.objectContaining({ message: expect.stringContaining('line 4: role') as string }),
        ],
      }),
    ])
    for (const [text, type] of [
      ['"open', 'text/csv'],
      ['a,b\n1,2\n', 'text/csv'],
      ['{"rules": 3}', 'application/json'],
      ['[', 'application/json'],
    ] as const)
      expect((await api('POST', '/import', text, type)).status, text).toBe(400)
    expect(await all()).toHaveLength(length)
  })
})

describe('going back', () => {
  it('brings rules and modules of a revision back together, and both decide at once', async () => {
    const upload = (module_name: string, role: string) =>
      call(`${edict.url}/api/policies/upload`, {
        method: 'POST',
        body: JSON.stringify({
          module_name,
          rego_code: `package rbac\n\nrole_check(assignment) if assignment.role == "${role}"\n`,
        }),
      })
    const kept = idOf(await api('POST', '', rule({ role: 'kept' })))
    const changed = idOf(await api('POST', '', rule({ role: 'changed' })))
    const reply = await upload('rbac/own', 'own')
    const revision = Number(reply.headers.get('x-edict-revision'))
    const before = await all()
    await api('PATCH', `/${changed}`, { is_active: false })
    await api('DELETE', `/${kept}`)
    await api('POST', '', rule({ role: 'late' }))
    await upload('rbac/own', 'other')
    expect([await allowed('kept', 'read'), await allowed('late', 'read'), await allowed('own', 'read')]).toEqual([
      false,
      true,
      false,
    ])
    const back = await call(`${edict.url}/api/revisions/${revision}/rollback`, { method: 'POST' })
    expect([back.status, back.json]).toMatchObject([200, { ok: true }])
    const fields = (found: readonly unknown[]) =>
      found.map((one) => ({ ...(one as object), updated_at: null, updated_by: null }))
    expect(fields(await all())).toEqual(fields(before))
    for (const role of ['kept', 'changed', 'own']) expect(await allowed(role, 'read')).toBe(true)
    for (const role of ['late', 'other']) expect(await allowed(role, 'read')).toBe(false)
    expect((await api('GET', `/${kept}`)).json).toMatchObject({ id: kept, role: 'kept' })
    const text = (await call(`${edict.url}/api/policies/rbac/engine`)).json as { rego_code: string }
    expect(text.rego_code).toContain('"changed"')
    expect((await call(`${edict.url}/api/audit/verify`)).json).toMatchObject({ ok: true })
  })
})
