/**
 * The decision itself: `edict.authz` on our own engine, over the rules. Synchronous once it is loaded; whatever is wrong
 * with an evaluation is thrown, so that nothing is allowed by it.
 */
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { createEngine } from '../engine/engine.ts'
import type { LoadedPolicy } from '../engine/policy.ts'
import { EdictError } from '../errors.ts'
import type { Action, Resource } from './actions.ts'
import type { Actor } from './actor.ts'
import { authzData } from './authz-data.ts'
import { authzWasm } from './authz-wasm.ts'
import { type Holder, holdersOf } from './holders.ts'
import type { Rules } from './rules.ts'

export const authzEntrypoint = 'edict/authz/decision'

export interface Question {
  readonly actor: Actor
  readonly action: Action
  readonly resources: readonly Resource[]
}

export interface Verdict {
  readonly allow: boolean
  /** Ids of the rules that decided: of the file, or `edict:…` for what is fixed. */
  readonly rules: readonly string[]
  /** Rules that give the actor the action, of whatever. */
  readonly granted: readonly string[]
  /** Keys of what no rule covers. */
  readonly uncovered: readonly string[]
}

export interface Authz {
  /** Throws `internal_error` when it cannot be decided. */
  readonly decide: (question: Question) => Verdict
  /** Rules that give somebody this action, each with what of these it does not cover. */
  readonly holders: (action: Action, resources: readonly Resource[]) => readonly Holder[]
  readonly rules: Rules
}

const texts = z.array(z.string())
const verdictSchema = z.object({ allow: z.boolean(), rules: texts, granted: texts, uncovered: texts })

const noHeaders = { header: () => '' }

/** Once for a process: what differs are the rules. */
const compile = async () => {
  const engine = createEngine({ extensions: [] })
  return { engine, module: await engine.compile(gunzipSync(Buffer.from(authzWasm, 'base64'))) }
}
let compiled: ReturnType<typeof compile> | undefined

export const createAuthz = async ({
  rules,
  protectedKeys,
}: {
  readonly rules: Rules
  /** Patterns of what is protected. */
  readonly protectedKeys: readonly string[]
}): Promise<Authz> => {
  const { engine, module } = await (compiled ??= compile())
  const deciderOf = (some: Rules): Authz['decide'] => {
    const data = JSON.stringify(authzData(some, protectedKeys))
    const policy = engine.load({ module, data, entrypoint: authzEntrypoint })
    return (question) => verdictOf(policy.evaluate(Buffer.from(JSON.stringify(question)), noHeaders))
  }
  return {
    rules,
    decide: deciderOf(rules),
    holders: (action, resources) => holdersOf({ rules, action, resources, deciderOf }),
  }
}

const verdictOf = (outcome: ReturnType<LoadedPolicy['evaluate']>): Verdict => {
  if (outcome instanceof Promise || outcome.kind !== 'value') throw undecided()
  const verdict = verdictSchema.safeParse(JSON.parse(Buffer.from(outcome.json).toString()))
  if (!verdict.success) throw undecided()
  return verdict.data
}

const undecided = (): EdictError => new EdictError('internal_error', 'it could not be decided who may do this')
