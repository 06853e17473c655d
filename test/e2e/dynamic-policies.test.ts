/** Every curl of the guide, as it stands there, one after the other against one server: what the guide shows is what comes. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { shipped } from '../../src/policy/rbac.ts'
import { call, newDatabase, startEdict, type Edict } from './edict.ts'

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/dynamic-policies.md'), 'utf8')

const steps = [...guide.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
  block.split(/^\$ /m).flatMap((part) => {
    const [command = '', ...output] = part.split('\n')
    return command === '' ? [] : [{ command, shown: output.join('\n').trim() }]
  }),
)

let edict: Edict

beforeAll(async () => {
  edict = await startEdict({ ...newDatabase(), EDICT_API: 'true' })
})

it('every curl of the guide stands in a console block, where it is found', () => {
  expect(steps.length).toBe(guide.match(/\bcurl\b/g)?.length)
  for (const { command } of steps) expect(command).toContain('http://127.0.0.1:8004/')
})

it('the core that the guide shows is the one that ships', () => {
  expect(/```rego\n(.*?)```/s.exec(guide)?.[1]).toBe(shipped.files.find(({ path }) => path === 'rbac/core.rego')?.text)
})

it.each(steps)('$command', async ({ command, shown }) => {
  const here = command.replaceAll('http://127.0.0.1:8004', edict.url)
  const { stdout } = await promisify(execFile)('sh', ['-c', here])
  expect(() => JSON.parse(stdout) as unknown).not.toThrow()
  if (shown !== '') expect(stdout.trim()).toBe(shown)
})

describe('the management API', () => {
  const post = (path: string, body: unknown, prefix = '/api') =>
    call(`${edict.url}${prefix}/policies/${path}`, { method: 'POST', body: JSON.stringify(body) })
  const custom = (role: string) =>
    `package rbac\n\nrole_check(assignment) if {\n\tassignment.role == "${role}"\n\tinput.action == "x"\n}\n`

  it('answers under both prefixes, ids plain or encoded', async () => {
    const module_name = 'rbac/team/extra'
    expect((await post('upload', { module_name, rego_code: custom('a') }, '/auth-api/api')).json).toEqual({
      message: 'Policy rbac/team/extra uploaded successfully',
    })
    for (const id of ['rbac/team/extra', 'rbac%2Fteam%2Fextra'])
      expect((await call(`${edict.url}/auth-api/api/policies/${id}`)).json).toEqual({
        module_name,
        rego_code: custom('a'),
      })
    const update = await post('update', { module_name, rego_code: custom('b') })
    expect([update.status, update.headers.get('x-edict-audit')]).toEqual([
      200,
      expect.stringMatching(/^\d+:[0-9a-f]{64}$/),
    ])
    expect((await call(`${edict.url}/api/policies/rbac/team/extra`, { method: 'DELETE' })).status).toBe(200)
  })

  it('refuses Rego that does not check with line and column, and stores nothing', async () => {
    const bad = await post('upload', {
      module_name: 'rbac/bad',
      rego_code: 'package rbac\n\nx if undefined_thing(1)\n',
    })
    expect(bad.status).toBe(400)
    const message = expect.stringContaining('undefined function undefined_thing') as string
    expect(bad.json).toMatchObject({
      code: 'policy_invalid',
      message,
      detail: message,
      errors: [{ location: { file: 'rbac/bad.rego', row: 3, col: 6 } }],
    })
    expect((await call(`${edict.url}/api/policies/rbac/bad`)).json).toMatchObject({
      code: 'policy_not_found',
      message: 'Policy not found',
      detail: 'Policy not found',
    })
  })

  it('knows what is not there, what belongs to rules or to Edict, and what is no request', async () => {
    const rego_code = custom('a')
    expect((await post('update', { module_name: 'rbac/none', rego_code })).status).toBe(404)
    expect((await call(`${edict.url}/api/policies/rbac/none`, { method: 'DELETE' })).status).toBe(404)
    const generate = { service_name: 'engine', resource_type: 'w', actions: { admin: ['read'] } }
    expect((await post('generate', generate)).status).toBe(200)
    expect((await post('upload', { module_name: 'rbac/engine', rego_code })).status).toBe(409)
    expect((await post('upload', { module_name: 'edict/rules', rego_code })).status).toBe(409)
    expect((await post('generate', { ...generate, service_name: 'core' })).status).toBe(409)
    for (const body of [
      {},
      { module_name: 'rbac/x' },
      { module_name: 3, rego_code },
      { module_name: '../x', rego_code },
    ]) {
      const reply = await post('upload', body)
      expect([reply.status, reply.json]).toEqual([
        400,
        expect.objectContaining({ detail: expect.any(String) as string }),
      ])
    }
    for (const actions of [{}, { admin: [] }, { admin: 'read' }])
      expect((await post('generate', { ...generate, actions })).status).toBe(400)
  })

  it('checks without storing: findings, and the plan', async () => {
    const good = await post('check', { module_name: 'rbac/new', rego_code: custom('a') })
    expect(good.json).toMatchObject({ ok: true, plan: { modules: { create: ['api:rbac/new.rego'] } } })
    const bad = await post('check', { rego_code: 'package rbac\n\nx if y\n' })
    expect(bad.json).toMatchObject({ ok: false, findings: [{ line: 3, severity: 'error' }] })
    expect((await call(`${edict.url}/api/policies`)).json).toEqual({ policies: ['rbac/core', 'rbac/engine'] })
  })
})
