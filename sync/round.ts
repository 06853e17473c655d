/**
 * One look at everything: what is stored, what the sources say, what of it may be taken; and the difference applied in
 * one transaction. What needs somebody's approval becomes a plan that waits, once nothing else is left to apply.
 */
import { EdictError } from '../src/errors.ts'
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { CycleRequest, SourceDocument } from '../src/policy/schema.ts'
import type { Queue } from '../src/store/queue.ts'
import { applyBuilt } from './apply-built.ts'
import { approvalsOf, commitsOfPlan, confirmedCommits, newestCommits, type Approved } from './approval.ts'
import { createBlamer, type Blamer } from './sources/blame-findings.ts'
import { reportOf, type CycleReport, type Refusal } from './cycle-report.ts'
import { gatesOf, type Gate } from './gate.ts'
import { look, type BuildFrom, type Chosen, type LookDeps, type RoundOptions, type World } from './look.ts'
import { changedSources, digestOfPlan, planDocument, plannedRequests, type PlannerDeps } from './planned.ts'
import { propose, waitingSources, type Proposal } from './propose.ts'
import type { Settled } from './settle.ts'
import { statusesOf } from './sources/statuses.ts'
import { unreadSources } from './sources/unread-sources.ts'
import { wishesOf, type Wishes } from './wishes.ts'

export interface RoundDeps extends LookDeps {
  /** Sources whose changes are approved before they are applied. */
  readonly approval: ReadonlySet<string>
  readonly buildFrom: BuildFrom
  readonly planner: PlannerDeps
  readonly holder: string
  /** One after the other, changes through the API among them: what a round is made of holds while it is applied. */
  readonly inTurn: Queue
}

export type RoundResult =
  /** Another worker has applied meanwhile. */
  | { readonly kind: 'moved' }
  /** The plan that was approved is not what would be applied now. */
  | { readonly kind: 'stale'; readonly plan: string; readonly refusal: Refusal }
  /** `again`: something was applied, and there is more that waits. */
  | { readonly kind: 'done'; readonly report: CycleReport; readonly again: boolean }

/** What a round has decided to do. */
interface Decision {
  readonly world: World
  readonly chosen: Chosen
  readonly gates: ReadonlyMap<string, Gate>
  readonly confirmed: ReadonlyMap<string, string>
  readonly approved: Approved | null
  readonly refused: ReadonlyMap<string, Refusal>
  readonly proposal: Proposal | null
  readonly wishes: Wishes
}

export async function round(options: RoundOptions, deps: RoundDeps): Promise<RoundResult> {
  const isPlanned = deps.api !== null && deps.approval.has(deps.api.name)
  const looked = await look(options, deps)
  // What waits in a plan, or is to, is for a round to decide.
  const isLeft = ({ waits }: CycleRequest): boolean => options.leaveChanges === true && !isPlanned && waits == null
  const world = { ...looked, requests: looked.requests.filter((request) => !isLeft(request)) }
  const { approved, refused } = await approvalsOf(options.approve ?? [], world.waiting, deps.store.plans)
  const through = approved === null ? new Map<string, string>() : commitsOfPlan(approved.plan)
  const confirmed = new Map([...confirmedCommits(world.seen, options.confirm ?? []), ...through])
  const gates = gatesOf({ seen: world.seen, holds: world.holds, approval: deps.approval, through })
  const wishes = wishesOf({ ...world, approved: approved?.plan ?? null, isPlanned })
  const now = await deps.buildFrom(world, { standing: gates.keys(), confirmed, requests: wishes.now })
  if (approved !== null && identityOf(world, now) !== approved.plan.digest) return stale(approved.plan, options, deps)
  try {
    const isQuiet = !now.built.conflict && !now.built.changesForce && now.settled.granted === null
    const mayResolve = now.built.conflict && wishes.later.length > 0
    const asked = { world, gates, now, confirmed, wishes: wishes.later, actor: options.actor ?? null }
    const proposal = isQuiet || mayResolve ? await propose(asked, deps) : null
    const decision = { world, chosen: now, gates, confirmed, approved, refused, proposal, wishes }
    return await carryOut(proposal?.isHarmless === true ? takeAll(decision, proposal) : decision, options, deps)
  } catch (error) {
    if (error instanceof EdictError && error.code === 'conflict') return { kind: 'moved' }
    throw error
  }
}

function identityOf({ stored }: World, { built, seen, standing, settled: { granted } }: Chosen): string {
  const requests = plannedRequests(granted)
  return digestOfPlan({ built, baseRevision: stored.revision, seen, standing, requests })
}

async function stale(
  { _id }: PlanDocument,
  { actor = null }: RoundOptions,
  { store }: RoundDeps,
): Promise<RoundResult> {
  const message = 'what it was made from has moved on; another plan takes its place'
  await store.plans.dismiss(_id, { status: 'Stale', message, actor })
  return { kind: 'stale', plan: _id, refusal: { code: 'conflict', message: `plan ${_id} is stale: ${message}` } }
}

/** What waited changes nothing in force. */
function takeAll(decision: Decision, proposal: Proposal): Decision {
  const gates = new Map([...decision.gates].filter(([name]) => !proposal.sources.has(name)))
  const { answers } = decision.chosen.settled
  const settled = { ...proposal.settled, answers: new Map([...answers, ...proposal.settled.answers]) }
  return { ...decision, chosen: { ...proposal, settled }, gates, proposal: null }
}

