/**
 * Back to an earlier revision: its content stands in for the sources that have changed since, rules of the API among it,
 * goes through the same build, and is applied as a new revision. Those sources are held from then on, so that the next poll does not undo it.
 */
import type { Actor } from '../src/auth/actor.ts'
import { systemActor } from '../src/auth/actor.ts'
import { EdictError } from '../src/errors.ts'
import { compareText } from '../src/policy/analysis.ts'
import type { Effect } from '../src/policy/api-effect.ts'
import { apiFragment } from '../src/policy/api-fragment.ts'
import { digestOf } from '../src/policy/digest.ts'
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { HoldDocument } from '../src/policy/revision-document.ts'
import type { Fragment, SourceDocument } from '../src/policy/schema.ts'
import { mostRules } from '../src/policy/rules.ts'
import { turnRules, type TurnedRules } from '../src/policy/turned-rules.ts'
import type { ApiWrites } from '../src/store/api-writes.ts'
import type { RevisionContent } from '../src/store/revisions.ts'
import { referencesOf } from '../src/store/blobs.ts'
import { isApiSource } from './sources/api-source.ts'
import { applyBuilt } from './apply-built.ts'
import { newestCommits } from './approval.ts'
import { createBlamer } from './sources/blame-findings.ts'
import { reportOf, type CycleReport } from './cycle-report.ts'
import { holdMessage } from './gate.ts'
import { documentsOf, type World } from './look.ts'
import { planDocument } from './planned.ts'
import type { RoundDeps } from './round.ts'
import type { Seen } from './sources/source-status.ts'
import type { Source } from './sources/source.ts'
import { fragmentOf } from './sources/standing-source.ts'
import { statusesOf } from './sources/statuses.ts'
import { readStored } from './stored-state.ts'

export interface RollbackOptions {
  readonly revision: number
  readonly actor: Actor | null
  /** Who is written down in its stead: who asked for it. */
  readonly by?: string | undefined
  readonly reason?: string | null
}

export type Rollback = (options: RollbackOptions) => Promise<CycleReport>

const mostRounds = 8

export async function rollback(options: RollbackOptions, deps: RoundDeps): Promise<CycleReport> {
  for (let rounds = 1; rounds <= mostRounds; rounds++) {
    // oxlint-disable-next-line no-await-in-loop
    const report = await turnBack(options, deps)
    if (report !== 'moved') {
      if (report.plan != null) await planAgain(deps)
      return report
    }
  }
  throw new EdictError('conflict', 'other workers applied again and again while this was planned')
}

/** What the API was asked for and waits was planned on another base. */
async function planAgain({ store, api }: RoundDeps): Promise<void> {
  const waits = api !== null && (await store.requests.changes()).some((request) => request.waits != null)
  if (waits) await store.requests.submit({ reason: 'sync', source: api.name, commit: null, actor: systemActor })
}

async function turnBack(options: RollbackOptions, deps: RoundDeps): Promise<CycleReport | 'moved'> {
  const { store, sources, clock, buildFrom, planner, holder } = deps
  const { world, turned } = await lookBack(options, deps)
  const { stored, seen, documents } = world
  const subject = seen.flatMap(({ source, fragment }) => (fragment === null ? [] : [source.name])).sort()
  const commits = newestCommits(seen, new Set(subject))
  const { built, standing, blobs } = await buildFrom(world, { standing: [], confirmed: commits })
  const blamer = createBlamer(sources, commits)
  const parts = { gates: new Map(), proposal: null, confirmed: new Map(), now: clock(), findingsOf: blamer.findings }
  const all = await statusesOf({ seen, built, ...parts })
  const report = { seen, built, at: clock() }
  const granted = turned?.effect == null ? null : writesOf(turned, turned.effect, whoOf(options))
  if (built.conflict || !(built.changesForce || granted !== null)) {
    const statuses = built.conflict ? all : []
    const left = reportOf({ ...report, statuses, revision: stored.revision, plan: null, hasChanges: false })
    return built.conflict ? left : { ...left, message: `what revision ${options.revision} held is in force already` }
  }
  const identity = { built, baseRevision: stored.revision, seen, standing, subject, stored: await documents() }
  const message = `back to revision ${options.revision}`
  const record = await planDocument({ ...identity, kind: 'rollback', message, now: clock() }, planner)
  const holds = holdsOf(record, options, deps)
  const statuses = all.flatMap((status) => turnedStatus(status, stored.sources.get(status._id), holds))
  await blobs.flush()
  const { actor, by } = options
  const { revision: baseRevision } = stored
  const common = { store, holder, built, baseRevision, statuses, blamer, record, actor, by, holds, granted }
  const applied = await applyBuilt(common)
  if (applied === 'moved') return 'moved'
  return reportOf({ ...report, statuses, revision: applied, plan: record._id, hasChanges: true })
}

