/** What a cycle would change if everything that waits were approved: the plan alone. Writes nothing. */
import type { Blob } from '../src/policy/documents.ts'
import { documentDiffSchema, type DocumentDiff } from '../src/policy/diff.ts'
import type { PlanSummary } from '../src/policy/plan-document.ts'
import { confirmedCommits, newestCommits } from './approval.ts'
import type { CycleOptions } from './cycle-report.ts'
import { gatesOf } from './gate.ts'
import { createBuildFrom, look, type BuildFromDeps, type LookDeps } from './look.ts'
import { changedSources, planDocument, plannedRequests, type PlannerDeps } from './planned.ts'

export interface DryPlan {
  readonly plan: PlanSummary
  readonly diffs: readonly DocumentDiff[]
  /** Something in force would change. */
  readonly changesForce: boolean
  readonly conflict: boolean
  /** Sources that could not be read, and why. */
  readonly unreadable: ReadonlyMap<string, string>
}

export interface DryPlanDeps extends LookDeps {
  readonly building: Omit<BuildFromDeps, 'store'>
  readonly planner: Omit<PlannerDeps, 'putBlobs'>
}

export type DryPlanOptions = Pick<CycleOptions, 'signal' | 'onProgress'>

export async function dryPlan(options: DryPlanOptions, deps: DryPlanDeps): Promise<DryPlan> {
  const { sources, building, planner, clock } = deps
  const large = new Map<string, Blob>()
  const putBlobs = async (blobs: readonly Blob[]): Promise<void> => {
    for (const blob of blobs) large.set(blob.digest, blob)
  }
  const buildFrom = createBuildFrom({ ...building, store: { blobs: { put: async () => undefined } } })
  const world = await look({ ...options, wanted: new Set(sources.keys()), thorough: false }, deps)
  const commits = newestCommits(world.seen, new Set(sources.keys()))
  const gates = gatesOf({ seen: world.seen, holds: world.holds, approval: new Set(), through: new Map() })
  const confirmed = new Map([...confirmedCommits(world.seen, []), ...commits])
  const { built, seen, standing, settled } = await buildFrom(world, {
    standing: gates.keys(),
    confirmed,
    requests: world.requests.filter(({ waits }) => waits != null),
  })
  const requests = plannedRequests(settled.granted)
  const identity = { built, seen, standing, requests, baseRevision: world.stored.revision }
  const subject = changedSources(identity)
  const stored = await world.documents()
  const { diffs, ...plan } = await planDocument(
    { ...identity, subject, stored, now: clock() },
    { ...planner, putBlobs },
  )
  const text = typeof diffs === 'string' ? diffs : new TextDecoder().decode(large.get(diffs.blob)?.bytes)
  return {
    plan,
    diffs: documentDiffSchema.array().parse(JSON.parse(text)),
    changesForce: built.changesForce,
    conflict: built.conflict,
    unreadable: new Map(seen.flatMap(({ source, error }) => (error === null ? [] : [[source.name, error.message]]))),
  }
}
