/** What one round looks at: the documents in force, the sources' content, the plan that waits; and how to build from it. */
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { HoldDocument } from '../src/policy/revision-document.ts'
import type { Store } from '../src/store/store.ts'
import { createBlobWriter, type BlobWriter } from './blob-writer.ts'
import type { Builder } from './build.ts'
import type { BuildOptions, Built, StoredContent } from './built.ts'
import type { CycleOptions } from './cycle-report.ts'
import type { Loader } from './load.ts'
import type { Seen } from './source-status.ts'
import type { Source } from './source.ts'
import { readStored, type StoredState } from './stored-state.ts'

export interface LookDeps {
  readonly store: Store
  readonly sources: ReadonlyMap<string, Source>
  /** Their names, and those of sources of which nothing shall stay in force. */
  readonly configured: ReadonlySet<string>
  readonly retired: readonly string[]
  readonly loader: Loader
  readonly clock: () => Date
}

export interface RoundOptions extends Pick<CycleOptions, 'signal' | 'onProgress' | 'confirm' | 'approve'> {
  /** Sources to read anew. */
  readonly wanted: ReadonlySet<string>
  readonly thorough: boolean
}

export interface World {
  readonly options: Pick<RoundOptions, 'signal' | 'onProgress'>
  /** All that is made of it is refused when the revision has moved since. */
  readonly stored: StoredState
  readonly seen: readonly Seen[]
  /** Read when first asked for. */
  readonly documents: () => Promise<StoredContent>
  readonly waiting: PlanDocument | null
  readonly holds: readonly HoldDocument[]
}

export async function look(options: RoundOptions, { store, configured, loader }: LookDeps): Promise<World> {
  const { wanted, thorough, signal } = options
  const stored = await readStored({ store, configured, thorough })
  const seen = await loader.load({ wanted, stored: stored.sources, signal })
  const [waiting, holds] = await Promise.all([store.plans.waiting(), store.holds.list()])
  return { options, stored, seen, documents: documentsOf(stored, seen), waiting, holds }
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
}

export interface Chosen {
  readonly built: Built
  /** Of it, with those that may not remove so much. */
  readonly standing: ReadonlySet<string>
  readonly blobs: Pick<BlobWriter, 'flush'>
}

export type BuildFrom = (world: Pick<World, 'options' | 'seen' | 'documents'>, choice: Choice) => Promise<Chosen>

export interface BuildFromDeps extends Pick<LookDeps, 'store' | 'clock'> {
  /** What the configuration says of who may declare what. */
  readonly bounds: Pick<BuildOptions, 'configured' | 'scopes' | 'libraries'>
  readonly build: Builder
}

export function createBuildFrom({ store, bounds, build, clock }: BuildFromDeps): BuildFrom {
  return async ({ options: { signal, onProgress }, seen, documents }, { standing, confirmed }) => {
    const blobs = createBlobWriter(store.blobs)
    const away = seen.flatMap(({ source, fragment }) => (fragment === null ? [source.name] : []))
    const left = [...standing]
    const built = await build({
      fragments: seen.flatMap(({ fragment }) => fragment ?? []),
      absent: new Set([...away, ...left]),
      ...bounds,
      stored: documents,
      confirmed,
      takeBlob: blobs.take,
      now: clock(),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    })
    const refused = [...built.outOfScope.keys(), ...built.held.map(({ source }) => source)]
    return { built, standing: new Set([...left, ...refused]), blobs }
  }
}
