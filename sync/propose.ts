/**
 * What waits for approval (a source that is configured so, a commit that removes too much) as one plan of all of it, made
 * from what is in force. The very same plan is not made twice.
 */
import type { Actor } from '../src/auth/actor.ts'
import type { Store } from '../src/store/store.ts'
import { newestCommits } from './approval.ts'
import type { Gate } from './gate.ts'
import type { BuildFrom, Chosen, World } from './look.ts'
import { digestOfPlan, planDocument, type PlannerDeps } from './planned.ts'

export interface Proposal extends Chosen {
  /** The plan that waits; null when nobody needs to approve anything. */
  readonly plan: string | null
  /** The sources whose newest content it is made of. */
  readonly sources: ReadonlySet<string>
  /** Nothing in force changes by it: it can be taken as it is. */
  readonly isHarmless: boolean
}

export interface ProposeDeps {
  readonly store: Pick<Store, 'plans'>
  readonly buildFrom: BuildFrom
  readonly planner: PlannerDeps
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
}

const nothingLeft = { status: 'Superseded', message: 'nothing of it is left to be approved' } as const

/** The sources that wait. */
export function waitingSources({ gates, now }: Pick<ProposeOptions, 'gates' | 'now'>): ReadonlySet<string> {
  const gated = [...gates].flatMap(([name, { kind }]) => (kind === 'waits' ? [name] : []))
  return new Set([...gated, ...now.built.held.map(({ source }) => source)])
}

/** null: nothing waits. Rejects with `conflict` when the base has moved. */
export async function propose(options: ProposeOptions, deps: ProposeDeps): Promise<Proposal | null> {
  const { world, actor } = options
  const sources = waitingSources(options)
  const chosen = sources.size === 0 ? null : await buildAll(options, sources, deps)
  const needsApproval = chosen !== null && !chosen.built.conflict && chosen.built.changesForce
  if (!needsApproval && world.waiting !== null)
    await deps.store.plans.dismiss(world.waiting._id, { ...nothingLeft, actor })
  if (chosen === null) return null
  const plan = needsApproval ? await makeWait(options, chosen, sources, deps) : null
  return { ...chosen, plan, sources, isHarmless: !needsApproval && !chosen.built.conflict }
}

function buildAll(
  { world, gates, confirmed }: ProposeOptions,
  sources: ReadonlySet<string>,
  { buildFrom }: ProposeDeps,
): Promise<Chosen> {
  const standing = [...gates.keys()].filter((name) => !sources.has(name))
  return buildFrom(world, { standing, confirmed: new Map([...confirmed, ...newestCommits(world.seen, sources)]) })
}

async function makeWait(
  { world: { stored, documents, waiting }, actor }: ProposeOptions,
  { built, seen, standing }: Chosen,
  sources: ReadonlySet<string>,
  { store, planner, clock }: ProposeDeps,
): Promise<string> {
  const identity = { built, baseRevision: stored.revision, seen, standing }
  if (waiting?.digest === digestOfPlan(identity)) return waiting._id
  const subject = [...sources].sort()
  const plan = await planDocument({ ...identity, subject, stored: await documents(), now: clock() }, planner)
  await store.plans.propose(plan, actor)
  return plan._id
}
