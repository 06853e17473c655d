import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import type { Fragment } from '../../src/policy/schema.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createReconciler, type Reconciler } from '../../sync/cycle.ts'
import { createGitSource } from '../../sync/git/source.ts'
import { SourceError, type Source } from '../../sync/sources/source.ts'
import { createWorker } from '../../sync/worker.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { startGitServer } from '../setup/git-http.ts'
import { createRepo, type TestRepo } from '../setup/git-repo.ts'
import { useMongo } from '../setup/mongo.ts'

const mongo = useMongo()
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })

let opa: CachedOpa
let folder: string
let store: Store
let stop: AbortController
let repo: TestRepo

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-cycle-'))
  opa = await cachedOpa(join(folder, 'opa'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  stop = new AbortController()
  store = openStore({ enforce: enforceOpen, uri: mongo.uri, database: mongo.database(), log, signal: stop.signal })
  repo = await createRepo()
})
afterEach(async () => {
  stop.abort()
  await store.close()
  await repo.dispose()
})

const policy = (name: string, value = 'true', group = 'g') => `package ${group}.${name}\n\nallow := ${value}\n`
const files = (count: number, value = 'true') =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`g/p${i}/1.0/policy.rego`, policy(`p${i}`, value)]))

function gitSource({ name = 'platform', url = `file://${repo.bare}` } = {}): Source {
  return createGitSource(
    {
      name,
      kind: 'git',
      url,
      branch: 'main',
      path: '',
      credentials: { kind: 'none' },
      intervalMs: 60_000,
      webhookSecret: null,
    },
    { dataDir: join(folder, store.connection.db.databaseName), log, env: { PATH: process.env['PATH'] } },
  )
}

function reconciler(...sources: readonly Source[]): Reconciler {
  return createReconciler({ store, sources, opa, log })
}

/** A source in memory. */
function fixedSource(name: string, content: Record<string, string>) {
  let commit = 0
  let current = content
  let failure: SourceError | null = null
  const source: Source = {
    name,
    kind: 'directory',
    describe: () => `memory of ${name}`,
    blame: async () => null,
    load: async () => {
      if (failure !== null) throw failure
      return {
        source: name,
        kind: 'directory',
        commit: `sha256:${name}${commit}`,
        revision: `sha256:${name}${commit}`,
        author: null,
        committedAt: null,
        findings: [],
        files: Object.entries(current).map(([path, text]) => ({
          path,
          text,
          digest: createHash('sha256').update(text).digest('hex'),
        })),
      } satisfies Fragment
    },
  }
  return {
    source,
    set(next: Record<string, string>) {
      current = next
      commit += 1
    },
    fail: (error: SourceError | null) => (failure = error),
  }
}

const keys = async () => (await store.policies.stored()).items.map(({ _id }) => _id)

describe('from a repository to the store', () => {
  test('a commit becomes a revision; change, delete and rename follow', async () => {
    const first = await repo.publish({ 'g/a/1.0/policy.rego': policy('a'), 'g/b/1.0/policy.rego': policy('b') })
    const sync = reconciler(gitSource())
    const report = await sync.cycle({})
    expect(report).toMatchObject({ ok: true, revision: 1, changed: { created: 2, replaced: 0, removed: 0 } })
    expect(await keys()).toEqual(['g/a/1.0', 'g/b/1.0'])
    expect(await store.sources.get('platform')).toMatchObject({
      phase: 'Ready',
      reason: 'Succeeded',
      commit: first,
      lastSeenCommit: first,
      revision: `main@sha1:${first}`,
      counts: { policies: 2, modules: 0, quarantined: 0 },
    })
    const before = await store.policies.get('g/a/1.0')
    await repo.rename('g/b', 'g/c')
    const second = await repo.publish({ 'g/c/1.0/policy.rego': policy('c'), 'g/a/1.0/data.json': '{"x": 1}' })
    expect((await sync.cycle({})).changed).toEqual({ created: 1, replaced: 1, removed: 1 })
    expect(await keys()).toEqual(['g/a/1.0', 'g/c/1.0'])
    const after = await store.policies.get('g/a/1.0')
    expect(after).toMatchObject({ commit: second, revision: 2, author: 'Ada Author <ada@example.org>' })
    expect(after?.artifact?.wasm).toBe(before?.artifact?.wasm)
    expect(await store.blobs.get(after?.artifact?.wasm ?? '')).toBeInstanceOf(Uint8Array)
  })

  test('a cycle with nothing to do makes no revision, no sequence and no audit entry', async () => {
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a') })
    const sync = reconciler(gitSource())
    await sync.cycle({})
    const head = await store.head()
    const before = (await store.sources.get('platform'))?.lastAttempt
    expect(await sync.cycle({})).toMatchObject({ ok: true, revision: 1, changed: null })
    expect(await store.head()).toEqual(head)
    expect((await store.sources.get('platform'))?.lastAttempt?.getTime()).toBeGreaterThan(before?.getTime() ?? 0)
  })

  test('a second process that starts on the same store finds nothing to do', async () => {
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a') })
    await reconciler(gitSource()).cycle({})
    expect(await reconciler(gitSource()).cycle({})).toMatchObject({ revision: 1, changed: null })
  })
})

