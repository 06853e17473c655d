/**
 * One look at what callers of the API want changed, against what is in force: no source is read anew, so that nobody waits
 * for what is fetched or compiled meanwhile. Where more than that must be looked at, a whole round has to decide.
 */
import type { Actor } from '../src/auth/actor.ts'
import { isError } from '../src/policy/analysis.ts'
import type { SourceDocument } from '../src/policy/schema.ts'
import type { ApiSource } from './sources/api-source.ts'
import { applyBuilt } from './apply-built.ts'
import { confirmedCommits, newestCommits } from './approval.ts'
import { createBlamer } from './sources/blame-findings.ts'
import type { CycleOptions } from './cycle-report.ts'
import { gatesOf } from './gate.ts'
import { documentsOf, type Chosen, type World } from './look.ts'
import { answer, grantedTo, recordOf, type RoundDeps } from './round.ts'
import { statusesOf } from './sources/statuses.ts'
import { readStored } from './stored-state.ts'

export type ChangeOptions = Pick<CycleOptions, 'signal' | 'actor'>

export type ChangeResult =
  /** Somebody has applied meanwhile. */
  | { readonly kind: 'moved' }
  /** Only a whole round can decide. */
  | { readonly kind: 'declined' }
  | {
      readonly kind: 'done'
      /** null: nothing was applied. */
      readonly revision: number | null
      readonly answered: number
      /** Changes that wait for the next round. */
      readonly deferred: number
      /** What else is written down may have changed by it: a plan that waited, what is wrong with other sources. */
      readonly again: boolean
    }

const nothing = { kind: 'done', revision: null, answered: 0, deferred: 0, again: false } as const

export async function changeRound(options: ChangeOptions, deps: RoundDeps): Promise<ChangeResult> {
  const { api, buildFrom } = deps
  if (api === null) return nothing
  const world = await lookAtChanges(options, deps)
  if (world.requests.length === 0) return nothing
  if (!isPlain(world, api, deps)) return { kind: 'declined' }
  const { seen, holds, requests } = world
  const gates = gatesOf({ seen, holds, approval: deps.approval, through: new Map() })
  const chosen = await buildFrom(world, { standing: gates.keys(), confirmed: confirmedCommits(seen, []), requests })
  if (chosen.built.conflict) return { kind: 'declined' }
  const { granted, answers } = chosen.settled
  options.signal?.throwIfAborted()
  // From here on the signal is not heard: an apply is done or not begun.
  const revision =
    granted === null ? null : await applyChanges({ world, chosen, api, actor: options.actor ?? null }, deps)
  if (revision === 'moved') return { kind: 'moved' }
  await answer(answers, revision ?? world.stored.revision, deps)
  const done = new Set([...answers.keys(), ...grantedTo(chosen.settled)])
  const answered = requests.filter(({ _id }) => done.has(_id)).length
  const again = revision !== null && reachesOthers({ world, chosen, api })
  return { kind: 'done', revision, answered, deferred: requests.length - answered, again }
}

async function lookAtChanges(options: ChangeOptions, deps: RoundDeps): Promise<World> {
  const { store, configured, loader } = deps
  // Before the base: what is answered meanwhile was granted by a plan that moves it.
  const requests = await store.requests.changes()
  const stored = await readStored({ store, configured, thorough: false })
  const [seen, waiting, holds] = await Promise.all([
    requests.length === 0 ? [] : loader.inForce(stored.sources),
    store.plans.waiting(),
    store.holds.list(),
  ])
  const documents = documentsOf(stored, seen)
  return { options: { ...options, urgent: true }, stored, seen, documents, waiting, holds, requests }
}

/** Something is in force, nothing contradicts it, and what the API has may be changed at once. */
function isPlain({ stored, holds, requests }: World, { name }: ApiSource, { approval }: RoundDeps): boolean {
  const isHeld = approval.has(name) || holds.some(({ _id }) => _id === name)
  const isPlanned = requests.some(({ waits }) => waits != null)
  return (
    stored.revision > 0 &&
    !isHeld &&
    !isPlanned &&
    ![...stored.sources.values()].some(({ reason }) => reason === 'Conflict')
  )
}

interface Change {
  readonly world: World
  readonly chosen: Chosen
  readonly api: ApiSource
  readonly actor: Actor | null
}

/** Of the sources' statuses it writes the API's alone: what was seen of the others is for those to tell who look at them. */
async function applyChanges({ world, chosen, api, actor }: Change, deps: RoundDeps): Promise<number | 'moved'> {
  const { store, holder, sources, clock } = deps
  const { stored, seen } = world
  const { built, settled, blobs } = chosen
  const blamer = createBlamer(sources, newestCommits(seen, new Set(sources.keys())))
  const own = chosen.seen.filter(({ source }) => source.name === api.name)
  const parts = { gates: new Map(), proposal: null, confirmed: new Map(), now: clock(), findingsOf: blamer.findings }
  const statuses = await statusesOf({ seen: own, built, ...parts })
  const record = await recordOf({ world, chosen }, deps)
  await blobs.flush()
  const isStill = async (): Promise<boolean> => isSame(stored.sources, (await store.sources.list()).items)
  const about = { baseRevision: stored.revision, statuses, blamer, record, isStill, granted: settled.granted }
  return applyBuilt({ store, holder, built, actor, ...about })
}

/** No source has come to another commit, which it may without a new revision. */
function isSame(before: ReadonlyMap<string, SourceDocument>, now: readonly SourceDocument[]): boolean {
  return now.every(({ _id, commit }) => before.get(_id)?.commit === commit)
}

function reachesOthers({ world: { waiting, stored }, chosen: { built }, api }: Omit<Change, 'actor'>): boolean {
  const isOther = (name: string): boolean => name !== api.name
  const wasWrong = [...stored.sources.values()].some(({ _id, phase }) => isOther(_id) && phase !== 'Ready')
  return waiting !== null || wasWrong || [...built.findings].some(([name, all]) => isOther(name) && all.some(isError))
}
