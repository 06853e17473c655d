import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { beforeAll, expect, it } from 'vitest'
import { call, newDatabase, runEdict, startEdict, syncNow, temporaryFolder, type Edict } from './edict.ts'

let edict: Edict
let folder: string
const database = newDatabase()
const place = () => ({ ...database, EDICT_DIRECTORY: folder, EDICT_SOURCE: 'main', EDICT_API: 'true' })

interface Entry {
  readonly sequence: number
  readonly actor: string
  readonly from: string | null
  readonly action: string
  readonly resource: string
  readonly mark: string
  readonly changes: readonly { readonly key: string; readonly before: string | null; readonly after: string | null }[]
}

const entries = async (query = ''): Promise<readonly Entry[]> =>
  ((await call(`${edict.url}/api/audit${query}`)).json as { entries: readonly Entry[] }).entries

beforeAll(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder, 'shop/price/1.0'), { recursive: true })
  await writeFile(join(folder, 'shop/price/1.0/policy.rego'), 'package shop.price\n\nx := 1\n')
  edict = await startEdict(place())
})

it('every change is an entry that says who, from where, what, and which text became which', async () => {
  await call(`${edict.url}/policy/shop/price/1.0/lock`, { method: 'POST', body: '{"reason":"look"}' })
  await call(`${edict.url}/policy/shop/price/1.0/lock`, { method: 'DELETE' })
  await writeFile(join(folder, 'shop/price/1.0/policy.rego'), 'package shop.price\n\nx := 2\n')
  await syncNow(edict, 'main')
  await call(`${edict.url}/api/policies/upload`, {
    method: 'POST',
    body: JSON.stringify({ module_name: 'rbac/extra', rego_code: 'package rbac\n\nextra := 1\n' }),
  })
  const all = await entries()
  const of = (action: string) => all.filter((entry) => entry.action === action)
  expect(of('policy.lock')).toMatchObject([{ actor: 'local', from: '127.0.0.1', resource: 'shop/price/1.0' }])
  expect(of('policy.unlock')).toHaveLength(1)
  const [second, first] = of('sync.apply').filter(({ changes }) => changes.some(({ key }) => key.startsWith('policy:')))
  const changed = (entry: Entry | undefined) => entry?.changes.find(({ key }) => key === 'policy:shop/price/1.0')
  expect(changed(first)).toMatchObject({ before: null, after: expect.any(String) })
  expect(changed(second)).toMatchObject({ before: changed(first)?.after })
  expect(await entries('?module_name=rbac/extra')).toMatchObject([
    { action: 'sync.apply' },
    { action: 'module.upload', changes: [{ key: 'module:rbac/extra', before: null }] },
  ])
  expect(await entries('?limit=1')).toHaveLength(1)
})

it('a change answers with its mark, and from a mark the log verifies', async () => {
  const locked = await call(`${edict.url}/policy/shop/price/1.0/lock`, { method: 'POST' })
  const mark = locked.headers.get('x-edict-audit') ?? ''
  expect((await entries('?limit=1'))[0]?.mark).toBe(mark)
  expect((await call(`${edict.url}/api/audit/verify?since=${mark}`)).json).toMatchObject({ ok: true, head: mark })
  expect((await call(`${edict.url}/api/audit/verify?since=1`)).status).toBe(400)
  const told = await runEdict(['audit', 'verify', '--since', mark], place())
  expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining(mark) })
})

it('is exported a line an entry, over HTTP and by the command line', async () => {
  const { text } = await call(`${edict.url}/api/audit`, { headers: { accept: 'application/x-ndjson' } })
  const { stdout } = await runEdict(['audit', 'export'], place())
  expect(stdout).toBe(text)
  const lines = text.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as Entry).sequence)).toEqual(lines.map((_, i) => lines.length - i))
})

it('forgets a person and still verifies; an entry that was altered is found', async () => {
  const erased = await runEdict(['audit', 'erase', '127.0.0.1', '--json'], place())
  expect(JSON.parse(erased.stdout)).toMatchObject({ erased: 4 })
  expect((await runEdict(['audit', 'export'], place())).stdout).not.toContain('127.0.0.1')
  expect((await runEdict(['audit', 'verify'], place())).code).toBe(0)
  const client = new MongoClient(database.MONGODB_URI)
  await client
    .db(database.MONGODB_DATABASE)
    .collection<{ _id: number }>('audit')
    .updateOne({ _id: 2 }, { $set: { resource: 'nothing' } })
  await client.close()
  expect(await runEdict(['audit', 'verify'], place())).toMatchObject({
    code: 3,
    stdout: expect.stringContaining('entry 2'),
  })
  expect((await call(`${edict.url}/api/audit/verify`)).json).toMatchObject({ ok: false, sequence: 2 })
})
