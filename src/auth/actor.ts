/**
 * Who acts, resolved from the credential of a request alone. In open mode that is one local actor; no header can change it.
 */
export interface Actor {
  readonly kind: 'local' | 'webhook'
  readonly name: string
}

export type ResolveActor = (headers: Headers) => Actor

const local: Actor = { kind: 'local', name: 'local' }

export const resolveLocalActor: ResolveActor = () => local
