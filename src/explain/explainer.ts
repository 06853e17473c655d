/**
 * From a policy's modules and an input to an explanation: compiled once per content, a few at a time, and evaluated on
 * our own engine with the outside closed. Nothing of the input, of the headers or of the environment reaches opa.
 */
import { LRUCache } from 'lru-cache'
import type { Extension } from '../../extensions/extension.ts'
import type { EngineLimits } from '../engine/limits.ts'
import { EdictError } from '../errors.ts'
import type { RegoFile } from '../policy/analysis.ts'
import { digestOf, sha256 } from '../policy/digest.ts'
import { startsWith } from '../policy/paths.ts'
import { createQueue } from '../opa/queue.ts'
import type { RulePath } from './clause.ts'
import { ruleTitle } from './explanation.ts'
import { buildProgram, type Program, type ProgramOpa } from './program.ts'
import { createRunner, type DecisionSettings, type Explained, type Question } from './run.ts'

/** What an artifact is made of. */
export interface Subject {
  readonly home: RulePath
  /** The policy's files, the modules that it reaches, the entry. */
  readonly files: readonly RegoFile[]
  /** JSON: the root of `data`. */
  readonly data: Uint8Array | string
  /** As it is served with. */
  readonly settings: DecisionSettings
}

export interface Asked {
  /** JSON; undefined: no input. */
  readonly input: Uint8Array | undefined
  readonly headers: Readonly<Record<string, string>>
  /** One rule of the policy; undefined: all of them. */
  readonly rule: string | undefined
  /** Called before it is evaluated, in the same step; throws what it is refused for. */
  readonly mayStart?: (() => void) | undefined
  /** Also the lines that it came to. */
  readonly coverage?: boolean | undefined
  /** Whoever gives one shares its compilation with nobody: aborted, opa is stopped. */
  readonly signal?: AbortSignal | undefined
}

/** Rejects with `invalid_request`, `policy_invalid`, `tool_unavailable`, `too_many_requests`. */
export type Explain = (subject: Subject, asked: Asked) => Promise<Explained>

export interface ExplainerOptions {
  /** Found when it is needed first; declares `probeBuiltins`. */
  readonly openOpa: () => Promise<ProgramOpa>
  readonly extensions: readonly Extension[]
  readonly limits: Partial<EngineLimits>
  readonly clock?: () => bigint
  /** At once, and waiting. */
  readonly concurrency?: number
  readonly maxWaiting?: number
  /** Bytes of all modules of one policy. */
  readonly maxSource?: number
}

type Prepared = (question: Question) => Explained

interface Kept {
  readonly program: Program
  readonly ask: Prepared
}

const MB = 2 ** 20

export function createExplainer(options: ExplainerOptions): Explain {
  const { openOpa, concurrency = 1, maxWaiting = 8, maxSource = 4 * MB } = options
  const runner = createRunner(options)
  const queue = createQueue(concurrency)
  const kept = new LRUCache<string, Promise<Kept>>({ max: 10 })
  let waiting = 0

  const prepare = async ({ files, data, settings }: Subject, signal?: AbortSignal): Promise<Kept> => {
    const size = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    if (size > maxSource) throw new EdictError('policy_invalid', `${size} bytes of Rego are too many to explain`)
    const program = await buildProgram(files, await openOpa(), { signal })
    return { program, ask: await runner.load(program, { data, settings }) }
  }

  const preparedOf = (subject: Subject, signal?: AbortSignal): Promise<Kept> => {
    const key = keyOf(subject)
    const known = kept.get(key)
    if (known !== undefined) return known
    const fresh = queue(() => prepare(subject, signal), { signal })
    const keep = (): void => void kept.set(key, fresh)
    if (signal === undefined) {
      keep()
      fresh.catch(() => kept.delete(key))
    } else fresh.then(keep, () => undefined)
    return fresh
  }

  return async (subject, { input, headers, rule, mayStart, coverage, signal }) => {
    if (waiting >= concurrency + maxWaiting)
      throw new EdictError('too_many_requests', 'too many explanations are being made; try again')
    waiting++
    try {
      const { program, ask } = await preparedOf(subject, signal)
      const asked = rulesAsked(program, subject.home, rule)
      mayStart?.()
      return ask({ input, headers, home: subject.home, asked, coverage })
    } finally {
      waiting--
    }
  }
}

function keyOf({ files, data, settings }: Subject): string {
  return digestOf([
    ['data', sha256(data)],
    ['settings', JSON.stringify(settings)],
    ...files.map(({ path, text, regoVersion }) => [path, text, String(regoVersion)]),
  ])
}

function rulesAsked({ rules }: Program, home: RulePath, rule: string | undefined): readonly RulePath[] {
  const own = rules.filter((path) => startsWith(path, home))
  if (rule === undefined) return own
  const found = own.filter((path) => ruleTitle(path, home) === rule)
  if (found.length > 0) return found
  const names = own.map((path) => ruleTitle(path, home)).join(', ')
  throw new EdictError('invalid_request', `the policy has no rule ${rule}; it has ${names === '' ? 'none' : names}`)
}
