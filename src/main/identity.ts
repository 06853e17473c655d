/** Joins what says who acts: configuration, the tokens that the replica follows, the identity provider, and limits. */
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Enforce } from '../auth/enforce.ts'
import { createGate } from '../auth/gate.ts'
import { createKnownTokens, type KnownTokens } from '../auth/mode.ts'
import { createJwtVerifier } from '../auth/oidc.ts'
import { createOidcKeys } from '../auth/oidc-keys.ts'
import { createRateLimit } from '../auth/rate-limit.ts'
import { createResolveActor } from '../auth/resolve.ts'
import { createAddressOf } from '../http/client.ts'
import type { Identity } from '../http/middleware/identify.ts'
import type { Store } from '../store/store.ts'
import type { RulesInForce } from './rules-in-force.ts'

export interface OpenIdentity {
  readonly known: KnownTokens
  readonly identity: Identity
  readonly enforce: Enforce
}

const noteEveryMs = 60_000

/** At most once a minute for each; a store that is away misses it. */
const createUseNotes = (used: (id: string) => Promise<void>) => {
  const noted = new Map<string, number>()
  return (id: string): void => {
    const at = performance.now()
    const last = noted.get(id)
    if (last !== undefined && at - last < noteEveryMs) return
    noted.set(id, at)
    used(id).catch(() => noted.delete(id))
  }
}

export const openIdentity = ({
  config: { auth, server },
  store,
  rules,
  log,
}: {
  readonly config: Config
  readonly store: Store
  readonly rules: RulesInForce
  readonly log: Logger
}): OpenIdentity => {
  const known = createKnownTokens({ required: auth.mode === 'required' })
  const failures = createRateLimit({ perMinute: auth.maxFailures, of: 'credentials that are not good' })
  const mutations = createRateLimit({ perMinute: auth.maxMutations, of: 'changes' })
  const onUse = createUseNotes(store.tokens.used)
  const { oidc } = auth
  const verifyJwt =
    oidc === null
      ? null
      : createJwtVerifier({ ...oidc, keys: createOidcKeys({ ...oidc, log: log.child({ part: 'auth' }) }) })
  const resolveActor = createResolveActor({ known, bootstrap: auth.bootstrap, verifyJwt, failures, onUse })
  const addressOf = createAddressOf(server.trustedProxies)
  return {
    known,
    identity: { mode: known.mode, resolveActor, addressOf, mutations, failures },
    enforce: createGate({ authz: rules.authz, mode: known.mode }),
  }
}