describe('what is broken', () => {
  test('is quarantined with commit and author of the very file, and mends', async () => {
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a'), 'g/b/1.0/policy.rego': policy('b') })
    const sync = reconciler(gitSource())
    await sync.cycle({})
    const good = await store.policies.get('g/a/1.0')
    await repo.write({ 'g/a/1.0/policy.rego': 'package g.a\n\nallow := {\n' })
    const broken = await repo.commit('break', { author: 'Bo <bo@example.org>' })
    await repo.write({ 'g/b/1.0/policy.rego': policy('b', 'false') })
    await repo.commit('fine')
    await repo.push()
    const report = await sync.cycle({})
    expect(report).toMatchObject({ ok: true, changed: { created: 0, replaced: 1, removed: 0 } })
    const after = await store.policies.get('g/a/1.0')
    expect(after?.artifact).toEqual(good?.artifact)
    expect(after?.status).toMatchObject({ phase: 'Quarantined', commit: broken, author: 'Bo <bo@example.org>' })
    expect(after?.status.findings[0]).toMatchObject({
      file: 'g/a/1.0/policy.rego',
      commit: broken,
      author: 'Bo <bo@example.org>',
      severity: 'error',
    })
    const status = await store.sources.get('platform')
    expect(status).toMatchObject({ phase: 'Stalled', reason: 'ValidationFailed', counts: { quarantined: 1 } })
    expect(status?.message).toContain('g/a/1.0/policy.rego:')
    expect(status?.findings[0]?.author).toBe('Bo <bo@example.org>')
    const head = await store.head()
    await sync.cycle({})
    expect(await store.head()).toEqual(head)
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a', '1') })
    await sync.cycle({})
    expect((await store.policies.get('g/a/1.0'))?.status).toMatchObject({ phase: 'Ready', findings: [] })
    expect(await store.sources.get('platform')).toMatchObject({ reason: 'Succeeded' })
  })

  test('a status alone makes no revision', async () => {
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a') })
    const sync = reconciler(gitSource())
    await sync.cycle({})
    await repo.publish({ 'g/a/1.0/policy.rego': 'nonsense' })
    await sync.cycle({})
    expect(await store.head()).toMatchObject({ revision: 1 })
    expect((await store.policies.get('g/a/1.0'))?.status.phase).toBe('Quarantined')
  })

  test('a policy that becomes a symlink is broken, not removed', async () => {
    await repo.publish({ 'g/a/1.0/policy.rego': policy('a'), 'g/b/1.0/policy.rego': policy('b') })
    const sync = reconciler(gitSource())
    await sync.cycle({})
    await repo.remove('g/a/1.0/policy.rego')
    await repo.symlink('g/a/1.0/policy.rego', '/etc/passwd')
    await repo.remove('g/b')
    await repo.symlink('g/b', 'a')
    await repo.commit()
    await repo.push()
    await sync.cycle({})
    const { items } = await store.policies.stored()
    expect(items.map(({ _id, status }) => [_id, status.phase])).toEqual([
      ['g/a/1.0', 'Quarantined'],
      ['g/b/1.0', 'Quarantined'],
    ])
  })
})

