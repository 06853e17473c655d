import { describe, expect, test, vi } from 'vitest'
import { defaultSettings, type PolicySettings } from '../../src/engine/decision.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { blobOf, change, fakeEngine, type FakePolicy, lockDocument, meta, silentLog, value } from '../http/fixture.ts'

const named =
  (name: string): FakePolicy =>
  () =>
    value(`"${name}"`)
const policies = { one: named('one'), two: named('two'), three: named('three') }
const context = { header: () => '' }

const setUp = (options: Partial<Parameters<typeof createRegistry>[0]> = {}) => {
  const { engine, compiled } = fakeEngine(policies)
  const loadBlob = vi.fn(blobOf)
  const registry = createRegistry({ engine, loadBlob, maxPolicies: 10, log: silentLog, ...options })
  return { registry, loadBlob, compiled }
}

const ask = (registry: Registry, key: string): Outcome | Promise<Outcome> => {
  const [group = '', name = '', version = ''] = key.split('/')
  const entry = registry.find({ group, name, version })
  if (entry === undefined) throw new Error(`no ${key}`)
  return registry.evaluate(entry, undefined, context)
}

const answer = async (registry: Registry, key: string): Promise<string> => {
  const outcome = await ask(registry, key)
  return outcome.kind === 'value' ? Buffer.from(outcome.json).toString() : outcome.kind
}

const deferred = <T>() => {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((good, bad) => {
    resolve = good
    reject = bad
  })
  return { promise, resolve, reject }
}

describe('loading', () => {
  test('a policy is loaded when it is first asked for, and answers synchronously from then on', async () => {
    const { registry, loadBlob } = setUp()
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    expect(loadBlob).not.toHaveBeenCalled()
    expect(await answer(registry, 'g/a/1')).toBe('"one"')
    expect(ask(registry, 'g/a/1')).toMatchObject({ kind: 'value' })
  })

  test('requests that come together load a policy once', async () => {
    const { registry, loadBlob } = setUp()
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    await Promise.all(Array.from({ length: 20 }, () => answer(registry, 'g/a/1')))
    expect(loadBlob).toHaveBeenCalledTimes(2)
  })

  test('policies with the same WASM share one module, which goes with the last of them', async () => {
    const { registry, compiled } = setUp()
    const shared = ['g/a/1', 'g/b/1', 'g/c/1']
    registry.swap(change({ policies: shared.map((key) => meta(key, { wasm: 'one' })) }))
    await Promise.all(shared.map((key) => answer(registry, key)))
    expect(compiled).toEqual(['one'])
    expect(registry.stats()).toMatchObject({ loaded: 3, modules: 1, bytes: 3000 })
    registry.swap(change({ removed: shared }))
    expect(registry.stats()).toMatchObject({ policies: 0, loaded: 0, modules: 0, bytes: 0 })
  })

  test('the least recently used policy makes room, by count', async () => {
    const { registry } = setUp({ maxPolicies: 2 })
    const keys = ['g/a/1', 'g/b/1', 'g/c/1']
    registry.swap(change({ policies: keys.map((key) => meta(key, { wasm: 'one' })) }))
    await answer(registry, 'g/a/1')
    await answer(registry, 'g/b/1')
    await answer(registry, 'g/a/1')
    await answer(registry, 'g/c/1')
    expect(registry.stats().loaded).toBe(2)
    expect(ask(registry, 'g/a/1')).not.toBeInstanceOf(Promise)
    expect(ask(registry, 'g/b/1')).toBeInstanceOf(Promise)
  })

  test('the least recently used policy makes room, by bytes; one that is too large alone is still kept', async () => {
    const { registry } = setUp({ maxBytes: 900 })
    registry.swap(change({ policies: ['g/a/1', 'g/b/1'].map((key) => meta(key, { wasm: 'one' })) }))
    await answer(registry, 'g/a/1')
    expect(ask(registry, 'g/a/1')).not.toBeInstanceOf(Promise)
    await answer(registry, 'g/b/1')
    expect(registry.stats()).toMatchObject({ loaded: 1 })
  })

  test('an unloaded policy cannot answer while the store is away: store_unavailable, and it recovers', async () => {
    const { registry, loadBlob } = setUp()
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    loadBlob.mockRejectedValueOnce(new Error('no route'))
    await expect(answer(registry, 'g/a/1')).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await answer(registry, 'g/a/1')).toBe('"one"')
    expect(registry.stats().modules).toBe(1)
  })

  test('a store that never answers is given up after a bound', async () => {
    const { registry } = setUp({ loadBlob: () => new Promise(() => undefined), loadTimeoutMs: 20 })
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    await expect(answer(registry, 'g/a/1')).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('replacing', () => {
  const loaded = async (options: Parameters<typeof setUp>[0] = {}) => {
    const set = setUp(options)
    set.registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    await answer(set.registry, 'g/a/1')
    return set
  }

  test('a loaded policy that is replaced is loaded at once, and the next evaluation gets the new one', async () => {
    const { registry, loadBlob } = await loaded()
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'two' })] }))
    expect(loadBlob).toHaveBeenCalledWith('two', expect.anything())
    expect(await answer(registry, 'g/a/1')).toBe('"two"')
    expect(registry.stats()).toMatchObject({ loaded: 1, modules: 1 })
  })

  test('while the new one cannot be loaded the previous one answers, and says who it is', async () => {
    vi.useFakeTimers()
    const { registry, loadBlob } = await loaded()
    loadBlob.mockRejectedValueOnce(new Error('away')).mockRejectedValueOnce(new Error('away'))
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'two', commit: 'new' })] }))
    expect(await answer(registry, 'g/a/1')).toBe('"one"')
    const entry = registry.find({ group: 'g', name: 'a', version: '1' })
    expect(entry?.meta.commit).toBe('new')
    expect(entry && registry.acquire(entry)).toMatchObject({ meta: { commit: 'c0ffee' } })
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    expect(await answer(registry, 'g/a/1')).toBe('"two"')
  })

  test('a slow load holds nobody up for longer than a moment', async () => {
    const slow = deferred<Uint8Array>()
    const loadBlob = (digest: string) => (digest === 'two' ? slow.promise : blobOf(digest))
    const { registry } = await loaded({ loadBlob, freshWaitMs: 20 })
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'two' })] }))
    expect(await answer(registry, 'g/a/1')).toBe('"one"')
    slow.resolve(Buffer.from('two'))
    await vi.waitFor(async () => expect(await answer(registry, 'g/a/1')).toBe('"two"'))
  })

  test('two replacements in a row end with the last, in whatever order they load', async () => {
    const slow = deferred<Uint8Array>()
    const loadBlob = (digest: string) => (digest === 'two' ? slow.promise : blobOf(digest))
    const { registry } = await loaded({ loadBlob })
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'two' })] }))
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'three' })] }))
    slow.resolve(Buffer.from('two'))
    await vi.waitFor(async () => expect(await answer(registry, 'g/a/1')).toBe('"three"'))
    expect(registry.stats()).toMatchObject({ loaded: 1, modules: 1 })
  })

  test('a new commit with the same artifact keeps the instance and shows the new commit', async () => {
    const { registry, loadBlob } = await loaded()
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one', commit: 'new' })] }))
    const entry = registry.find({ group: 'g', name: 'a', version: '1' })
    expect(entry && registry.acquire(entry)).toMatchObject({ meta: { commit: 'new' } })
    expect(loadBlob).toHaveBeenCalledTimes(2)
  })

  test('a policy that is removed while it is loaded is not found', async () => {
    const slow = deferred<Uint8Array>()
    const { registry } = setUp({ loadBlob: () => slow.promise })
    registry.swap(change({ policies: [meta('g/a/1', { wasm: 'one' })] }))
    const asked = answer(registry, 'g/a/1')
    registry.swap(change({ removed: ['g/a/1'] }))
    slow.resolve(Buffer.from('one'))
    await expect(asked).rejects.toMatchObject({ code: 'policy_not_found' })
    expect(registry.stats()).toMatchObject({ loaded: 0, modules: 0 })
  })
})

