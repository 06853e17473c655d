import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EdictError } from '../../src/errors.ts'
import type { CycleOutcome, CycleRequest, Fragment } from '../../src/policy/schema.ts'
import type { ChangeOptions, ChangeResult } from '../../sync/change-round.ts'
import type { CycleOptions, CycleReport } from '../../sync/cycle-report.ts'
import type { RollbackOptions } from '../../sync/rollback.ts'
import type { Source } from '../../sync/sources/source.ts'
import { createWorker } from '../../sync/worker.ts'

const log = pino({ level: 'silent' })
let stop: AbortController
let running: Promise<void>[] = []

beforeEach(() => {
  stop = new AbortController()
  running = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running)
})

type Changed = Exclude<ChangeResult, { kind: 'moved' }>

function source(name: string, watch?: Source['watch']): Source {
  return {
    name,
    kind: 'git',
    describe: () => name,
    load: () => Promise.reject<Fragment>(new Error('not used')),
    blame: async () => null,
    ...(watch && { watch }),
  }
}

function report(extra: Partial<CycleReport> = {}): CycleReport {
  return {
    at: new Date(),
    ok: true,
    revision: 1,
    message: 'done',
    findings: [],
    sources: [],
    unreadable: [],
    changed: null,
    refused: new Map(),
    ...extra,
  }
}

/** Requests in memory, as the store answers them. */
function requestsStub() {
  const pending = new Map<string, CycleRequest>()
  const done = new Map<string, CycleOutcome>()
  let wake: () => void = () => undefined
  let count = 0
  return {
    done,
    submit(source: string | null = null, extra: Partial<CycleRequest> = {}) {
      const _id = `r${(count += 1)}`
      pending.set(_id, { _id, at: new Date(), reason: 'sync', source, commit: null, outcome: null, ...extra })
      wake()
      return _id
    },
    take: vi.fn<() => Promise<readonly CycleRequest[]>>(async () => [...pending.values()]),
    complete: async (ids: readonly string[], outcome: CycleOutcome) => {
      for (const id of ids) {
        pending.delete(id)
        done.set(id, outcome)
      }
    },
    watch: async (onWake: () => void, signal: AbortSignal) => {
      wake = onWake
      await sleep(1 << 30, undefined, { signal }).catch(() => undefined)
    },
  }
}

function start(
  cycle: (options: CycleOptions) => Promise<CycleReport>,
  {
    sources = [source('a'), source('b')],
    intervalMs = 60_000,
    requests = requestsStub(),
    change = async (): Promise<Changed> => ({ kind: 'done', revision: null, answered: 0, deferred: 0, again: false }),
    rollback = vi.fn<(options: RollbackOptions) => Promise<CycleReport>>(async () => report()),
  }: {
    sources?: readonly Source[]
    intervalMs?: number
    requests?: ReturnType<typeof requestsStub>
    change?: (options: ChangeOptions) => Promise<Changed>
    rollback?: (options: RollbackOptions) => Promise<CycleReport>
  } = {},
) {
  const spy = vi.fn<(options: CycleOptions) => Promise<CycleReport>>(cycle)
  const worker = createWorker({
    reconciler: { cycle: spy, change, rollback, idle: async () => undefined },
    store: { requests },
    sources: sources.map((each) => ({ source: each, intervalMs })),
    log,
    signal: stop.signal,
  })
  running.push(worker.run())
  return { cycle: spy, requests, worker }
}

describe('when cycles run', () => {
  test('one over all sources at the start', async () => {
    const { cycle, worker } = start(async () => report())
    await worker.firstCycle
    expect(cycle).toHaveBeenCalledOnce()
    expect(cycle.mock.calls[0]?.[0].sources).toEqual(['a', 'b'])
  })

  test('each source again after its interval', async () => {
    const { cycle } = start(async () => report(), { intervalMs: 100 })
    await vi.waitFor(() => expect(cycle.mock.calls.length).toBeGreaterThan(2), 2000)
  })

  test('a source that cannot be read backs off, the other goes on', async () => {
    const { cycle } = start(async () => report({ unreadable: ['a'] }), { intervalMs: 50 })
    await sleep(900)
    const calls = cycle.mock.calls.map(([{ sources }]) => sources ?? [])
    const looked = (name: string) => calls.filter((names) => names.includes(name)).length
    expect(looked('b')).toBeGreaterThan(8)
    expect(looked('a')).toBeLessThanOrEqual(2)
  })

  test('a directory that changes is looked at at once', async () => {
    let change: () => void = () => undefined
    const watched = source('dir', (onChange) => (change = onChange))
    const { cycle, worker } = start(async () => report(), { sources: [source('a'), watched] })
    await worker.firstCycle
    change()
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(2))
    expect(cycle.mock.calls[1]?.[0].sources).toEqual(['dir'])
  })
})