describe('a source that cannot be read', () => {
  test('keeps what is in force, in this process and in a new one, while others go on', async () => {
    const a = fixedSource('a', { 'g/a/1.0/policy.rego': policy('a') })
    const b = fixedSource('b', { 'g/b/1.0/policy.rego': policy('b') })
    const sync = reconciler(a.source, b.source)
    await sync.cycle({})
    a.fail(new SourceError('AuthenticationFailed', 'memory of a: refused'))
    b.set({ 'g/b/1.0/policy.rego': policy('b', 'false') })
    expect(await sync.cycle({})).toMatchObject({ ok: false, unreadable: ['a'], changed: { replaced: 1, removed: 0 } })
    b.set({ 'g/b/1.0/policy.rego': policy('b', '3') })
    expect((await reconciler(a.source, b.source).cycle({})).changed).toMatchObject({ replaced: 1, removed: 0 })
    expect(await keys()).toEqual(['g/a/1.0', 'g/b/1.0'])
    expect(await store.sources.get('a')).toMatchObject({
      phase: 'Stalled',
      reason: 'AuthenticationFailed',
      commit: 'sha256:a0',
      message: expect.stringContaining('stays in force'),
    })
    expect(await store.sources.get('b')).toMatchObject({ phase: 'Ready', commit: 'sha256:b2' })
  })

  test('that is not configured any more leaves its policies, and another one may take them over', async () => {
    const old = fixedSource('old', { 'g/a/1.0/policy.rego': policy('a'), 'g/b/1.0/policy.rego': policy('b') })
    await reconciler(old.source).cycle({})
    const next = fixedSource('next', { 'g/b/1.0/policy.rego': policy('b') })
    expect(await reconciler(next.source).cycle({})).toMatchObject({ ok: true })
    const { items } = await store.policies.stored()
    expect(items.map(({ _id, repository }) => [_id, repository])).toEqual([
      ['g/a/1.0', 'old'],
      ['g/b/1.0', 'next'],
    ])
  })
})

describe('what needs somebody', () => {
  test('two sources with the same policy are a Conflict, and nothing changes until one gives way', async () => {
    const a = fixedSource('a', { 'g/a/1.0/policy.rego': policy('a') })
    const b = fixedSource('b', {})
    const sync = reconciler(a.source, b.source)
    await sync.cycle({})
    const head = await store.head()
    a.set({ 'g/a/1.0/policy.rego': policy('a', 'false') })
    b.set({ 'g/a/1.0/policy.rego': policy('a') })
    expect(await sync.cycle({})).toMatchObject({ ok: false, changed: null })
    expect(await store.head()).toEqual(head)
    expect(await store.sources.get('b')).toMatchObject({ phase: 'Stalled', reason: 'Conflict' })
    b.set({})
    expect(await sync.cycle({})).toMatchObject({ ok: true, changed: { replaced: 1 } })
  })

  test('a mass deletion is held until that very commit is confirmed', async () => {
    await repo.publish({ ...files(8), 'README.md': 'x' })
    const sync = reconciler(gitSource())
    await sync.cycle({})
    const gone = Object.fromEntries(Object.keys(files(6)).map((path) => [path, null]))
    const commit = await repo.publish(gone)
    expect(await sync.cycle({})).toMatchObject({ ok: false, changed: null })
    expect(await keys()).toHaveLength(8)
    const held = await store.sources.get('platform')
    expect(held).toMatchObject({ phase: 'Stalled', reason: 'MassDeletion', lastSeenCommit: commit })
    expect(held?.held).toMatchObject({ commit, of: 8 })
    expect(held?.held?.removes).toHaveLength(6)
    expect(held?.commit).not.toBe(commit)
    await sync.cycle({ confirm: [{ source: 'platform', commit: 'f'.repeat(40) }] })
    expect(await keys()).toHaveLength(8)
    expect(await sync.cycle({ confirm: [{ source: null, commit }] })).toMatchObject({
      ok: true,
      changed: { removed: 6 },
    })
    expect(await store.sources.get('platform')).toMatchObject({
      reason: 'Succeeded',
      held: null,
      confirmed: commit,
      commit,
    })
  })
})

