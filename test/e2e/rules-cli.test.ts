import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, newDatabase, runEdict, startEdict, temporaryFolder, type Edict, type Ended } from './edict.ts'

let edict: Edict
let folder: string
beforeAll(async () => {
  edict = await startEdict({ ...newDatabase(), EDICT_API: 'true' })
  folder = await temporaryFolder()
})

const rules = (...args: readonly string[]): Promise<Ended> =>
  runEdict(['rules', ...args], { EDICT_URL: edict.url }, folder)

describe('edict rules', () => {
  it('adds, lists and removes', async () => {
    const engine = ['--service', 'engine', '--type', 'workflow']
    const added = await rules('add', ...engine, '--role', 'admin', 'viewer', '--action', 'read', 'list')
    expect([added.code, added.stderr.trim()]).toEqual([0, '4 created, 0 updated, 0 removed'])
    const listed = await rules('list', '--role', 'viewer')
    expect(listed.stdout.trim().split('\n')).toHaveLength(2)
    expect(listed.stdout).toMatch(/ {2}engine {2}"workflow" {2}"viewer" {2}"list"$/m)
    expect((await rules('remove', '--role', 'viewer')).stderr.trim()).toBe('0 created, 0 updated, 2 removed')
    expect(JSON.parse((await rules('list', '--json')).stdout)).toHaveLength(2)
    const everything = await rules('remove')
    expect([everything.code, everything.stderr]).toEqual([1, expect.stringContaining('at least one filter')])
  })

  it('says what came of a change as JSON, too, and takes the server from --server', async () => {
    const filter = ['--service', 'json', '--type', 't', '--role', 'r', '--action']
    const json = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await runEdict(['--server', edict.url, 'rules', ...args, '--json'], {}, folder)).stdout)
    const outcome = (created: number, removed: number) => ({ rules: { created, updated: 0, removed }, plan: null })
    expect(await json('add', ...filter, 'a', 'b')).toEqual(outcome(2, 0))
    expect(await json('remove', ...filter, 'a')).toEqual(outcome(0, 1))
    const file = join(folder, 'one.csv')
    await writeFile(file, 'service_name,resource_type,role,action,is_active\njson,t,r,c,yes\n')
    expect(await json('import', file, '--dry-run')).toMatchObject([{ ok: true, plan: { rules: { created: 1 } } }])
    expect(await json('import', file)).toEqual(outcome(1, 0))
    expect(await json('remove', '--service', 'json')).toEqual(outcome(0, 2))
  })

  it('imports a file that it exported, after a dry run, and says where a file is wrong', async () => {
    const csv = (await rules('export', '--format', 'csv')).stdout
    const file = join(folder, 'rules.csv')
    await writeFile(file, `${csv}"other","w","r ""x""","a,b",no\n`)
    expect((await rules('import', file, '--dry-run')).stdout).toContain('1 created, 0 updated, 0 removed')
    expect((await rules('import', file)).stderr.trim()).toBe('1 created, 0 updated, 0 removed')
    expect((await rules('import', file)).stderr.trim()).toBe('0 created, 0 updated, 0 removed')
    await writeFile(file, `${csv}other,w,,a\n`)
    const wrong = await rules('import', file)
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('line 4: role')])
  })

  it('writes the modules of the API as a folder and as a patch, generated ones as readable Rego', async () => {
    const rego_code = 'package rbac\n\nrole_check(assignment) if assignment.role == "x"'
    const body = JSON.stringify({ module_name: 'rbac/team/own', rego_code })
    await call(`${edict.url}/api/policies/upload`, { method: 'POST', body })
    const exported = await rules('export', '--modules', 'exported')
    expect([exported.code, exported.stderr.trim()]).toEqual([0, '3 modules written to exported'])
    expect(await readFile(join(folder, 'exported/rbac/team/own.rego'), 'utf8')).toBe(rego_code)
    const engine = await readFile(join(folder, 'exported/rbac/engine.rego'), 'utf8')
    expect(engine).toContain('input.action in {"list", "read"}')
    await writeFile(join(folder, 'modules.patch'), (await rules('export', '--patch')).stdout)
    execFileSync('git', ['init', '-q', 'applied'], { cwd: folder })
    execFileSync('git', ['apply', '../modules.patch'], { cwd: join(folder, 'applied') })
    expect(await readFile(join(folder, 'applied/rbac/team/own.rego'), 'utf8')).toBe(rego_code)
    expect(await readFile(join(folder, 'applied/rbac/engine.rego'), 'utf8')).toBe(engine)
  })

  it('says so when no server answers', async () => {
    const { code, stderr } = await runEdict(['rules', 'list', '--url', 'http://127.0.0.1:1'], {})
    expect([code, stderr]).toEqual([1, expect.stringContaining('no server answers at http://127.0.0.1:1')])
  })
})