describe('requests', () => {
  test('those that come together are answered by one cycle, those that come meanwhile by the next', async () => {
    let release: () => void = () => undefined
    const { cycle, requests, worker } = start(async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return report({ revision: cycle.mock.calls.length })
    })
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(1))
    const ids = [requests.submit(), requests.submit(), requests.submit()]
    await sleep(30)
    release()
    await worker.firstCycle
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(2))
    expect(requests.done.size).toBe(0)
    release()
    await vi.waitFor(() => expect(requests.done.size).toBe(3))
    expect(ids.map((id) => requests.done.get(id)?.revision)).toEqual([2, 2, 2])
    expect(cycle).toHaveBeenCalledTimes(2)
  })

  test('a webhook for one source looks at that one; a confirmation is handed on', async () => {
    const { cycle, requests, worker } = start(async () => report())
    await worker.firstCycle
    requests.submit('b', { reason: 'confirm', commit: 'c0ffee' })
    await vi.waitFor(() => expect(requests.done.size).toBe(1))
    expect(cycle.mock.calls[1]?.[0]).toMatchObject({ sources: ['b'], confirm: [{ source: 'b', commit: 'c0ffee' }] })
  })

  test('a cycle that fails answers its requests and the worker goes on', async () => {
    let fail = true
    const requests = requestsStub()
    const { worker } = start(
      async () => {
        if (fail) throw new EdictError('tool_unavailable', 'opa is away')
        return report()
      },
      { requests, intervalMs: 50 },
    )
    const id = requests.submit()
    await vi.waitFor(() => expect(requests.done.get(id)).toMatchObject({ ok: false, message: 'opa is away' }))
    fail = false
    await worker.firstCycle
  })

  test('while the store is away requests are kept, and answered when it is back', async () => {
    let away = true
    const requests = requestsStub()
    requests.take.mockRejectedValueOnce(new EdictError('store_unavailable', 'away'))
    const id = requests.submit()
    start(
      async () => {
        if (away) throw new EdictError('store_unavailable', 'away')
        return report()
      },
      { requests, intervalMs: 50 },
    )
    await sleep(400)
    expect(requests.done.size).toBe(0)
    away = false
    await vi.waitFor(() => expect(requests.done.get(id)?.ok).toBe(true), 3000)
  })
})

describe('changes through the API', () => {
  const done = { kind: 'done', revision: 1, answered: 1, deferred: 0, again: false } as const
  const changed = { reason: 'change' } as const

  test('are made while a cycle runs, once the first has ended', async () => {
    let release: () => void = () => undefined
    const requests = requestsStub()
    const answered: string[] = []
    const change = async (): Promise<Changed> => {
      for (const { _id } of await requests.take()) {
        answered.push(_id)
        await requests.complete([_id], report())
      }
      return done
    }
    const { cycle, worker } = start(
      async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return report()
      },
      { requests, change },
    )
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(1))
    expect(cycle.mock.calls[0]?.[0]).toMatchObject({ leaveChanges: false })
    const early = requests.submit('api', changed)
    await sleep(30)
    expect(answered).toEqual([])
    release()
    await worker.firstCycle
    await vi.waitFor(() => expect(answered).toEqual([early]))
    requests.submit('a')
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(2))
    expect(cycle.mock.calls[1]?.[0]).toMatchObject({ sources: ['a'], leaveChanges: true })
    await requests.complete(
      [...(await requests.take())].map(({ _id }) => _id),
      report(),
    )
    const during = requests.submit('api', changed)
    await vi.waitFor(() => expect(answered).toEqual([early, during]))
    release()
  })

  test('what they may not decide is handed over to a cycle that asks for nothing newer, even while one runs', async () => {
    let release: () => void = () => undefined
    const requests = requestsStub()
    const change = vi.fn<() => Promise<Changed>>(async () => ({ kind: 'declined' }))
    const { cycle, worker } = start(
      async () => {
        await new Promise<void>((resolve) => (release = resolve))
        return report()
      },
      { requests, change },
    )
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(1))
    release()
    await worker.firstCycle
    const wish = requests.submit('a')
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(2))
    const id = requests.submit('api', changed)
    await vi.waitFor(() => expect(change).toHaveBeenCalledTimes(1))
    release()
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(3))
    expect(requests.done.has(wish)).toBe(true)
    expect(cycle.mock.calls[2]?.[0]).toMatchObject({ sources: [], leaveChanges: false })
    await requests.complete([id], report())
    release()
    change.mockResolvedValue(done)
    requests.submit('api', changed)
    await vi.waitFor(() => expect(change.mock.calls.length).toBeGreaterThan(1))
    expect(cycle).toHaveBeenCalledTimes(3)
  })

  test('a plan that one made stale is made again', async () => {
    const requests = requestsStub()
    const change = async (): Promise<Changed> => {
      await requests.complete(
        [...(await requests.take())].map(({ _id }) => _id),
        report(),
      )
      return { ...done, again: true }
    }
    const { cycle, worker } = start(async () => report(), { requests, change })
    await worker.firstCycle
    requests.submit('api', changed)
    await vi.waitFor(() => expect(cycle).toHaveBeenCalledTimes(2))
    expect(cycle.mock.calls[1]?.[0]).toMatchObject({ sources: [], leaveChanges: true })
  })

  test('that fail are answered so, and the next is made', async () => {
    const requests = requestsStub()
    const change = vi.fn<() => Promise<Changed>>(async () => done)
    change.mockRejectedValueOnce(new EdictError('tool_unavailable', 'opa is away'))
    const { worker } = start(async () => report(), { requests, change })
    await worker.firstCycle
    const id = requests.submit('api', changed)
    await vi.waitFor(() => expect(requests.done.get(id)).toMatchObject({ ok: false, message: 'opa is away' }))
    requests.submit('api', changed)
    await vi.waitFor(() => expect(change).toHaveBeenCalledTimes(2))
  })
})

describe('the end', () => {
  test('waits for the cycle in hand and starts no other', async () => {
    let ended = false
    const { cycle, worker } = start(async () => {
      await sleep(150)
      ended = true
      return report()
    })
    await sleep(20)
    stop.abort()
    await Promise.all(running)
    expect(ended).toBe(true)
    expect(cycle).toHaveBeenCalledOnce()
    await worker.firstCycle
  })

  test('without a first cycle says so', async () => {
    const { worker } = start(() => Promise.reject<CycleReport>(new EdictError('store_unavailable', 'away')))
    await sleep(20)
    stop.abort()
    await expect(worker.firstCycle).rejects.toThrow('stopped before')
  })
})
