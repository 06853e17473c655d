/** `POST /api/dry-run` of a whole server: the real engine, the real opa, nothing kept and nothing asked outside. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import {
  afterwards,
  call,
  eventually,
  newDatabase,
  runEdict,
  startEdict,
  temporaryFolder,
  type Edict,
} from './edict.ts'
import { serveRepo } from './served-repo.ts'

const secret = 'only-the-server-knows-2'

interface Answer {
  readonly ok: boolean
  readonly code?: string
  readonly message?: string
  readonly findings: readonly { readonly code: string; readonly message: string }[]
  readonly error: { readonly code: string; readonly message: string } | null
  readonly result?: Readonly<Record<string, unknown>>
  readonly explanation?: { readonly rules: readonly unknown[]; readonly unavailable: readonly string[] }
  readonly coverage?: unknown
}

const dryRun = async (url: string, body: unknown, init: RequestInit = {}) => {
  const reply = await call(`${url}/api/dry-run`, { method: 'POST', body: JSON.stringify(body), ...init })
  return { status: reply.status, text: reply.text, json: reply.json as Answer }
}

/** An opa that hangs from when `hang` is there, its process then named in `pids`. */
const hangingOpa = async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'opa')
  const script = `#!/bin/sh
if [ -e "${folder}/hang" ] && [ "$1" = parse ]; then
  echo $$ > "${folder}/pids/$$"
  exec sleep 30
fi
exec "${inject('opa')}" "$@"
`
  await mkdir(join(folder, 'pids'))
  await writeFile(path, script)
  await chmod(path, 0o755)
  return { path, hang: join(folder, 'hang'), pids: () => readdir(join(folder, 'pids')) }
}

const isRunning = (pid: string): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

const extension = `
const decl = { args: [{ type: 'string' }], result: { type: 'boolean' } }
const ask = async (path) => (await fetch(process.env.OUTSIDE_URL + path)).ok
export const extensions = [
  { name: 'acme.write', decl, kind: 'effect', doc: '', impl: ([name]) => ask('/write') },
  { name: 'acme.look', decl, kind: 'read', doc: '', impl: ([name]) => ask('/look') },
]
`

