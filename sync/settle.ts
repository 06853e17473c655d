/**
 * Build with what callers of the API want changed. What one of them would break is refused to that caller alone, with
 * findings; all that is left becomes one plan. What waits in a plan already comes first, and is not refused for what comes
 * after it. Without an API, or when nobody wants anything, it is the build itself.
 */
import { isError } from '../src/policy/analysis.ts'
import { withChanges, type Folded, type Wish } from '../src/policy/api-change.ts'
import { apiFragment } from '../src/policy/api-fragment.ts'
import { mostRules, rulesDataPath } from '../src/policy/rules.ts'
import type { CycleOutcome, CycleRequest, Finding, Fragment } from '../src/policy/schema.ts'
import type { ApiWrites } from '../src/store/api-writes.ts'
import type { ApiSource } from './sources/api-source.ts'
import type { Builder, BuildOptions, BuildRequest, Built } from './build/build.ts'
import { previewOf } from './preview.ts'
import { explain, troublesOf, type Trouble } from './trouble.ts'

export interface Settled {
  readonly built: Built
  readonly fragments: readonly Fragment[]
  /** What callers are granted, to be written with the plan; null: nothing of theirs changes anything. */
  readonly granted: ApiWrites | null
  /** Answers for who gets nothing written: refused, no change at all, or a dry run. */
  readonly answers: ReadonlyMap<string, Answer>
  /** Left for the next cycle: two that put one module are not decided together. */
  readonly deferred: number
}

export type Answer = Omit<CycleOutcome, 'at' | 'revision'>

export interface SettleOptions {
  readonly build: Builder
  readonly options: BuildRequest
  /** null: there is no API. */
  readonly api: ApiSource | null
  /** Those that nobody has answered yet, oldest first; read before the stored state. */
  readonly requests: readonly CycleRequest[]
  readonly now: Date
}

interface Asked extends Wish {
  readonly request: string
  readonly from: string | null
}

interface Attempt {
  readonly asked: readonly Asked[]
  readonly folded: Folded<Asked>
  readonly fragments: readonly Fragment[]
  readonly built: Built
}

export async function settle({ build, options: request, api, requests, now }: SettleOptions): Promise<Settled> {
  if (api === null || requests.length === 0) {
    const { fragments } = request
    return { built: await build(request), fragments, granted: null, answers: new Map(), deferred: 0 }
  }
  if (request.absent?.has(api.name) === true) {
    const message = `what ${api.name} has in force is held; release it before it is changed`
    const answers = new Map(
      requests.map(({ _id }) => [_id, { ok: false, code: 'conflict' as const, message, findings: [] }]),
    )
    return { built: await build(request), fragments: request.fragments, granted: null, answers, deferred: 0 }
  }
  const stored = typeof request.stored === 'function' ? await request.stored() : request.stored
  const settling = createSettling({ build, api, now, options: { ...request, stored } })
  const { waiting, first, dry, tooMany, deferred } = chosen(requests)
  const accepted = await acceptAll(settling, waiting, first)
  const { built, fragments, folded } = accepted
  const granted = grantedOf(accepted)
  const written = new Set(granted?.entries.map((entry) => entry.request))
  const { answers } = settling
  for (const [asked, { code, message }] of folded.refused)
    answers.set(asked.request, { ok: false, code, message, findings: [] })
  for (const asked of accepted.asked)
    if (!answers.has(asked.request) && !written.has(asked.request))
      answers.set(asked.request, settling.wouldChange(asked) && first.includes(asked) ? inPlan : nothing)
  for (const asked of tooMany) answers.set(asked.request, full)
  for (const asked of dry) answers.set(asked.request, await rehearse(settling, asked))
  return { built: authored(built, accepted, api.name), fragments, granted, answers, deferred }
}

const nothing: Answer = { ok: true, message: 'nothing to change', findings: [] }
const inPlan: Answer = { ok: true, message: 'the plan that waits changes it so already', findings: [], waits: true }
const full: Answer = {
  ok: false,
  code: 'conflict',
  message: `with it, the plan that waits would change more than ${mostRules} rules; have that decided first`,
  findings: [],
}

/** The first of those that put one module; the next is decided when it is known what became of the first. */
function chosen(requests: readonly CycleRequest[]) {
  const first: Asked[] = []
  const waiting: Asked[] = []
  const tooMany: Asked[] = []
  const dry: Asked[] = []
  const taken = new Set<string>()
  let deferred = 0
  let rules = 0
  for (const { _id: request, change, actor = 'unknown', from = null, dryRun = false, waits } of requests) {
    if (change === undefined) continue
    const asked = { request, change, actor, from }
    const ids = change.kind === 'modules' ? [...change.put.map(({ id }) => id), ...change.remove] : []
    const size = change.kind === 'rules' ? change.put.length + change.patch.length + change.remove.length : 0
    const isFull = rules > 0 && rules + size > mostRules
    if (dryRun) dry.push(asked)
    else if (waits != null) waiting.push(asked)
    else if (isFull && waiting.length > 0) tooMany.push(asked)
    else if (isFull || ids.some((id) => taken.has(id))) deferred += 1
    else first.push(asked)
    for (const id of dryRun || waits != null ? [] : ids) taken.add(id)
    rules += dryRun ? 0 : size
  }
  return { waiting, first, dry, tooMany, deferred }
}

interface Settling {
  readonly attempt: (asked: readonly Asked[]) => Promise<Attempt>
  readonly troubles: (built: Built) => readonly Trouble[]
  /** What is wrong without anybody's change. */
  readonly before: () => Promise<readonly Trouble[]>
  /** By itself, against what is in force. */
  readonly wouldChange: (asked: Asked) => boolean
  readonly answers: Map<string, Answer>
}

