/**
 * The rules of who may do what that this process goes by: those of `policy.file`, or what is shipped. The file is read
 * again when that is asked for; one that cannot be taken changes nothing. All that decide ask the same `authz`, so that
 * HTTP and the store switch in the same moment.
 */
import { createAuthz, type Authz } from '../auth/authz.ts'
import { defaultRules } from '../auth/default-rules.ts'
import type { Rules } from '../auth/rules.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { sha256 } from '../policy/digest.ts'
import type { ReplicaRules } from '../policy/schema.ts'
import { checkTests, parseRules, rulesText } from './rules-text.ts'

/** Compiled when it is first needed. */
export type OpenAuthz = () => Promise<Authz>

export interface RulesState {
  /** null: the shipped rules. */
  readonly file: string | null
  /** sha256 hex of the file as it was taken. */
  readonly digest: string | null
  readonly text: string
  readonly rules: Rules
  /** In this process. */
  readonly since: Date
  /** Why the file as it is now is not in force. */
  readonly problem: { readonly digest: string; readonly message: string } | null
}

export type ReadRules =
  | { readonly kind: 'good'; readonly text: string; readonly digest: string; readonly rules: Rules }
  | { readonly kind: 'bad'; readonly digest: string; readonly error: EdictError }

export interface RulesInForce {
  readonly authz: OpenAuthz
  readonly state: () => RulesState
  /** The file as it is now; takes nothing up. null: there is none. */
  readonly read: () => ReadRules | null
  /** Takes up what is read, when it is good. `changed`: it is not what was read before. */
  readonly reload: () => { readonly read: ReadRules | null; readonly changed: boolean }
}

/** `given`: what another process goes by, for when the file cannot be taken. Throws `config_invalid`, for the tests' file as well. */
export const openRules = (
  { policy: { file, tests }, protected: protectedKeys }: Pick<Config, 'policy' | 'protected'>,
  given?: string,
): RulesInForce => {
  const read = (): ReadRules | null => (file === null ? null : readRulesFile(file))
  let state = opened(file, read(), given)
  if (tests !== null && given === undefined) checkTests(tests)
  let authz: Promise<Authz> | undefined
  return {
    authz: () => (authz ??= createAuthz({ rules: state.rules, protectedKeys })),
    state: () => state,
    read,
    reload: () => {
      const found = read()
      const before = state
      if (found?.kind === 'good' && found.digest !== state.digest) {
        const { text, digest, rules } = found
        state = { file, text, digest, rules, since: new Date(), problem: null }
        authz = undefined
      } else state = { ...state, problem: problemOf(found) }
      return {
        read: found,
        changed: before.digest !== state.digest || before.problem?.digest !== state.problem?.digest,
      }
    },
  }
}

/** As others are told of it. */
export const rulesStatus = ({ digest, since, problem }: RulesState): ReplicaRules => ({
  digest,
  since,
  problem: problem?.message ?? null,
})

const problemOf = (read: ReadRules | null): RulesState['problem'] =>
  read?.kind === 'bad' ? { digest: read.digest, message: read.error.message } : null

const opened = (file: string | null, read: ReadRules | null, given: string | undefined): RulesState => {
  const since = new Date()
  if (read === null) return { file, digest: null, text: '', rules: defaultRules, since, problem: null }
  if (read.kind === 'good') return { file, ...read, since, problem: null }
  if (file === null || given === undefined) throw read.error
  return {
    file,
    digest: sha256(given),
    text: given,
    rules: parseRules(given, file).rules,
    since,
    problem: problemOf(read),
  }
}

export const readRulesFile = (file: string): ReadRules => {
  let text = ''
  try {
    text = rulesText(file)
    return { kind: 'good', text, digest: sha256(text), rules: parseRules(text, file).rules }
  } catch (error) {
    if (!(error instanceof EdictError)) throw error
    return { kind: 'bad', digest: sha256(text), error }
  }
}