describe('a dry run of a server', () => {
  let edict: Edict
  let env: Readonly<Record<string, string>>
  let outside = ''
  let dataDir = ''
  let asked = 0
  const opa = { path: '', hang: '', pids: async (): Promise<readonly string[]> => [] }

  beforeAll(async () => {
    const server = createServer((_, response) => {
      asked++
      response.end('{"allow":true}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    afterwards(() => new Promise((done) => server.close(done)))
    const { port } = server.address() as AddressInfo
    outside = `http://127.0.0.1:${port}`
    const extensions = await temporaryFolder()
    await writeFile(join(extensions, 'acme.mjs'), extension)
    Object.assign(opa, await hangingOpa())
    dataDir = await temporaryFolder()
    const served = await serveRepo({
      files: {
        'lib/hours.rego': 'package lib.hours\n\nopen if input.hour > 8\n',
        'limits/data.json': '{"age": 18}',
        'shop/orders/1.0/policy.rego': 'package shop.orders\n\nallow := true\n',
      },
      env: {
        EDICT_DATA: dataDir,
        EDICT_EXTENSIONS: extensions,
        EDICT_HTTP_ALLOW: `127.0.0.1:${port}`,
        OUTSIDE_URL: outside,
        SERVER_SECRET: secret,
        OPA_PATH: opa.path,
      },
    })
    ;({ edict, env } = served)
  })

  it('evaluates with headers, shared modules and data, and keeps every digit', async () => {
    const rego = `package a.b

import data.lib.hours

allow if {
	hours.open
	input.age >= data.limits.age
	get_header("X-Shop") == "north"
}

long := input.long

own := data.own
`
    const input = '{"hour": 9, "age": 18, "long": 12345678901234567890.50}'
    const headers = { 'x-shop': 'north' }
    const { status, text, json } = await dryRun(edict.url, { rego, input, headers, data: '{"own": 1e400}' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ ok: true, findings: [], defined: true, error: null })
    expect(json).not.toHaveProperty('explanation')
    expect(text).toContain('"result":{"allow":true,"long":12345678901234567890.50,"own":1e400}')
  })

  it('says where Rego, data or input is wrong, by line and column', async () => {
    const good = 'package a.b\n\nx := 1\n'
    const rego = await dryRun(edict.url, { rego: 'package a.b\n\nx := := 1\n', data: '{\n "a": nope }' })
    expect(rego.json.ok).toBe(false)
    expect(rego.json.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ code: 'rego_parse_error', file: 'policy.rego', line: 3, column: 6 }),
        expect.objectContaining({ code: 'invalid_json', file: 'data.json', line: 2 }),
      ]),
    )
    const type = await dryRun(edict.url, { rego: 'package a.b\n\nx if {\n\tnowhere == 1\n}\n' })
    expect(type.json.findings).toMatchObject([{ code: 'rego_unsafe_var_error', line: 4, column: 2 }])
    const input = await dryRun(edict.url, { rego: good, input: '[1,\n 2' })
    expect(input.json.findings).toMatchObject([{ code: 'invalid_json', file: 'input.json', line: 2 }])
    const name = await dryRun(edict.url, { rego: 'package just_one\n' })
    expect(name.json.findings).toMatchObject([{ code: 'wrong_package', line: 1 }])
  })

  it('explains a denial, with the lines that were reached', async () => {
    const rego = `package a.b

default allow := false

allow if {
	input.age >= data.limits.age
	data.lib.hours.open
}
`
    const { json } = await dryRun(edict.url, { rego, input: '{"age": 17.000000000000000001}', explain: true })
    expect(json).toMatchObject({ ok: true, result: { allow: false } })
    expect(json.coverage).toEqual({ covered: [3, 6], failed: [6], notCovered: [5, 7] })
    expect(json.explanation?.rules[0]).toMatchObject({
      rule: 'allow',
      value: false,
      by: [{ file: 'policy.rego', line: 3 }],
      missing: [
        {
          line: 5,
          conditions: [
            { file: 'policy.rego', line: 6, saw: [{ expression: 'input.age' }, { values: [18] }] },
            { line: 7, rules: ['data.lib.hours.open'] },
          ],
        },
      ],
    })
    const broken = await dryRun(edict.url, { rego: 'package a.b\n\nx := := 1\n', explain: true })
    expect(broken.json).toMatchObject({ ok: false, explanation: null, coverage: null })
  })

  it('ends what takes too much work', async () => {
    const rego =
      'package a.b\n\nn := count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i == j])\n'
    const { status, json } = await dryRun(edict.url, { rego, explain: true })
    expect([status, json.ok, json.error?.code]).toEqual([200, false, 'evaluation_budget_exceeded'])
    expect(json.explanation).toBeNull()
  })

  it('asks and changes nothing outside, and tells nothing of the server', async () => {
    const rego = `package a.b

sent := http.send({"method": "GET", "url": "${outside}/sent"})

safely := http.send({"method": "GET", "url": "${outside}/safely", "raise_error": false})

looked if acme.look("x")

found := net.lookup_ip_addr("localhost")

runtime := opa.runtime()

schema := json.match_schema({"a": 1}, {"$ref": "file:///proc/self/environ"})
`
    for (const explain of [false, true]) {
      const { text, json } = await dryRun(edict.url, { rego, explain })
      expect(json.result).toMatchObject({ runtime: {} })
      expect(Object.keys(json.result ?? {})).not.toContain('looked')
      expect(text).not.toContain(secret)
      expect(text).not.toMatch(/"(?:PATH|HOME|MONGODB_URI)"/)
    }
    const effect = await dryRun(edict.url, { rego: 'package a.b\n\ndone if acme.write("x")\n' })
    expect(effect.json).toMatchObject({ ok: false, error: { code: 'evaluation_error' } })
    expect(effect.json.error?.message).toContain('in a dry run')
    expect(asked).toBe(0)
  })

  it('keeps nothing: neither a policy nor a file', async () => {
    const rego = 'package kept.nowhere\n\nmark := "a mark that stands nowhere else"\n'
    const before = await readdir(dataDir, { recursive: true })
    expect((await dryRun(edict.url, { rego, explain: true })).json.ok).toBe(true)
    expect(await readdir(dataDir, { recursive: true })).toEqual(before)
    const catalog = await call(`${edict.url}/api/catalog`)
    expect(catalog.json).toMatchObject({ total: 1 })
    expect((await call(`${edict.url}/policy/kept/nowhere/0`)).status).toBe(404)
  })

  it('refuses a body that is too large', async () => {
    const large = await dryRun(edict.url, { rego: 'package a.b', input: `"${'x'.repeat(3_000_000)}"` })
    expect([large.status, large.json.code]).toEqual([413, 'body_too_large'])
    const rego = await dryRun(edict.url, { rego: `package a.b\n#${'x'.repeat(300_000)}` })
    expect([rego.status, rego.json.code]).toEqual([400, 'invalid_request'])
  })

  it('stops opa when nobody waits any more', async () => {
    await writeFile(opa.hang, '')
    const stop = new AbortController()
    const gone = dryRun(edict.url, { rego: 'package a.b\n\nnew := 1\n' }, { signal: stop.signal })
    const [pid = ''] = await eventually(opa.pids, (found) => found.length > 0)
    expect(isRunning(pid)).toBe(true)
    stop.abort()
    await expect(gone).rejects.toThrow()
    expect(
      await eventually(
        async () => isRunning(pid),
        (running) => !running,
      ),
    ).toBe(false)
    await rm(opa.hang)
    expect((await dryRun(edict.url, { rego: 'package a.b\n\nnew := 1\n' })).json.ok).toBe(true)
    expect(edict.log()).not.toContain('internal_error')
  })

  it('says what is missing where there is no opa', async () => {
    const bare = await startEdict(
      { ...env, EDICT_DATA: await temporaryFolder(), OPA_PATH: '/nowhere/opa' },
      { args: ['serve', '--no-sync'] },
    )
    const { status, json } = await dryRun(bare.url, { rego: 'package a.b\n' })
    expect([status, json.code]).toEqual([503, 'tool_unavailable'])
    expect(json.message).toMatch(/OPA_PATH: .*needs exactly opa/)
  })
})

