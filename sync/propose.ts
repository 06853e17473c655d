/**
 * What waits for approval (a source that is configured so, what the API is asked for where it is, a commit that removes too
 * much) as one plan of all of it, made from what is in force. The very same plan is not made twice.
 */
import type { Actor } from '../src/auth/actor.ts'
import type { CycleRequest } from '../src/policy/schema.ts'
import type { ApiWrites } from '../src/store/api-writes.ts'
import type { EntryInfo } from '../src/store/audit-chain.ts'
import type { Store } from '../src/store/store.ts'
import { newestCommits } from './approval.ts'
import { commitAuthors } from './git/commit-authors.ts'
import type { Gate } from './gate.ts'
import type { BuildFrom, Chosen, World } from './look.ts'
import { digestOfPlan, planDocument, plannedRequests, type PlannerDeps } from './planned.ts'

export interface Proposal extends Chosen {
  /** The plan that waits; null when nobody needs to approve anything. */
  readonly plan: string | null
  /** The sources whose newest content, or whose callers' changes, it is made of. */
  readonly sources: ReadonlySet<string>
  /** Nothing in force changes by it: it can be taken as it is. */
  readonly isHarmless: boolean
}

export interface ProposeDeps {
  readonly store: Pick<Store, 'plans'>
  readonly buildFrom: BuildFrom
  readonly planner: PlannerDeps
  /** null: nothing is changed through an API. */
  readonly api: { readonly name: string } | null
  readonly clock: () => Date
}

export interface ProposeOptions {
  readonly world: World
  readonly gates: ReadonlyMap<string, Gate>
  /** What is built without it. */
  readonly now: Chosen
  readonly confirmed: ReadonlyMap<string, string>
  /** Who runs the cycle. */
  readonly actor: Actor | null
  /** What callers of the API want, those first that a plan waits with. */
  readonly wishes: readonly CycleRequest[]
}

const nothingLeft = { status: 'Superseded', message: 'nothing of it is left to be approved' } as const

/** The sources that wait. */
export function waitingSources({ gates, now }: Pick<ProposeOptions, 'gates' | 'now'>): ReadonlySet<string> {
  const gated = [...gates].flatMap(([name, { kind }]) => (kind === 'waits' ? [name] : []))
  return new Set([...gated, ...now.built.held.map(({ source }) => source)])
}

/** null: nothing waits. Rejects with `conflict` when the base has moved. */
export async function propose(options: ProposeOptions, deps: ProposeDeps): Promise<Proposal | null> {
  const { world, now, wishes, actor } = options
  const gated = waitingSources(options)
  const chosen = gated.size === 0 && wishes.length === 0 ? null : await buildAll(options, gated, deps)
  const isGranted = chosen !== null && chosen.settled.granted !== null
  const sources = new Set(isGranted && deps.api !== null ? [...gated, deps.api.name] : gated)
  const needsApproval = chosen !== null && !chosen.built.conflict && (chosen.built.changesForce || isGranted)
  if (!needsApproval && !now.built.conflict && world.waiting !== null)
    await deps.store.plans.dismiss(world.waiting._id, { ...nothingLeft, actor })
  if (chosen === null) return null
  const plan = needsApproval ? await makeWait(options, chosen, sources, deps) : null
  return { ...chosen, plan, sources, isHarmless: !needsApproval && !chosen.built.conflict && !now.built.conflict }
}

function buildAll(
  { world, gates, confirmed, wishes: requests }: ProposeOptions,
  sources: ReadonlySet<string>,
  { buildFrom }: ProposeDeps,
): Promise<Chosen> {
  const standing = [...gates.keys()].filter((name) => !sources.has(name))
  const through = new Map([...confirmed, ...newestCommits(world.seen, sources)])
  return buildFrom(world, { standing, confirmed: through, requests })
}

async function makeWait(
  { world: { stored, documents, waiting, requests: all }, actor }: ProposeOptions,
  { built, seen, standing, settled: { granted } }: Chosen,
  sources: ReadonlySet<string>,
  { store, planner, clock }: ProposeDeps,
): Promise<string> {
  const requests = plannedRequests(granted)
  const identity = { built, baseRevision: stored.revision, seen, standing, requests }
  if (waiting?.digest === digestOfPlan(identity)) return waiting._id
  const subject = [...sources].sort()
  const inForce = await documents()
  const authors = await commitAuthors({ ...identity, stored: inForce })
  const plan = await planDocument({ ...identity, subject, authors, stored: inForce, now: clock() }, planner)
  const known = new Set(all.flatMap(({ _id, waits }) => (waits == null ? [] : [_id])))
  const fresh = (granted?.entries ?? []).filter(({ request }) => request !== null && !known.has(request))
  await store.plans.propose(plan, actor, fresh.map(askedOf))
  return plan._id
}

/** What is asked for is in the audit log, whatever becomes of it. */
function askedOf({ actor, from = null, action, resource, details }: ApiWrites['entries'][number]): EntryInfo {
  return { actor, from, action: 'plan.ask', resource, details: { ...details, change: action } }
}
