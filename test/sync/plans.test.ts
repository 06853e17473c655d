import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import { sha256 } from '../../src/policy/digest.ts'
import type { Fragment } from '../../src/policy/schema.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createReconciler, type Reconciler, type ReconcilerDeps } from '../../sync/cycle.ts'
import type { Source } from '../../sync/sources/source.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { useMongo } from '../setup/mongo.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })

let opa: CachedOpa
let folder: string
let store: Store
let stop: AbortController

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-plans-'))
  opa = await cachedOpa(join(folder, 'opa'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(() => {
  stop = new AbortController()
  store = openStore({ enforce: enforceOpen, uri: mongo.uri, database: mongo.database(), log, signal: stop.signal })
})
afterEach(async () => {
  stop.abort()
  await store.close()
})

const policy = (name: string, value = 'true') => ({
  [`g/${name}/1.0/policy.rego`]: `package g.${name}\n\nallow := ${value}\n`,
})
const many = (count: number) => Object.assign({}, ...Array.from({ length: count }, (_, i) => policy(`p${i}`)))

/** A source in memory; its commits are `<name>0`, `<name>1`, … */
function memory(name: string, content: Record<string, string>) {
  let commit = 0
  let files = content
  const load = async (): Promise<Fragment> => ({
    source: name,
    kind: 'git',
    commit: `${name}${commit}`,
    revision: `main@sha1:${name}${commit}`,
    author: null,
    committedAt: null,
    findings: [],
    files: Object.entries(files).map(([path, text]) => ({ path, text, digest: sha256(text) })),
  })
  const source: Source = { name, kind: 'git', describe: () => name, blame: async () => null, load }
  return {
    source,
    set(next: Record<string, string>) {
      files = next
      commit += 1
    },
  }
}

function reconciler(sources: readonly Source[], more: Partial<ReconcilerDeps> = {}): Reconciler {
  return createReconciler({ store, sources, opa, log, ...more })
}

const planned = (...names: string[]) => ({ approval: new Set(names) })
const values = async () => {
  const { items } = await store.policies.whole((await store.policies.stored()).items.map(({ _id }) => _id))
  const texts = items.map(async ({ _id, rego }) => [_id, /:= (.*)/.exec(await store.policies.readText(rego))?.[1]])
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>
}
const statusOf = async (name: string) => (await store.sources.get(name))?.reason
const planStatuses = async () => (await store.plans.list({ limit: 100 })).items.map(({ status }) => status)
const waiting = async () => {
  const plan = await store.plans.waiting()
  if (plan === null) throw new Error('no plan waits')
  return plan
}

describe('a source that is applied at once', () => {
  test('one cycle is one plan and one transaction: two sources, policies and modules', async () => {
    const a = memory('a', { ...policy('x'), 'lib/util.rego': 'package lib.util\n\nf(x) := x\n' })
    const b = memory('b', { ...policy('y'), ...policy('z') })
    const sync = reconciler([a.source, b.source])
    const { plan } = await sync.cycle({})
    expect(await store.head()).toMatchObject({ sequence: 1, revision: 1 })
    a.set(policy('x', '2'))
    b.set(policy('y', '2'))
    await sync.cycle({})
    expect(await store.head()).toMatchObject({ sequence: 2, revision: 2 })
    const first = await store.plans.get(plan ?? '')
    expect(first).toMatchObject({
      status: 'Applied',
      kind: 'sync',
      baseRevision: 0,
      revision: 1,
      decidedBy: 'local',
      subject: ['a', 'b'],
      changes: {
        policies: { create: ['g/x/1.0', 'g/y/1.0', 'g/z/1.0'], replace: [], remove: [], keep: 0 },
        modules: { create: ['a:lib/util.rego'] },
      },
    })
    const [second] = (await store.plans.list({ limit: 1 })).items
    expect(second?.changes).toMatchObject({
      policies: { create: [], replace: ['g/x/1.0', 'g/y/1.0'], remove: ['g/z/1.0'], keep: 0 },
      modules: { remove: ['a:lib/util.rego'] },
    })
    const diffs = JSON.parse(await store.policies.readText((await store.plans.get(second?._id ?? ''))?.diffs ?? ''))
    expect(diffs[0]).toMatchObject({
      key: 'policy:g/x/1.0',
      change: 'replace',
      files: [
        { kind: 'text', file: 'g/x/1.0/policy.rego', diff: expect.stringContaining('-allow := true\n+allow := 2\n') },
      ],
    })
    const [entry] = await store.audit.list({ limit: 1 })
    expect(entry).toMatchObject({
      action: 'sync.apply',
      details: { plan: { id: second?._id, digest: second?.digest } },
    })
  })
})

describe('a source with mode plan', () => {
  test('waits with a plan, and what is in force stays, until that plan is approved', async () => {
    const a = memory('a', { ...policy('x'), ...policy('y') })
    const sync = reconciler([a.source], planned('a'))
    expect(await sync.cycle({})).toMatchObject({ ok: true, revision: 0, changed: null })
    expect(await values()).toEqual({})
    expect(await store.sources.get('a')).toMatchObject({ phase: 'Stalled', reason: 'AwaitingApproval', commit: null })
    const plan = await waiting()
    expect(plan).toMatchObject({ subject: ['a'], changes: { policies: { create: ['g/x/1.0', 'g/y/1.0'] } } })
    expect((await store.sources.get('a'))?.plan).toBe(plan._id)
    const head = await store.head()
    await sync.cycle({})
    expect(await store.head()).toEqual(head)
    const report = await sync.cycle({ sources: [], approve: [{ plan: plan._id, actor: 'alice' }] })
    expect(report).toMatchObject({ plan: plan._id, changed: { created: 2 } })
    expect(report.refused.size).toBe(0)
    expect(await store.plans.get(plan._id)).toMatchObject({ status: 'Applied', decidedBy: 'alice', revision: 1 })
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Succeeded', commit: 'a0', plan: null })
    expect((await store.audit.list({ limit: 1 }))[0]).toMatchObject({ actor: 'alice', action: 'sync.apply' })
  })

  test('a newer commit supersedes the plan, and only the newer one can be approved', async () => {
    const a = memory('a', policy('x'))
    const sync = reconciler([a.source], planned('a'))
    await sync.cycle({})
    const old = await waiting()
    a.set(policy('x', '2'))
    await sync.cycle({})
    const newer = await waiting()
    expect(newer._id).not.toBe(old._id)
    expect(await store.plans.get(old._id)).toMatchObject({
      status: 'Superseded',
      message: `superseded by ${newer._id}`,
    })
    const late = await sync.cycle({ sources: [], approve: [{ plan: old._id, actor: 'alice' }] })
    expect(late.refused.get(old._id)).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Superseded'),
    })
    expect(await values()).toEqual({})
    await sync.cycle({ sources: [], approve: [{ plan: newer._id, actor: 'alice' }] })
    expect(await values()).toEqual({ 'g/x/1.0': '2' })
  })

  test('a plan whose base moved on is stale and refused; another one takes its place', async () => {
    const a = memory('a', policy('x'))
    const b = memory('b', policy('y'))
    const sync = reconciler([a.source, b.source], planned('a'))
    await sync.cycle({})
    expect(await values()).toEqual({ 'g/y/1.0': 'true' })
    const old = await waiting()
    expect(old.baseRevision).toBe(1)
    b.set(policy('y', '2'))
    await sync.cycle({})
    expect(await store.plans.get(old._id)).toMatchObject({ status: 'Stale' })
    const next = await waiting()
    expect(next).toMatchObject({ baseRevision: 2, subject: ['a'] })
    const late = await sync.cycle({ sources: [], approve: [{ plan: old._id, actor: 'alice' }] })
    expect(late.refused.get(old._id)?.code).toBe('conflict')
    b.set(policy('y', '3'))
    const moved = await sync.cycle({ sources: ['b'], approve: [{ plan: next._id, actor: 'alice' }] })
    expect(moved.refused.get(next._id)?.message).toContain('is stale')
    expect(await values()).toEqual({ 'g/y/1.0': '3' })
    await sync.cycle({ sources: [], approve: [{ plan: (await waiting())._id, actor: 'alice' }] })
    expect(await values()).toEqual({ 'g/x/1.0': 'true', 'g/y/1.0': '3' })
  })

  test('a rejected commit is held, the next one waits again', async () => {
    const a = memory('a', policy('x'))
    const sync = reconciler([a.source], planned('a'))
    await sync.cycle({})
    const bad = await waiting()
    await store.plans.reject(bad._id, { actor: person('bob'), reason: 'too wide' })
    await sync.cycle({})
    expect(await store.plans.waiting()).toBeNull()
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Held', message: expect.stringContaining('too wide') })
    const late = await sync.cycle({ sources: [], approve: [{ plan: bad._id, actor: 'alice' }] })
    expect(late.refused.get(bad._id)?.message).toContain('Rejected')
    await expect(store.plans.reject(bad._id, { actor: person('bob'), reason: null })).rejects.toMatchObject({
      code: 'conflict',
    })
    a.set(policy('x', '2'))
    await sync.cycle({})
    expect(await waiting()).toMatchObject({ changes: { policies: { create: ['g/x/1.0'] } } })
    expect(await statusOf('a')).toBe('AwaitingApproval')
  })

  test('a commit that changes nothing in force needs nobody', async () => {
    const a = memory('a', policy('x'))
    const sync = reconciler([a.source], planned('a'))
    await sync.cycle({})
    await sync.cycle({ approve: [{ plan: (await waiting())._id, actor: 'alice' }] })
    a.set({ ...policy('x'), 'README.md': 'words' })
    await sync.cycle({})
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Succeeded', commit: 'a1' })
    a.set(policy('x', '2'))
    await sync.cycle({})
    a.set(policy('x'))
    await sync.cycle({})
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Succeeded', commit: 'a3' })
    expect(await planStatuses()).toEqual(['Superseded', 'Applied'])
  })

  test('what another source does is applied meanwhile, in the same cycle', async () => {
    const a = memory('a', policy('x'))
    const b = memory('b', policy('y'))
    const sync = reconciler([a.source, b.source], planned('a'))
    expect(await sync.cycle({})).toMatchObject({ changed: { created: 1 }, revision: 1 })
    expect(await waiting()).toMatchObject({ baseRevision: 1, subject: ['a'] })
    expect(await statusOf('a')).toBe('AwaitingApproval')
  })

  test('a Conflict in what waits is told at once and stops nobody else', async () => {
    const a = memory('a', policy('x'))
    const b = memory('b', policy('x', '2'))
    const sync = reconciler([a.source, b.source], planned('a'))
    await sync.cycle({})
    expect(await values()).toEqual({ 'g/x/1.0': '2' })
    expect(await store.plans.waiting()).toBeNull()
    expect(await statusOf('a')).toBe('Conflict')
    b.set({ ...policy('x', '2'), ...policy('y') })
    await sync.cycle({})
    expect(Object.keys(await values())).toEqual(['g/x/1.0', 'g/y/1.0'])
  })
})