describe('a dry run where credentials are asked for', () => {
  it('is refused to a viewer, and reads for an author what that one may read', async () => {
    const folder = await temporaryFolder()
    const files = {
      'lib/open.rego': 'package lib.open\n\nword := "for everybody"\n',
      'lib/hidden.rego': 'package lib.hidden\n\nword := "for few"\n',
      'salaries/data.json': '{"ann": 5000}',
      'shop/orders/1.0/policy.rego': 'package shop.orders\n\nallow := true\n',
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, 'policies', path, '..'), { recursive: true })
      await writeFile(join(folder, 'policies', path), text)
    }
    const rules = `rules:
  - { id: root, roles: [superuser], actions: [read, change, token], scope: any }
  - { id: admin, roles: [superuser], actions: [admin] }
  - { id: deploy, roles: [superuser], actions: [apply, source], target_scope: any }
  - { id: viewer, roles: [viewer], actions: [read], scope: any }
  - { id: author, roles: [author], actions: [read, change], scope: { is: any, patterns: ['shop/**', 'lib/open'] } }
`
    await writeFile(join(folder, 'authz.yaml'), rules)
    const database = newDatabase()
    const env = {
      ...database,
      EDICT_POLICY_FILE: join(folder, 'authz.yaml'),
      EDICT_DIRECTORY: join(folder, 'policies'),
      EDICT_SOURCE: 'local',
    }
    const first = await runEdict(['token', 'create', '--actor', 'root', '--roles', 'superuser'], database)
    const admin = first.stdout.trim().split(/\s/)[0] ?? ''
    const edict = await startEdict(env)
    const edictToken = async (...args: readonly string[]): Promise<string> =>
      (await runEdict(args, env)).stdout.trim().split(/\s/)[0] ?? ''
    const create = (...args: readonly string[]) => edictToken('--as', 'root', 'token', 'create', ...args)
    const ask = async (token: string, rego: string) =>
      dryRun(edict.url, { rego, explain: true }, { headers: { authorization: `Bearer ${token}` } })
    const viewer = await create('--actor', 'vera', '--roles', 'viewer')
    const author = await create('--actor', 'ann', '--roles', 'author')
    const uses = (what: string): string => `package shop.draft\n\nx := ${what}\n`

    expect(await ask(viewer, uses('1'))).toMatchObject({ status: 403, json: { code: 'forbidden' } })
    expect((await ask('edict_wrong_token', uses('1'))).status).toBe(401)
    expect((await ask(author, uses('data.lib.open.word'))).json.result).toEqual({ x: 'for everybody' })
    expect((await ask(admin, uses('data.lib.hidden.word'))).json.result).toEqual({ x: 'for few' })
    for (const hidden of ['data.lib.hidden.word', 'data.salaries.ann', 'data.salaries', 'data.lib[input]']) {
      const { text, json } = await ask(author, uses(hidden))
      expect(text).not.toMatch(/for few|5000/)
      if (hidden !== 'data.lib[input]') expect(json.findings).toMatchObject([{ code: 'out_of_scope_read', line: 3 }])
    }
    expect(edict.log()).not.toContain('internal_error')
  })
})
