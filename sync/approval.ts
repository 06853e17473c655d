/** What people have let through: a plan as a whole, or the removals of one commit. */
import type { PlanDocument } from '../src/policy/plan-document.ts'
import { notWaiting, type Plans } from '../src/store/plans.ts'
import type { Approval, Confirmation, Refusal } from './cycle-report.ts'
import type { Seen } from './sources/source-status.ts'

export interface Approved {
  readonly plan: PlanDocument
  readonly actor: string
}

export interface Approvals {
  /** The plan that waits, when it is among those that are approved. */
  readonly approved: Approved | null
  /** Those that do not wait, or not any more. */
  readonly refused: ReadonlyMap<string, Refusal>
}

export async function approvalsOf(
  asked: readonly Approval[],
  waiting: PlanDocument | null,
  plans: Pick<Plans, 'get'>,
): Promise<Approvals> {
  const heeded = asked.find(({ plan }) => plan === waiting?._id)
  const approved = heeded === undefined || waiting === null ? null : { plan: waiting, actor: heeded.actor }
  const others = asked.filter(({ plan }) => plan !== waiting?._id)
  const refused = others.map(async ({ plan: id }) => [id, refusalOf(id, await plans.get(id))] as const)
  return { approved, refused: new Map(await Promise.all(refused)) }
}

function refusalOf(id: string, plan: PlanDocument | null): Refusal {
  return plan === null
    ? { code: 'plan_not_found', message: `there is no plan ${id}` }
    : { code: 'conflict', message: notWaiting(plan).message }
}

/** By source: the commit that the plan contains. */
export function commitsOfPlan({
  sources,
  subject,
}: Pick<PlanDocument, 'sources' | 'subject'>): ReadonlyMap<string, string> {
  return new Map(sources.filter(({ name }) => subject.includes(name)).map(({ name, commit }) => [name, commit]))
}

/** By source: the newest commit. */
export function newestCommits(seen: readonly Seen[], names: ReadonlySet<string>): ReadonlyMap<string, string> {
  return new Map(
    seen.flatMap(({ source: { name }, fragment }) =>
      fragment !== null && names.has(name) ? [[name, fragment.commit] as const] : [],
    ),
  )
}

/** By source: the commit whose removals were confirmed, now or before. */
export function confirmedCommits(seen: readonly Seen[], confirm: readonly Confirmation[]): ReadonlyMap<string, string> {
  const confirmed = new Map<string, string>()
  for (const { source, before, fragment } of seen) {
    const asked = confirm.find(
      (one) => (one.source === null || one.source === source.name) && one.commit === fragment?.commit,
    )
    const commit = asked?.commit ?? before?.confirmed
    if (commit != null) confirmed.set(source.name, commit)
  }
  return confirmed
}
