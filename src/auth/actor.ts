/**
 * Who acts, resolved from the credential of a request alone: the bearer token. Nothing else that a client sends is
 * identity, whatever it is called.
 */
export interface Actor {
  readonly id: string
  readonly kind: 'local' | 'token' | 'oidc' | 'bootstrap' | 'system' | 'webhook' | 'cli' | 'break-glass'
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** By which the authors of commits are compared with them. Nobody may more by them. */
  readonly emails?: readonly string[]
}

/** All of a request that can say who acts. */
export interface Credential {
  readonly authorization: string | undefined
  /** Of the client, against those that try credentials out. */
  readonly address: string
}

/**
 * null: no credential. In open mode always the local actor.
 * Rejects with `unauthenticated` when the credential is not good, `rate_limited` when too many were not.
 */
export type ResolveActor = (credential: Credential) => Promise<Actor | null>

/** Whoever reaches a server that asks for no credential. */
export const localActor: Actor = { id: 'local', kind: 'local', roles: [], groups: [] }

/** A forge whose delivery was verified. */
export const webhookActor = (source: string): Actor => ({
  id: `webhook:${source}`,
  kind: 'webhook',
  roles: [],
  groups: [],
})

/** Work that nobody asks for: cycles by themselves, and wishes that the gate has let through when they were made. */
export const systemActor: Actor = { id: 'system:sync', kind: 'system', roles: [], groups: [] }

/** Whoever has changed the rules file: all that is known of them is that they could. */
export const rulesFileActor: Actor = { id: 'system:authz', kind: 'system', roles: [], groups: [] }

export const resolveLocalActor: ResolveActor = async () => localActor

/** A name of Edict's own: nobody has it by a credential, however good. */
export const isReserved = (id: string): boolean => /^(?:system:|webhook:|(?:local|bootstrap|edict|cli)$)/.test(id)