async function carryOut(
  decision: Decision,
  { signal, actor = null }: RoundOptions,
  deps: RoundDeps,
): Promise<RoundResult> {
  const { world, chosen, gates, approved, refused, proposal, wishes } = decision
  const { built, seen, settled, blobs } = chosen
  const commits = newestCommits(seen, new Set(deps.sources.keys()))
  const blamer = createBlamer(deps.sources, commits)
  const own = await statusesOfRound(decision, blamer, deps)
  const { configured, retired } = deps
  const unread = unreadSources({ stored: world.stored.sources, configured, retired, built })
  const statuses = [...own, ...unread.statuses]
  const { granted } = settled
  const hasChanges = !built.conflict && (!built.plan.empty || granted !== null)
  const isApply = hasChanges && (built.changesForce || granted !== null)
  const record = isApply ? (approved?.plan ?? (await recordOf(decision, deps))) : null
  if (hasChanges) await blobs.flush()
  signal?.throwIfAborted()
  // From here on the signal is not heard: an apply is done or not begun.
  const { store, holder, clock, inTurn } = deps
  const baseRevision = world.stored.revision
  const by = approved?.actor
  const applied = hasChanges
    ? await applyBuilt({ store, holder, built, baseRevision, statuses, blamer, record, actor, by, granted, inTurn })
    : await keepAll(statuses, baseRevision, deps)
  if (applied === 'moved') return { kind: 'moved' }
  await store.sources.forget(unread.gone)
  const plan = record?._id ?? proposal?.plan ?? null
  const revision = applied ?? baseRevision
  const answers = answersOf(decision)
  await answer(answers, revision, deps)
  const report = reportOf({ statuses: own, seen, built, revision, plan, at: clock(), hasChanges, refused })
  const done = new Set([
    ...answers.keys(),
    ...grantedTo(settled),
    ...(proposal === null ? [] : grantedTo(proposal.settled)),
  ])
  const deferred = world.requests.filter(({ _id, waits }) => waits == null && !done.has(_id)).length
  return {
    kind: 'done',
    report: { ...report, deferred },
    again: record !== null && (wishes.later.length > 0 || waitingSources({ gates, now: chosen }).size > 0),
  }
}

function statusesOfRound(decision: Decision, { findings }: Blamer, { clock }: RoundDeps): Promise<SourceDocument[]> {
  const { chosen, confirmed, proposal } = decision
  const { seen } = chosen
  return statusesOf({
    seen,
    built: chosen.built,
    gates: gatesWithApi(decision),
    proposal,
    confirmed,
    now: clock(),
    findingsOf: findings,
  })
}

/** The API waits when a plan does with what it is asked for. */
function gatesWithApi({ gates, proposal, chosen }: Decision): Decision['gates'] {
  const requests = proposal?.settled.granted?.entries.length ?? 0
  const api = chosen.seen.find(({ source }) => source.kind === 'api')?.source.name
  if (requests === 0 || proposal?.plan == null || api === undefined) return gates
  return new Map([...gates, [api, { kind: 'waits', requests }]])
}

export async function recordOf(
  { world, chosen }: Pick<Decision, 'world' | 'chosen'>,
  { planner, clock }: RoundDeps,
): Promise<PlanDocument> {
  const { stored, documents } = world
  const { built, seen, standing, settled } = chosen
  const requests = plannedRequests(settled.granted)
  const identity = { built, baseRevision: stored.revision, seen, standing, requests }
  return planDocument(
    { ...identity, subject: changedSources(identity), stored: await documents(), now: clock() },
    planner,
  )
}

export function grantedTo({ granted }: Chosen['settled']): readonly string[] {
  return (granted?.entries ?? []).flatMap(({ request }) => request ?? [])
}

/** What waits in a plan is not refused for a Conflict that stands without it. */
function answersOf({ world, chosen, proposal }: Decision): Settled['answers'] {
  const waiting = new Set(world.requests.flatMap(({ _id, waits }) => (waits == null ? [] : [_id])))
  const plan = proposal?.plan ?? null
  const proposed = [...(proposal?.settled.answers ?? [])]
    .filter(([id]) => !(chosen.built.conflict && waiting.has(id)))
    .map(([id, { waits = false, ...answer }]) => [id, waits ? { ...answer, plan, waits } : answer] as const)
  return new Map([...chosen.settled.answers, ...proposed])
}

/** Who was granted something was answered by the apply itself. */
export async function answer(
  answers: Settled['answers'],
  revision: number,
  { store, clock }: RoundDeps,
): Promise<void> {
  const each = [...answers].map(([id, outcome]) => store.requests.complete([id], { at: clock(), revision, ...outcome }))
  await Promise.all(each)
}

/** The API's status belongs to the content that it was made with: whoever has changed that has written it. */
async function keepAll(
  statuses: readonly SourceDocument[],
  baseRevision: number,
  { store, inTurn }: RoundDeps,
): Promise<null> {
  await inTurn(async () => {
    const { revision } = await store.head()
    await store.sources.putStatus(statuses.filter(({ kind }) => kind !== 'api' || revision === baseRevision))
  })
  return null
}
