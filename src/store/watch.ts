/**
 * A replica follows the store. The change stream is opened first, then a snapshot is read, then every change is handed
 * over whole and confirmed. What a replica has is never taken away because the store is away or a collection vanished:
 * it is told that it is not ready, and gets a fresh snapshot once the store is whole again.
 */
import type { ChangeStream } from 'mongodb'
import { systemActor } from '../auth/actor.ts'
import type { Connection, StoreLog } from './connection.ts'
import { createCutter, type Cutter, pipeline, type StoreChange, type StreamEvent } from './events.ts'
import { isAway, toEdictError } from './failure.ts'
import type { Problem } from './readable.ts'
import type { Replicas } from './replicas.ts'
import type { Requests } from './requests.ts'
import { awaitRestoration } from './restoration.ts'
import { loadSnapshot, type Snapshot } from './snapshot.ts'
import { createView } from './view.ts'
import { backoffMs, sleep } from './wait.ts'

export type FollowState =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string; readonly since: Date }

export interface FollowOptions {
  readonly store: {
    readonly connection: Connection
    readonly replicas: Replicas
    readonly requests: Requests
    readonly log: StoreLog
  }
  /** Everything; replaces what the replica has. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** One change, whole; it is confirmed when this returns. */
  readonly onChange: (change: StoreChange) => void
  /** `since`: when the store was last heard. */
  readonly onState: (state: FollowState) => void
  readonly signal: AbortSignal
}

type Stream = ChangeStream<StreamEvent, StreamEvent>

/** Why a stream was left: a collection is gone, a change was missed, or it failed. */
type End =
  | { readonly kind: 'lost'; readonly what: string }
  | { readonly kind: 'gap' }
  | { readonly kind: 'failed'; readonly error: unknown }

const beatMs = 1000

/** Returns when the signal is aborted; never rejects. */
export async function follow(options: FollowOptions): Promise<void> {
  const follower = createFollower(options)
  const heart = setInterval(follower.beat, beatMs)
  try {
    await follower.run()
  } finally {
    clearInterval(heart)
    follower.close()
  }
}

function createFollower({ store, onSnapshot, onChange, onState, signal }: FollowOptions) {
  const { connection, replicas, requests, log } = store
  const view = createView()
  /** Where the stream can be taken up again without a snapshot: always between two changes. */
  let token: unknown = null
  /** Set from the loss of a collection until the snapshot after its restoration. */
  let lost: string | null = null
  let heard = new Date()
  let askedAt = -beatMs
  let asking: NodeJS.Timeout | undefined
  let isReady = false

  const beat = () => void replicas.beat(view.sequence()).catch(() => undefined)
  const ready = () => {
    if (!isReady) onState({ ready: true })
    isReady = true
  }
  const notReady = (reason: string) => {
    isReady = false
    onState({ ready: false, reason, since: heard })
  }

  /** At most once a second, and never not at all: what was changed by hand just after the last one needs another cycle. */
  const askForCycle = (what: string) => {
    log.warn({ what }, 'the store was changed by hand: asking for a cycle')
    if (asking !== undefined) return
    asking = setTimeout(
      () => {
        asking = undefined
        askedAt = performance.now()
        requests.submit({ reason: 'restore', source: null, commit: null, actor: systemActor }).catch(() => undefined)
      },
      Math.max(0, askedAt + beatMs - performance.now()),
    )
  }
  const report = (problems: readonly Problem[]) => {
    for (const { id, message } of problems) log.error({ document: id }, message)
    if (problems.length > 0) askForCycle('documents that do not fit')
  }

  const synchronise = async (): Promise<End | null> => {
    const loaded = await loadSnapshot(connection)
    if (loaded.kind === 'lost') return loaded
    if (lost === null && view.lacksPolicies(loaded.snapshot)) return { kind: 'lost', what: 'policies are gone' }
    onSnapshot(view.replace(loaded.snapshot))
    lost = null
    beat()
    report(loaded.snapshot.problems)
    return null
  }

  const take = (cutter: Cutter, event: StreamEvent): End | null => {
    heard = new Date()
    const cut = cutter.push(event)
    if (cut.kind === 'lost') return cut
    if (cut.kind === 'foreign') askForCycle(cut.what)
    if (cut.kind !== 'change' || cut.change.sequence <= view.sequence()) return null
    if (cut.change.previous > view.sequence()) return { kind: 'gap' }
    onChange(cut.change)
    view.advance(cut.change)
    token = event._id
    beat()
    report(cut.problems)
    return null
  }

  const read = async (stream: Stream): Promise<End> => {
    // From here on a lock waits for this replica: the snapshot below cannot miss one that was answered.
    await replicas.beat(view.sequence())
    const first = stream.next()
    first.catch(() => undefined)
    const opened = await openingOf(stream, first)
    if (token === null) {
      const end = await synchronise()
      if (end) return end
      token = opened
    }
    ready()
    const cutter = createCutter()
    for (let event = await first; ; event = await stream.next()) {
      const end = take(cutter, event)
      if (end) return end
    }
  }

  const session = async (): Promise<End> => {
    const stream: Stream = connection.db.watch<StreamEvent, StreamEvent>(pipeline, {
      maxAwaitTimeMS: 1000,
      ...(token !== null && { resumeAfter: token }),
    })
    const close = () => void stream.close().catch(() => undefined)
    stream.on('resumeTokenChanged', () => {
      heard = new Date()
    })
    signal.addEventListener('abort', close, { once: true })
    try {
      return await read(stream)
    } catch (error) {
      return { kind: 'failed', error }
    } finally {
      signal.removeEventListener('abort', close)
      close()
    }
  }

  const restored = async (): Promise<End | null> => {
    try {
      await awaitRestoration({ connection, requests, log, signal }, view.held())
      return null
    } catch (error) {
      return { kind: 'failed', error }
    }
  }

  /** What to do about it before the next stream; answers how long to wait. */
  const settle = (end: End, failures: number): number => {
    if (end.kind === 'failed') {
      const away = isAway(end.error) || toEdictError(end.error).code === 'store_unavailable'
      if (!away) token = null
      if (failures === 0) log.warn({ err: end.error }, 'the change stream ended: opening it again')
      notReady(lost ?? (away ? 'the store cannot be reached' : 'the change stream failed'))
      return backoffMs(failures)
    }
    token = null
    if (end.kind === 'lost') {
      lost = `the store is being restored (${end.what})`
      log.error({ what: end.what }, 'the store has lost a collection: the last good state stays')
      notReady(lost)
    }
    return 0
  }

  const run = async (): Promise<void> => {
    await connection.opened.catch(() => undefined)
    for (let failures = 0; !signal.aborted;) {
      const end = (lost === null ? null : await restored()) ?? (await session())
      if (signal.aborted) return
      if (isReady) failures = 0
      const waitMs = settle(end, failures)
      failures = end.kind === 'failed' ? failures + 1 : 0
      if (waitMs > 0) await sleep(waitMs, signal)
    }
  }
  return { run, beat, close: () => clearTimeout(asking) }
}

/** Resolves when the server has opened the stream: to where it begins, or to null when there are events already. */
function openingOf(stream: Stream, first: Promise<unknown>): Promise<unknown> {
  const opened = new Promise((resolve) => stream.once('resumeTokenChanged', resolve))
  return Promise.race([opened, first.then(() => null)])
}
