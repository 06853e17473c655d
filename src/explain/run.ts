/** One artifact, one input → the decision and why. Synchronous: nothing of the outside is asked, so nothing is waited for. */
import { RegoNumber, RegoObject, type Extension, type RegoValue } from '../../extensions/extension.ts'
import { parseJson } from '../../extensions/parse-json.ts'
import { defaultSettings, wallClock, type PolicySettings } from '../engine/decision.ts'
import { createEngine } from '../engine/engine.ts'
import type { EngineLimits } from '../engine/limits.ts'
import type { LoadedPolicy } from '../engine/policy.ts'
import type { Outcome } from '../engine/outcome.ts'
import { EdictError } from '../errors.ts'
import { pathKey } from '../policy/paths.ts'
import type { RulePath } from './clause.ts'
import { toExact } from './exact-json.ts'
import { explanationOf } from './explanation.ts'
import { createCollector } from './findings.ts'
import { closedExtensions, itemsOf, type Host } from './host.ts'
import { createMask } from './mask.ts'
import { everyCall, explainEntrypoint } from './probe.ts'
import type { Program } from './program.ts'
import { createReach, type FileReach } from './reach.ts'
import type { Explanation } from './view.ts'

export interface Question {
  /** JSON; undefined: no input. */
  readonly input: Uint8Array | undefined
  /** By any spelling of their names. */
  readonly headers: Readonly<Record<string, string>>
  readonly home: RulePath
  /** The rules to explain. */
  readonly asked: readonly RulePath[]
  /** Also the lines that it came to. */
  readonly coverage?: boolean | undefined
}

/** `coverage`: where it was asked for, and all could be looked at. */
export type Explained = Explanation & { readonly coverage?: readonly FileReach[] }

export interface Runner {
  readonly load: (program: Program, options: LoadOptions) => Promise<(question: Question) => Explained>
}

export interface LoadOptions {
  /** JSON: the root of `data`. */
  readonly data: Uint8Array | string
  readonly settings: DecisionSettings
}

/** What is asked after the decision goes on where that would have ended for strictness. */
export type DecisionSettings = Pick<PolicySettings, 'strict' | 'limits'>

export interface RunnerOptions {
  readonly extensions: readonly Extension[]
  readonly limits: Partial<EngineLimits>
  readonly clock?: () => bigint
}

const deaf: Host = { isWanted: () => false, visit: () => undefined, missed: () => undefined }

export function createRunner({ extensions, limits, clock = wallClock }: RunnerOptions): Runner {
  let host = deaf
  let now = 0n
  const engine = createEngine({ extensions: closedExtensions(extensions, () => host), limits, clock: () => now })

  return {
    load: async (program, { data, settings: own }) => {
      const module = await engine.compile(program.wasm)
      const open = (settings: PolicySettings) => engine.load({ module, data, entrypoint: explainEntrypoint, settings })
      const decider = open({ ...defaultSettings, ...own })
      const witness = open({ ...defaultSettings, limits: own.limits })
      return ({ input, headers, home, asked, coverage = false }) => {
        const collector = createCollector(program.clauses)
        const reach = coverage ? createReach(program) : undefined
        const visit: Host['visit'] = (one) => {
          reach?.visit(one)
          collector.visit(one)
        }
        const unavailable = new Set<string>()
        const wanted = wantedIds(program, asked)
        const context = { header: (name: string) => headerOf(headers, name) }
        const ask = (policy: LoadedPolicy, isWanted: Host['isWanted']): Outcome => {
          host = { isWanted, visit, missed: (name) => void unavailable.add(name) }
          try {
            const outcome = policy.evaluate(input, context)
            if (outcome instanceof Promise) throw new EdictError('internal_error', 'an explanation does not wait')
            return outcome
          } finally {
            host = deaf
          }
        }
        now = clock()
        const decided = ask(decider, () => false)
        const why =
          decided.kind === 'value' ? ask(witness, (id) => (id === everyCall ? coverage : wanted.has(id))) : undefined
        const explanation = explanationOf({
          program,
          home,
          asked,
          decided,
          decision: decisionOf(decided),
          ...collector.collected(),
          values: valuesOf(program, why),
          unavailable,
          notes: notesOf(program, why),
          mask: createMask({ input: input === undefined ? undefined : jsonOf(input), headers }),
        })
        return reach === undefined || why?.kind !== 'value' ? explanation : { ...explanation, coverage: reach.files() }
      }
    },
  }
}

/** The clauses and values of the rules asked for, and of all that they refer to. */
function wantedIds({ clauses, byRule, rules }: Program, asked: readonly RulePath[]): ReadonlySet<number> {
  const wanted = new Map(asked.map((path) => [pathKey(path), path]))
  for (const path of wanted.values()) {
    const own = byRule.get(pathKey(path)) ?? []
    const refs = own.flatMap(({ conditions }) => conditions.flatMap(({ refs: found }) => found))
    for (const rule of rules) if (refs.some((ref) => meets(ref, rule))) wanted.set(pathKey(rule), rule)
  }
  return new Set([
    -1,
    ...clauses.filter(({ rule }) => wanted.has(pathKey(rule))).map(({ id }) => id),
    ...rules.flatMap((rule, index) => (wanted.has(pathKey(rule)) ? [-2 - index] : [])),
  ])
}

const meets = (ref: RulePath, rule: RulePath): boolean => rule.every((step, index) => ref[index] === step)

function headerOf(headers: Readonly<Record<string, string>>, wanted: string): string {
  const lower = wanted.toLowerCase()
  return Object.entries(headers).find(([name]) => name.toLowerCase() === lower)?.[1] ?? ''
}

const jsonOf = (json: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(json).toString())
  } catch {
    return undefined
  }
}

const membersOf = (outcome: Outcome | undefined): ReadonlyMap<string, RegoValue> => {
  if (outcome?.kind !== 'value') return new Map()
  const document = parseJson(Buffer.from(outcome.json).toString())
  const entries = document instanceof RegoObject ? document.entries : []
  return new Map(entries.flatMap(([key, value]) => (typeof key === 'string' ? [[key, value] as const] : [])))
}

function decisionOf(outcome: Outcome): Explanation['decision'] {
  if (outcome.kind !== 'value') return null
  const [value] = itemsOf(membersOf(outcome).get('decision'))
  return value === undefined ? {} : { value: toExact(value) }
}

function valuesOf({ rules }: Program, why: Outcome | undefined): ReadonlyMap<string, RegoValue> {
  return new Map(
    itemsOf(membersOf(why).get('values')).flatMap((told) => {
      const [index, value] = itemsOf(told)
      const rule = rules[index instanceof RegoNumber ? Number(index.text) : Number(index)]
      return rule === undefined || value === undefined ? [] : [[pathKey(rule), value] as const]
    }),
  )
}

function notesOf({ without }: Program, why: Outcome | undefined): readonly string[] {
  return [
    ...(without.size > 0 ? ['some rules cannot be taken apart and are not explained'] : []),
    ...(why?.kind === 'error' ? [`not everything could be explained: ${why.message}`] : []),
  ]
}
