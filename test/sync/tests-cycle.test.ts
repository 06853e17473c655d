/** Whole cycles with tests, on real Git and MongoDB. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { extensions } from '../../extensions/index.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createTester, type Tester } from '../../src/testing/tester.ts'
import { createReconciler, type Reconciler } from '../../sync/cycle.ts'
import { createGitSource } from '../../sync/git/source.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { createRepo, type TestRepo } from '../setup/git-repo.ts'
import { useMongo } from '../setup/mongo.ts'

const mongo = useMongo()
const log = pino({ level: 'silent' })
const stop = new AbortController()

let folder: string
let repo: TestRepo
let store: Store
let reconciler: Reconciler
let runs = 0

const policy = (percent: number) => `package shop.discount\n\npercent := ${percent}\n`
const tests = (percent: number) => `cases:\n  - { name: the discount, expect: { exact: { percent: ${percent} } } }\n`
const files = (percent: number, expected: number) => ({
  'shop/discount/1.0/policy.rego': policy(percent),
  'shop/discount/1.0/policy.tests.yaml': tests(expected),
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-tests-'))
  repo = await createRepo()
  store = openStore({ enforce: enforceOpen, uri: mongo.uri, database: mongo.database(), log, signal: stop.signal })
  const inner = createTester({ extensions })
  const tester: Tester = { ...inner, test: (subject) => (runs++, inner.test(subject)) }
  const source = createGitSource(
    {
      name: 'platform',
      kind: 'git',
      url: `file://${repo.bare}`,
      branch: 'main',
      path: '',
      credentials: { kind: 'none' },
      intervalMs: 60_000,
      webhookSecret: null,
    },
    { dataDir: folder, log },
  )
  const opa = await cachedOpa(join(folder, 'opa'))
  reconciler = createReconciler({ store, sources: [source], opa, tester, log })
})

afterAll(async () => {
  stop.abort()
  await store.close()
  await repo.dispose()
  await rm(folder, { recursive: true, force: true })
})

it('a commit whose tests pass is applied, and its plan says so', async () => {
  await repo.publish(files(5, 5))
  const report = await reconciler.cycle({})
  expect(report.sources).toMatchObject([{ phase: 'Ready', reason: 'Succeeded' }])
  expect(await store.plans.get(report.plan ?? '')).toMatchObject({
    tests: { passed: 1, failed: 0, policies: [{ policy: 'shop/discount/1.0', passed: 1, failed: 0, skipped: 0 }] },
    cost: null,
  })
  const { tests: kept } = (await store.policies.get('shop/discount/1.0')) ?? {}
  const file = 'shop/discount/1.0/policy.tests.yaml'
  expect(kept).toMatchObject({ passed: 1, cases: [{ name: 'the discount', file, line: 2, status: 'passed' }] })
})

it('a cycle without changes runs none', async () => {
  const before = runs
  await reconciler.cycle({})
  expect(runs).toBe(before)
})

it('a commit whose tests fail leaves the policy as it was: TestsFailed, with file, line and author', async () => {
  const commit = await repo.publish(files(6, 5))
  const report = await reconciler.cycle({})
  expect(report.sources).toMatchObject([
    {
      phase: 'Stalled',
      reason: 'TestsFailed',
      message: expect.stringContaining(
        'shop/discount/1.0/policy.tests.yaml:2: the discount: at percent: expected 5, got 6',
      ),
      counts: { policies: 1, quarantined: 1 },
    },
  ])
  const stored = await store.policies.get('shop/discount/1.0')
  expect(stored).toMatchObject({
    rego: policy(5),
    tests: { passed: 1, failed: 0 },
    status: { phase: 'Quarantined', commit },
  })
})

it('a commit that mends the test is applied', async () => {
  await repo.publish(files(6, 6))
  const report = await reconciler.cycle({})
  expect(report.sources).toMatchObject([{ phase: 'Ready', reason: 'Succeeded' }])
  expect(await store.policies.get('shop/discount/1.0')).toMatchObject({ rego: policy(6), status: { phase: 'Ready' } })
})

it('a shared module whose tests fail stays as it was, for who uses it as well: TestsFailed', async () => {
  const shared = (most: number, expected: number) => ({
    ...files(6, 6),
    'lib/limits.rego': `package lib.limits\n\nmost := ${most}\n`,
    'lib/limits_test.rego': `package lib.limits_test\n\ntest_most if data.lib.limits.most == ${expected}\n`,
    'shop/limit/1.0/policy.rego': 'package shop.limit\n\nmost := data.lib.limits.most\n',
  })
  await repo.publish(shared(5, 5))
  expect((await reconciler.cycle({})).sources).toMatchObject([{ phase: 'Ready' }])
  const good = await store.policies.get('shop/limit/1.0')
  const commit = await repo.publish(shared(6, 5))
  const report = await reconciler.cycle({})
  expect(report.sources).toMatchObject([
    {
      phase: 'Stalled',
      reason: 'TestsFailed',
      message: expect.stringContaining('lib/limits_test.rego:3: data.lib.limits_test.test_most: it is not true'),
    },
  ])
  const { items } = await store.policies.modules()
  expect(items.find(({ id }) => id === 'lib/limits')).toMatchObject({
    text: expect.stringContaining('most := 5'),
    status: { phase: 'Quarantined', commit },
  })
  expect((await store.policies.get('shop/limit/1.0'))?.digest).toBe(good?.digest)
  await repo.publish(shared(6, 6))
  expect((await reconciler.cycle({})).sources).toMatchObject([{ phase: 'Ready' }])
  expect((await store.policies.get('shop/limit/1.0'))?.digest).not.toBe(good?.digest)
})