describe('a commit that removes too much', () => {
  test('is a plan that waits, too: approving it confirms it', async () => {
    const a = memory('a', many(8))
    const sync = reconciler([a.source])
    await sync.cycle({})
    a.set(policy('p0'))
    expect(await sync.cycle({})).toMatchObject({ ok: false, changed: null })
    expect(await store.sources.get('a')).toMatchObject({ reason: 'MassDeletion', held: { commit: 'a1', of: 8 } })
    const plan = await waiting()
    expect(plan.changes.policies.remove).toHaveLength(7)
    await sync.cycle({ sources: [], approve: [{ plan: plan._id, actor: 'alice' }] })
    expect(Object.keys(await values())).toEqual(['g/p0/1.0'])
    expect(await statusOf('a')).toBe('Succeeded')
  })
})

describe('going back', () => {
  test('makes a new revision with the old content, and holds what it turned back until it is released', async () => {
    const a = memory('a', { ...policy('x'), ...policy('z'), 'lib/n.rego': 'package lib.n\n\nv := 1\n' })
    const b = memory('b', policy('y'))
    const sync = reconciler([a.source, b.source])
    await sync.cycle({})
    a.set({ ...policy('x', '2'), ...policy('w'), 'lib/n.rego': 'package lib.n\n\nv := 2\n' })
    await sync.cycle({})
    const before = await store.revisions.contentAt(1)
    const report = await sync.rollback({ revision: 1, actor: person('alice'), reason: 'it broke' })
    expect(report).toMatchObject({ ok: true, revision: 3, changed: { created: 1, replaced: 1, removed: 1 } })
    expect(await values()).toEqual({ 'g/x/1.0': 'true', 'g/y/1.0': 'true', 'g/z/1.0': 'true' })
    const after = await store.revisions.contentAt(3)
    const digests = ({ policies, modules }: typeof before) =>
      [...policies, ...modules].map(({ _id, digest, commit }) => [_id, digest, commit].join()).sort()
    expect(digests(after)).toEqual(digests(before))
    expect(await store.plans.get(report.plan ?? '')).toMatchObject({
      kind: 'rollback',
      subject: ['a'],
      decidedBy: 'alice',
    })
    expect((await store.audit.list({ limit: 1 }))[0]).toMatchObject({ actor: 'alice', action: 'revision.rollback' })
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Held', commit: 'a0', lastSeenCommit: 'a1' })
    a.set(policy('x', '3'))
    b.set(policy('y', '3'))
    await sync.cycle({})
    expect(await values()).toMatchObject({ 'g/x/1.0': 'true', 'g/y/1.0': '3' })
    expect(await store.sources.get('a')).toMatchObject({ reason: 'Held', message: expect.stringContaining('it broke') })
    expect(await statusOf('b')).toBe('Succeeded')
    await store.holds.release('a', person('alice'))
    await expect(store.holds.release('a', person('alice'))).rejects.toMatchObject({ code: 'conflict' })
    await sync.cycle({})
    expect(await values()).toEqual({ 'g/x/1.0': '3', 'g/y/1.0': '3' })
    expect(await statusOf('a')).toBe('Succeeded')
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })

  test('to what is in force already does nothing, to what never was is refused, to what is forgotten as well', async () => {
    const a = memory('a', policy('x'))
    const sync = reconciler([a.source], { keep: { count: 2, ageMs: 3_600_000 } })
    for (const value of ['1', '2', '3']) {
      a.set(policy('x', value))
      await sync.cycle({})
    }
    await sync.idle()
    expect(await sync.rollback({ revision: 3, actor: person('alice') })).toMatchObject({
      ok: true,
      revision: 3,
      changed: null,
    })
    await expect(sync.rollback({ revision: 9, actor: person('alice') })).rejects.toMatchObject({ code: 'not_found' })
    await expect(sync.rollback({ revision: 1, actor: person('alice') })).rejects.toMatchObject({
      code: 'revision_gone',
    })
    expect(await store.revisions.list({ limit: 10 })).toMatchObject([{ _id: 3 }, { _id: 2 }])
    expect(await sync.rollback({ revision: 2, actor: person('alice') })).toMatchObject({ revision: 4 })
    expect(await values()).toEqual({ 'g/x/1.0': '2' })
  })
})

