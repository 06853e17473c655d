/**
 * One look at everything: what is stored, what the sources say, what of it may be taken; and the difference applied in
 * one transaction. What needs somebody's approval becomes a plan that waits, once nothing else is left to apply.
 */
import { EdictError } from '../src/errors.ts'
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { SourceDocument } from '../src/policy/schema.ts'
import { applyBuilt } from './apply-built.ts'
import { approvalsOf, commitsOfPlan, confirmedCommits, newestCommits, type Approved } from './approval.ts'
import { createBlamer, type Blamer } from './blame-findings.ts'
import { reportOf, type CycleReport, type Refusal } from './cycle-report.ts'
import { gatesOf, type Gate } from './gate.ts'
import { look, type BuildFrom, type Chosen, type LookDeps, type RoundOptions, type World } from './look.ts'
import { changedSources, digestOfPlan, planDocument, type PlannerDeps } from './planned.ts'
import { propose, waitingSources, type Proposal } from './propose.ts'
import type { Settled } from './settle.ts'
import { statusesOf } from './statuses.ts'
import { unreadSources } from './unread-sources.ts'

export interface RoundDeps extends LookDeps {
  /** Sources whose changes are approved before they are applied. */
  readonly approval: ReadonlySet<string>
  readonly buildFrom: BuildFrom
  readonly planner: PlannerDeps
  readonly holder: string
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
}

export async function round(options: RoundOptions, deps: RoundDeps): Promise<RoundResult> {
  const world = await look(options, deps)
  const { approved, refused } = await approvalsOf(options.approve ?? [], world.waiting, deps.store.plans)
  const through = approved === null ? new Map<string, string>() : commitsOfPlan(approved.plan)
  const confirmed = new Map([...confirmedCommits(world.seen, options.confirm ?? []), ...through])
  const gates = gatesOf({ seen: world.seen, holds: world.holds, approval: deps.approval, through })
  // A plan that is approved is applied as it was shown, with nobody else's change in it.
  const requests = approved === null ? world.requests : []
  const now = await deps.buildFrom(world, { standing: gates.keys(), confirmed, requests })
  if (approved !== null && identityOf(world, now) !== approved.plan.digest) return stale(approved.plan, options, deps)
  try {
    const isQuiet = !now.built.conflict && !now.built.changesForce && now.settled.granted === null
    const proposal = isQuiet
      ? await propose({ world, gates, now, confirmed, actor: options.actor ?? null }, deps)
      : null
    const decision = { world, chosen: now, gates, confirmed, approved, refused, proposal }
    return await carryOut(proposal?.isHarmless === true ? takeAll(decision, proposal) : decision, options, deps)
  } catch (error) {
    if (error instanceof EdictError && error.code === 'conflict') return { kind: 'moved' }
    throw error
  }
}

function identityOf({ stored }: World, { built, seen, standing }: Chosen): string {
  return digestOfPlan({ built, baseRevision: stored.revision, seen, standing })
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
  return { ...decision, chosen: proposal, gates, proposal: null }
}

async function carryOut(
  decision: Decision,
  { signal, actor = null }: RoundOptions,
  deps: RoundDeps,
): Promise<RoundResult> {
  const { world, chosen, gates, approved, refused, proposal } = decision
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
  const { store, holder, clock } = deps
  const baseRevision = world.stored.revision
  const by = approved?.actor
  const applied = hasChanges
    ? await applyBuilt({ store, holder, built, baseRevision, statuses, blamer, record, actor, by, granted })
    : await keepAll(statuses, deps)
  if (applied === 'moved') return { kind: 'moved' }
  await store.sources.forget(unread.gone)
  const plan = record?._id ?? proposal?.plan ?? null
  const revision = applied ?? baseRevision
  await answer(settled.answers, revision, deps)
  const report = reportOf({ statuses: own, seen, built, revision, plan, at: clock(), hasChanges, refused })
  const deferred = world.requests.filter(({ _id }) => !isAnswered(_id, settled)).length
  return {
    kind: 'done',
    report: { ...report, deferred },
    again: record !== null && waitingSources({ gates, now: chosen }).size > 0,
  }
}

function statusesOfRound(decision: Decision, { findings }: Blamer, { clock }: RoundDeps): Promise<SourceDocument[]> {
  const { chosen, gates, confirmed, proposal } = decision
  const { seen } = chosen
  return statusesOf({ seen, built: chosen.built, gates, proposal, confirmed, now: clock(), findingsOf: findings })
}

async function recordOf({ world, chosen }: Decision, { planner, clock }: RoundDeps): Promise<PlanDocument> {
  const { stored, documents } = world
  const { built, seen, standing } = chosen
  const identity = { built, baseRevision: stored.revision, seen, standing }
  return planDocument(
    { ...identity, subject: changedSources(identity), stored: await documents(), now: clock() },
    planner,
  )
}

function isAnswered(id: string, { granted, answers }: Chosen['settled']): boolean {
  return answers.has(id) || granted?.entries.some(({ request }) => request === id) === true
}

/** Who was granted something was answered by the apply itself. */
async function answer(answers: Settled['answers'], revision: number, { store, clock }: RoundDeps): Promise<void> {
  const each = [...answers].map(([id, outcome]) => store.requests.complete([id], { at: clock(), revision, ...outcome }))
  await Promise.all(each)
}

async function keepAll(statuses: readonly SourceDocument[], { store }: RoundDeps): Promise<null> {
  await store.sources.putStatus(statuses)
  return null
}
