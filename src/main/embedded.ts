/**
 * What a program that embeds Edict may use (`import … from 'edict'`): the engine, and the store with the gate at the head
 * of each operation. What writes without asking who acts (transactions, statuses, leases) is not offered.
 */
import type { Actor } from '../auth/actor.ts'
import { loadConfig } from '../config.ts'
import { createLog } from '../log.ts'
import type { Store } from '../store/store.ts'
import { actorOf, nobodyActing } from './acting.ts'
import { openDeployment } from './deployment.ts'
import { followRulesFile } from './follow-rules-file.ts'

export { createEngine } from '../engine/engine.ts'

export interface Edict {
  readonly store: EmbeddedStore
  /** Somebody whom the program vouches for, with the roles and groups of the tokens that stand for them. */
  readonly actor: (id: string) => Promise<Actor | null>
  readonly close: () => Promise<void>
}

export interface EmbeddedStore extends Pick<
  Store,
  'enforce' | 'head' | 'audit' | 'locks' | 'plans' | 'holds' | 'rules'
> {
  readonly policies: Pick<Store['policies'], 'get' | 'stored' | 'readText'>
  readonly sources: Pick<Store['sources'], 'get' | 'list'>
  readonly revisions: Pick<Store['revisions'], 'get' | 'list'>
  readonly requests: Pick<Store['requests'], 'submit' | 'find' | 'waitFor'>
  readonly tokens: Pick<Store['tokens'], 'create' | 'revoke' | 'list'>
}

const offeredOf = ({ enforce, head, audit, locks, plans, holds, rules, ...store }: Store): EmbeddedStore => {
  const { get, stored, readText } = store.policies
  const { submit, find, waitFor } = store.requests
  const { create, revoke, list } = store.tokens
  return {
    ...{ enforce, head, audit, locks, plans, holds, rules },
    policies: { get, stored, readText },
    sources: { get: store.sources.get, list: store.sources.list },
    revisions: { get: store.revisions.get, list: store.revisions.list },
    requests: { submit, find, waitFor },
    tokens: { create, revoke, list },
  }
}

export interface OpenEdictOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where paths in the configuration begin. */
  readonly cwd: string
  /** `edict.yaml` in `cwd`, when it is not given. */
  readonly file?: string
  readonly signal: AbortSignal
}

/** Throws `config_invalid`. */
export const openEdict = async ({ env, cwd, file, signal }: OpenEdictOptions): Promise<Edict> => {
  const config = loadConfig({ env, cwd, file })
  const log = createLog(config)
  const options = { config, env, print: (line: string) => log.info(line), signal }
  const { store, rules, close } = await openDeployment(options, log)
  const closing = new AbortController()
  const following = followRulesFile({ rules, log, signal: AbortSignal.any([signal, closing.signal]) })
  return {
    store: offeredOf(store),
    actor: (as) => actorOf(store, { ...nobodyActing, as }),
    close: async () => {
      closing.abort()
      await following
      await close()
    },
  }
}
