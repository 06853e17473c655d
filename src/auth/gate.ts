/**
 * The one gate. Open mode: everything is allowed. Else an actor is needed, and a rule that allows the action on each
 * single thing that is touched; the refusal names the rule that decided.
 */
import { EdictError } from '../errors.ts'
import type { Action, Resource } from './actions.ts'
import { localActor, type Actor } from './actor.ts'
import type { Authz, Verdict } from './authz.ts'
import type { Enforce } from './enforce.ts'
import type { AuthMode } from './mode.ts'

export interface GateOptions {
  readonly authz: () => Promise<Pick<Authz, 'decide'>>
  readonly mode: () => AuthMode | Promise<AuthMode>
}

export const createGate =
  ({ authz, mode }: GateOptions): Enforce =>
  async (actor, action, resource) => {
    const asked = mode()
    const known = typeof asked === 'string' ? asked : await asked
    if (known === 'open') return actor ?? localActor
    if (actor === null) throw nobody(known)
    const resources = isMany(resource) ? resource : [resource]
    const verdict = (await authz()).decide({ actor, action, resources })
    if (!verdict.allow) throw refusal({ actor, action, resources, verdict })
    return actor
  }

const isMany = (resource: Resource | readonly Resource[]): resource is readonly Resource[] => Array.isArray(resource)

const nobody = (mode: AuthMode): EdictError =>
  mode === 'unknown'
    ? new EdictError('store_unavailable', 'it is not known who may do what: the store has not answered')
    : new EdictError(
        'unauthenticated',
        'this needs an actor: a credential (Authorization: Bearer …), or --as ACTOR on the command line of the store',
      )

interface Refused {
  readonly actor: Actor
  readonly action: Action
  readonly resources: readonly Resource[]
  readonly verdict: Verdict
}

const mostNamed = 3

const refusal = ({ actor, action, resources, verdict }: Refused): EdictError => {
  const { rules, uncovered } = verdict
  const keys = uncovered.length > 0 ? uncovered : resources.map(({ key }) => key)
  const more = keys.length > mostNamed ? ` and ${keys.length - mostNamed} more` : ''
  const what = `${actor.id} may not ${action} ${keys.slice(0, mostNamed).join(', ')}${more}`
  return new EdictError('forbidden', `${what}: ${reasonOf(verdict)} (${rules.join(', ')})`)
}

/** Why not; `shown` names a rule. */
export const reasonOf = (
  { rules, granted }: Pick<Verdict, 'rules' | 'granted'>,
  shown: (rule: string) => string = (rule) => rule,
): string => {
  if (rules.includes('edict:four-eyes')) return 'who made it must not be who lets it through'
  if (granted.length === 0) return 'no rule gives this actor that action'
  return `outside the scope of ${granted.map(shown).join(', ')}`
}