interface Deps extends Pick<SettleOptions, 'build' | 'now'> {
  readonly options: BuildOptions
  readonly api: ApiSource
}

function createSettling({ build, options, api, now }: Deps): Settling {
  const own = options.fragments.find(({ source }) => source === api.name)
  if (own === undefined) throw new Error(`${api.name} was not read`)
  const inForce = api.contentOf(own)
  const attempt: Settling['attempt'] = async (asked) => {
    const folded = withChanges(inForce, asked, now)
    const changed = folded.effects.size > 0 ? apiFragment(api.name, folded.content) : null
    const fragments = options.fragments.map((one) => (changed !== null && one.source === api.name ? changed : one))
    return { asked, folded, fragments, built: await build({ ...options, fragments }) }
  }
  const troubles = (built: Built) => troublesOf(built, options)
  let before: Promise<readonly Trouble[]> | undefined
  return {
    attempt,
    troubles,
    before: () => (before ??= attempt([]).then(({ built }) => troubles(built))),
    wouldChange: (asked) => withChanges(inForce, [asked], now).effects.size > 0,
    answers: new Map(),
  }
}

/** All at once when nothing is wrong with it; else what waits is judged before what comes on top of it. */
async function acceptAll(settling: Settling, waiting: readonly Asked[], fresh: readonly Asked[]): Promise<Attempt> {
  if (waiting.length === 0) return accept(settling, [], fresh)
  const all = await settling.attempt([...waiting, ...fresh])
  if (settling.troubles(all.built).length === 0) return all
  const base = await accept(settling, [], waiting)
  return accept(settling, base.asked, fresh)
}

/** `base` is known to hold. Who is to blame is told by files, and where those do not tell, by halves. */
async function accept(settling: Settling, base: readonly Asked[], asked: readonly Asked[]): Promise<Attempt> {
  const { attempt, troubles, before, answers } = settling
  const tried = await attempt([...base, ...asked])
  const all = troubles(tried.built)
  if (all.length === 0 || asked.length === 0) return tried
  const blamed = asked.filter((one) => all.some((trouble) => isOf(trouble, one)))
  for (const one of blamed) answers.set(one.request, explain(all.filter((trouble) => isOf(trouble, one))))
  if (blamed.length > 0) return accept(settling, base, without(asked, blamed))
  const fresh = newOnes(all, await before())
  if (fresh.length === 0) return tried
  if (asked.length === 1) {
    for (const { request } of asked) answers.set(request, explain(fresh))
    return attempt(base)
  }
  const half = Math.ceil(asked.length / 2)
  const left = await accept(settling, base, asked.slice(0, half))
  return accept(settling, left.asked, asked.slice(half))
}

/** A Conflict that stands already lets nothing through but what resolves it. */
function newOnes(troubles: readonly Trouble[], before: readonly Trouble[]): readonly Trouble[] {
  const known = new Set(before.map(({ key }) => key))
  return troubles.filter(({ kind, key }) => kind === 'conflict' || !known.has(key))
}

function without(asked: readonly Asked[], blamed: readonly Asked[]): readonly Asked[] {
  return asked.filter((one) => !blamed.includes(one))
}

/** The trouble lies in a file that this change puts. */
function isOf({ direct, findings }: Trouble, { change }: Asked): boolean {
  if (!direct) return false
  const files =
    change.kind === 'modules'
      ? change.put.map(({ id }) => `${id}.rego`)
      : [rulesDataPath, ...new Set(change.put.map(({ service_name }) => `rbac/${service_name}.rego`))]
  return findings.some(({ file }) => file !== undefined && files.includes(file))
}

async function rehearse({ attempt, troubles, before }: Settling, asked: Asked): Promise<Answer> {
  const tried = await attempt([asked])
  const [refused] = tried.folded.refused.values()
  if (refused !== undefined) return { ok: false, code: refused.code, message: refused.message, findings: [] }
  const fresh = newOnes(troubles(tried.built), await before())
  const preview = previewOf(tried.built, tried.folded.rules)
  if (fresh.length > 0) return { ...explain(fresh), preview }
  return { ok: true, message: 'it would be applied', findings: warnings(tried), preview }
}

function warnings({ built, asked }: Attempt): Finding[] {
  const ours = [...built.findings.values()].flat().filter((finding) => !isError(finding))
  return ours.filter(({ file }) =>
    asked.some(({ change }) => change.kind === 'modules' && change.put.some(({ id }) => `${id}.rego` === file)),
  )
}

function grantedOf({ folded, built }: Attempt): ApiWrites | null {
  if (built.conflict || folded.effects.size === 0) return null
  const entries = [...folded.effects].map(([{ request, actor, from }, effect]) => ({ request, actor, from, ...effect }))
  return { entries, rules: folded.rules }
}

/** A module's author is who sent it. */
function authored(built: Built, { folded }: Attempt, source: string): Built {
  const actors = new Map(
    [...folded.effects.keys()].flatMap(({ change, actor }) =>
      change.kind === 'modules'
        ? change.put.map(({ id }) => [id, actor] as const)
        : [[rulesDataPath.replace('/data.json', ''), actor] as const],
    ),
  )
  const put = built.documents.modules.put.map((document) => {
    const author = document.repository === source ? actors.get(document.id) : undefined
    return author === undefined ? document : { ...document, author }
  })
  return { ...built, documents: { ...built.documents, modules: { ...built.documents.modules, put } } }
}
