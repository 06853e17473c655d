/** What one round looks at: the documents in force, the sources' content, the plan that waits; and how to build from it. */
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { HoldDocument } from '../src/policy/revision-document.ts'
import type { CycleRequest, Fragment } from '../src/policy/schema.ts'
import type { Store } from '../src/store/store.ts'
import type { ApiSource } from './sources/api-source.ts'
import { createBlobWriter, type BlobWriter } from './build/blob-writer.ts'
import type { Builder } from './build/build.ts'
import type { BuildOptions, Built, StoredContent } from './build/built.ts'
import { settle, type Settled } from './settle.ts'
import type { CycleOptions } from './cycle-report.ts'
import type { Loader } from './sources/load.ts'
import type { Seen } from './sources/source-status.ts'
import type { Source } from './sources/source.ts'
import { readStored, type StoredState } from './stored-state.ts'

export interface LookDeps {
  readonly store: Store
  readonly sources: ReadonlyMap<string, Source>
  /** Their names, and those of sources of which nothing shall stay in force. */
  readonly configured: ReadonlySet<string>
  readonly retired: readonly string[]
  readonly loader: Loader
  /** null: nothing is changed through an API. */
  readonly api: ApiSource | null
  readonly clock: () => Date
}

export interface RoundOptions extends Pick<
  CycleOptions,
  'signal' | 'onProgress' | 'confirm' | 'approve' | 'actor' | 'leaveChanges'
> {
  /** Sources to read anew. */
  readonly wanted: ReadonlySet<string>
  readonly thorough: boolean
}

export interface World {
  readonly options: Pick<RoundOptions, 'signal' | 'onProgress'> & Pick<BuildOptions, 'urgent'>
  /** All that is made of it is refused when the revision has moved since. */
  readonly stored: StoredState
  readonly seen: readonly Seen[]
  /** Read when first asked for. */
  readonly documents: () => Promise<StoredContent>
  readonly waiting: PlanDocument | null
  readonly holds: readonly HoldDocument[]
  /** What callers of the API want changed, oldest first. */
  readonly requests: readonly CycleRequest[]
}

export async function look(options: RoundOptions, { store, configured, loader, api }: LookDeps): Promise<World> {
  const { wanted, thorough, signal } = options
  // Before the base: what is answered meanwhile was granted by a plan that moves it.
  const requests = api === null ? [] : await store.requests.changes()
  const stored = await readStored({ store, configured, thorough })
  const seen = await loader.load({ wanted, stored: stored.sources, signal })
  const [waiting, holds] = await Promise.all([store.plans.waiting(), store.holds.list()])
  return { options, stored, seen, documents: documentsOf(stored, seen), waiting, holds, requests }
}

export function documentsOf(stored: StoredState, seen: readonly Seen[]): World['documents'] {
  let documents: Promise<StoredContent> | undefined
  return () => (documents ??= stored.forBuild(seen.flatMap(({ fragment }) => fragment ?? [])))
}

export interface Choice {
  /** Sources whose newest content is left out: what is in force of them stands in. */
  readonly standing: Iterable<string>
  /** By source: the commit whose removals were confirmed. */
  readonly confirmed: ReadonlyMap<string, string>
  /** What callers of the API want changed; nothing, when it is not given. */
  readonly requests?: readonly CycleRequest[]
}

export interface Chosen {
  readonly built: Built
  /** The sources' content, the API's as its callers are granted it. */
  readonly seen: readonly Seen[]
  readonly settled: Pick<Settled, 'granted' | 'answers' | 'deferred'>
  /** Of it, with those that may not remove so much. */
  readonly standing: ReadonlySet<string>
  readonly blobs: Pick<BlobWriter, 'flush'>
}

export type BuildFrom = (
  world: Pick<World, 'options' | 'stored' | 'seen' | 'documents'>,
  choice: Choice,
) => Promise<Chosen>

export interface BuildFromDeps extends Pick<LookDeps, 'clock' | 'api'> {
  readonly store: { readonly blobs: Parameters<typeof createBlobWriter>[0] }
  /** What the configuration says of who may declare what. */
  readonly bounds: Pick<BuildOptions, 'configured' | 'scopes' | 'libraries'>
  readonly build: Builder
  /** Without the shipped defaults. */
  readonly bare: Builder
}

export function createBuildFrom({ store, bounds, build, bare, api, clock }: BuildFromDeps): BuildFrom {
  return async ({ options: { signal, onProgress, urgent }, stored, seen, documents }, choice) => {
    const { standing, confirmed, requests = [] } = choice
    const blobs = createBlobWriter(store.blobs)
    const away = seen.flatMap(({ source, fragment }) => (fragment === null ? [source.name] : []))
    const left = [...standing]
    const present = seen.flatMap(({ fragment }) => fragment ?? [])
    // A first revision of defaults alone would say that a sync has succeeded.
    const isUnread = stored.revision === 0 && present.length === 0 && seen.length > 0
    const now = clock()
    const options = {
      fragments: present,
      absent: new Set([...away, ...left]),
      ...bounds,
      stored: documents,
      confirmed,
      takeBlob: blobs.take,
      now,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      urgent,
    }
    const { built, fragments, ...settled } = await settle({
      build: isUnread ? bare : build,
      options,
      api,
      requests,
      now,
    })
    const refused = [...built.outOfScope.keys(), ...built.held.map(({ source }) => source)]
    return { built, seen: withGranted(seen, api, fragments), settled, standing: new Set([...left, ...refused]), blobs }
  }
}

function withGranted(seen: readonly Seen[], api: ApiSource | null, fragments: readonly Fragment[]): readonly Seen[] {
  const granted = fragments.find(({ source }) => source === api?.name)
  return granted === undefined
    ? seen
    : seen.map((one) =>
        one.source.name === granted.source && one.fragment !== null ? { ...one, fragment: granted } : one,
      )
}