describe('the stored state counts, not what was applied last', () => {
  test('a dropped collection, a deleted, an edited and an unreadable document, and lost blobs are restored', async () => {
    await repo.publish(files(3))
    const sync = reconciler(gitSource())
    await sync.cycle({})
    const { db } = store.connection
    await db.collection('policies').drop()
    expect((await sync.cycle({})).changed).toMatchObject({ created: 3 })
    expect((await db.collection('policies').indexes()).map(({ name }) => name)).toContain('identity')
    await db.collection<{ _id: string }>('policies').deleteOne({ _id: 'g/p0/1.0' })
    await db
      .collection<{ _id: string }>('policies')
      .updateOne({ _id: 'g/p1/1.0' }, { $set: { digest: 'f'.repeat(64) } })
    await db
      .collection<{ _id: string }>('policies')
      .updateOne({ _id: 'g/p2/1.0' }, { $set: { status: 'fine' } }, { bypassDocumentValidation: true })
    await sync.cycle({})
    const { items, problems } = await store.policies.stored()
    expect(items.map(({ _id }) => _id)).toEqual(['g/p0/1.0', 'g/p1/1.0', 'g/p2/1.0'])
    expect(problems).toEqual([])
    expect(items.every(({ digest }) => digest !== 'f'.repeat(64))).toBe(true)
    const byHand = { rego: policy('p0', 'false') }
    await db.collection<{ _id: string }>('policies').updateOne({ _id: 'g/p0/1.0' }, { $set: byHand })
    await reconciler(gitSource()).cycle({})
    expect((await store.policies.get('g/p0/1.0'))?.rego).toBe(policy('p0'))
    await db.collection('blobs').drop()
    await sync.cycle({})
    const artifact = (await store.policies.get('g/p0/1.0'))?.artifact
    expect(await store.blobs.missing([artifact?.wasm ?? '', artifact?.data ?? ''])).toEqual([])
  })
})

describe('several workers', () => {
  test('that cycle at once apply everything once', async () => {
    await repo.publish(files(3))
    const workers = [1, 2, 3].map(() => reconciler(gitSource()))
    await Promise.all(workers.map((worker) => worker.cycle({})))
    expect(await keys()).toHaveLength(3)
    expect((await store.head()).revision).toBe(1)
  })

  test('one that looks at another source only does not turn back what a second one has applied', async () => {
    const a = fixedSource('a', { 'g/a/1.0/policy.rego': policy('a') })
    const b = fixedSource('b', { 'g/b/1.0/policy.rego': policy('b') })
    const one = reconciler(a.source, b.source)
    const two = reconciler(a.source, b.source)
    await one.cycle({})
    await two.cycle({})
    a.set({ 'g/a/1.0/policy.rego': policy('a', '2') })
    await two.cycle({})
    const after = await store.policies.get('g/a/1.0')
    b.set({ 'g/b/1.0/policy.rego': policy('b', '2') })
    expect((await one.cycle({ sources: ['b'] })).changed).toMatchObject({ replaced: 1 })
    expect((await store.policies.get('g/a/1.0'))?.digest).toBe(after?.digest)
  })
})

describe('with the worker', () => {
  test('a webhook request is answered once its commit from a served repository is applied', async () => {
    await repo.publish(files(2))
    const server = await startGitServer({ root: repo.root })
    const source = gitSource({ url: `${server.url}/${repo.name}` })
    const quit = new AbortController()
    const worker = createWorker({
      reconciler: reconciler(source),
      store,
      sources: [{ source, intervalMs: 60_000 }],
      log,
      signal: quit.signal,
    })
    const running = worker.run()
    await worker.firstCycle
    for (const value of ['1', '2', '3']) {
      await repo.publish({ 'g/p0/1.0/policy.rego': policy('p0', value) })
      const id = await store.requests.submit({ reason: 'webhook', source: 'platform', commit: null })
      const outcome = await store.requests.waitFor(id, { timeoutMs: 10_000 })
      expect(outcome).toMatchObject({ ok: true })
    }
    expect((await store.policies.get('g/p0/1.0'))?.rego).toBe(policy('p0', '3'))
    quit.abort()
    await running
    await server.close()
  })
})