describe('what revisions are made of', () => {
  test('is kept from the garbage, and forgotten with them', async () => {
    const a = memory('a', policy('x', '1'))
    const sync = reconciler([a.source], { keep: { count: 2, ageMs: 3_600_000 } })
    await sync.cycle({})
    const first = await store.revisions.policyAt(1, 'g/x/1.0')
    a.set(policy('x', '2'))
    await sync.cycle({})
    await store.blobs.collectGarbage({ olderThanMs: -1 })
    const needed = [first?.artifact?.wasm ?? '', first?.artifact?.data ?? '']
    expect(await store.blobs.missing(needed)).toEqual([])
    expect(await store.policies.readText((await store.revisions.policyAt(1, 'g/x/1.0'))?.rego ?? '')).toContain(':= 1')
    a.set(policy('x', '3'))
    await sync.cycle({})
    await sync.idle()
    await expect(store.revisions.policyAt(1, 'g/x/1.0')).rejects.toMatchObject({ code: 'revision_gone' })
    expect(await store.revisions.policyAt(2, 'g/none/1.0')).toBeNull()
    await store.blobs.collectGarbage({ olderThanMs: -1 })
    expect(await store.blobs.missing([needed[0] ?? ''])).toEqual([needed[0]])
    expect(await store.plans.list({ limit: 10 })).toMatchObject({ items: [{ revision: 3 }, { revision: 2 }] })
  })

  test('is lost with its collection: then older revisions are gone, and what is in force begins anew', async () => {
    const a = memory('a', { ...policy('x', '1'), ...policy('y') })
    const sync = reconciler([a.source])
    await sync.cycle({})
    await store.connection.db.collection('versions').drop()
    a.set({ ...policy('x', '2'), ...policy('y') })
    await sync.cycle({})
    await expect(store.revisions.policyAt(1, 'g/x/1.0')).rejects.toMatchObject({ code: 'revision_gone' })
    expect((await store.revisions.contentAt(2)).policies.map(({ _id }) => _id).sort()).toEqual(['g/x/1.0', 'g/y/1.0'])
  })
})