describe('state', () => {
  test('a complete change drops what it does not name, locks too', () => {
    const { registry } = setUp()
    const locks = new Map([['g/a/1', lockDocument('g/a/1')]])
    registry.swap(change({ policies: [meta('g/a/1'), meta('g/b/1')], locks, complete: true }))
    expect(registry.lock('g/a/1')).toBeDefined()
    registry.swap(change({ policies: [meta('g/a/1')], complete: true, revision: 4, sequence: 9 }))
    expect(registry.list().map(({ _id }) => _id)).toEqual(['g/a/1'])
    expect(registry.lock('g/a/1')).toBeUndefined()
    expect(registry.state).toEqual({ sequence: 9, revision: 4, loaded: true, ready: true, staleSince: null })
  })

  test('a lock outlives removal and re-adding, and ends by the clock', () => {
    let now = 1_000
    const { registry } = setUp({ now: () => now })
    const locks = new Map([['g/a/1', lockDocument('g/a/1', new Date(2_000))]])
    registry.swap(change({ policies: [meta('g/a/1')], locks }))
    registry.swap(change({ removed: ['g/a/1'] }))
    registry.swap(change({ policies: [meta('g/a/1')] }))
    const entry = registry.find({ group: 'g', name: 'a', version: '1' })
    expect(entry?.lock).toBeDefined()
    expect(registry.stats().locked).toBe(1)
    now = 2_000
    expect(entry?.lock).toBeUndefined()
    expect(registry.lock('g/a/1')).toBeUndefined()
  })

  test('a policy is found under its own repository only', () => {
    const { registry } = setUp()
    registry.swap(change({ policies: [meta('g/a/1')] }))
    expect(registry.find({ repository: 'main', group: 'g', name: 'a', version: '1' })).toBeDefined()
    expect(registry.find({ repository: 'other', group: 'g', name: 'a', version: '1' })).toBeUndefined()
  })
})

test('a policy is loaded with what its source may do, and again when it moves to another source', async () => {
  const { engine } = fakeEngine({ echo: () => value('1') })
  const settings: (PolicySettings | undefined)[] = []
  const load: typeof engine.load = (options) => {
    settings.push(options.settings)
    return engine.load(options)
  }
  const settingsOf = ({ repository }: { readonly repository: string }): PolicySettings => ({
    ...defaultSettings,
    strict: repository === 'strict',
  })
  const { registry } = setUp({ engine: { ...engine, load }, settingsOf })
  const evaluate = async (): Promise<void> => {
    const entry = registry.find({ group: 'g', name: 'a', version: '1' })
    if (entry !== undefined) await registry.evaluate(entry, undefined, { header: () => '' })
  }
  registry.swap(change({ policies: [meta('g/a/1', { repository: 'lenient' })] }))
  await evaluate()
  registry.swap(change({ policies: [meta('g/a/1', { repository: 'strict' })] }))
  await evaluate()
  expect(settings.map((one) => one?.strict)).toEqual([false, true])
})