/** The sources as that revision had them; one that has not changed since stands as it is. */
async function lookBack(
  options: RollbackOptions,
  { store, sources, configured, clock }: RoundDeps,
): Promise<{ readonly world: World; readonly turned: TurnedRules | null }> {
  const { revision } = options
  const stored = await readStored({ store, configured, thorough: false })
  const then = await store.revisions.contentAt(revision)
  const now = revision === stored.revision ? then : await store.revisions.contentAt(stored.revision)
  const readText = store.policies.readText
  const rules = async (): Promise<TurnedRules> => {
    const past = await store.rules.at(revision)
    return turnRules({ now: await store.rules.all(), past, actor: whoOf(options), at: clock() })
  }
  const turned = [...sources.values()].some(isApiSource) ? await rules() : null
  if (turned !== null) refuseTooMany(turned, revision)
  const seen = await Promise.all(
    [...sources.values()].map(async (source): Promise<Seen> => {
      const [past, present] = [ownOf(source, then), ownOf(source, now)]
      const own = isApiSource(source) ? turned : null
      const isSame = contentDigest(past) === contentDigest(present) && (own?.effect ?? null) === null
      const fragment = isSame ? null : await pastFragment(source, past, { readText, rules: own?.rules })
      return { source, before: stored.sources.get(source.name), fragment, attempted: false, error: null }
    }),
  )
  const documents = documentsOf(stored, seen)
  return { world: { options: {}, stored, seen, documents, waiting: null, holds: [], requests: [] }, turned }
}

/** Each change before was small enough, and so is each step back. */
function refuseTooMany({ writes: { put, remove } }: TurnedRules, revision: number): void {
  const count = put.length + remove.length
  if (count <= mostRules) return
  const message = `revision ${revision} has ${count} other rules, and one transaction takes ${mostRules}: go back in steps`
  throw new EdictError('conflict', message)
}

const whoOf = ({ by, actor }: RollbackOptions): string => by ?? actor?.id ?? 'local'

function writesOf({ writes: rules }: TurnedRules, effect: Effect, actor: string): ApiWrites {
  return { entries: [{ ...effect, request: null, actor, from: null }], rules }
}

/** The table of rules is made of the rules themselves. */
function ownOf({ name, kind }: Source, { revision, policies, modules }: RevisionContent): RevisionContent {
  const isOwn = ({ repository }: { readonly repository: string }) => repository === name
  const own = modules.filter((module) => isOwn(module) && (kind !== 'api' || module.kind === 'module'))
  return { revision, policies: policies.filter(isOwn), modules: own }
}

function contentDigest({ policies, modules }: RevisionContent): string {
  return digestOf([...policies, ...modules].map((document) => [document._id, ...textsOf(document)]))
}

function textsOf(
  document: RevisionContent['policies'][number] | RevisionContent['modules'][number],
): readonly string[] {
  if ('text' in document) return referencesOf({ text: document.text })
  const names = document.files.map(({ path }) => path)
  const { rego, data, files } = document
  return [...referencesOf({ rego, data, files }), data === null ? '' : 'data.json', ...names]
}

interface PastContent {
  readonly readText: Parameters<typeof fragmentOf>[0]['readText']
  /** Of the API. */
  readonly rules: TurnedRules['rules'] | undefined
}

async function pastFragment(
  source: Source,
  { revision, policies, modules }: RevisionContent,
  { readText, rules }: PastContent,
): Promise<Fragment> {
  const fragment = await fragmentOf({ source: source.name, policies, modules, readText })
  if (rules !== undefined) {
    const files = new Map(fragment.files.map((file) => [file.path.replace(/\.rego$/, ''), file]))
    return {
      ...apiFragment(source.name, { rules, modules: files }),
      ...(fragment.origins && { origins: fragment.origins }),
    }
  }
  const known = revision.sources.find(({ name }) => name === source.name)
  const commit = known?.commit ?? `revision:${revision._id}`
  return { ...fragment, commit, revision: known?.revision ?? commit }
}

/** What the API changes is changed on purpose: nothing polls it, so nothing needs to be held. */
function holdsOf(plan: PlanDocument, options: RollbackOptions, { sources, clock }: RoundDeps): readonly HoldDocument[] {
  const { revision, reason = null } = options
  const actor = whoOf(options)
  return plan.subject
    .filter((name) => sources.get(name)?.kind !== 'api')
    .toSorted(compareText)
    .map((_id) => ({ _id, kind: 'rollback', commit: null, revision, plan: plan._id, actor, reason, at: clock() }))
}

/** Only the sources that are held are written: nothing was seen of the others. */
function turnedStatus(
  status: SourceDocument,
  before: SourceDocument | undefined,
  holds: readonly HoldDocument[],
): readonly SourceDocument[] {
  const hold = holds.find(({ _id }) => _id === status._id)
  if (hold === undefined) return []
  const lastSeenCommit = before?.lastSeenCommit ?? status.lastSeenCommit
  return [{ ...status, lastSeenCommit, phase: 'Stalled', reason: 'Held', message: holdMessage(hold) }]
}
