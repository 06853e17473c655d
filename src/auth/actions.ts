/** What an actor may ask for, and of what. Words only: who may, the rules say. */

/** They take a `scope`: what is touched. */
export const scopedActions = ['evaluate', 'read', 'export', 'change', 'lock', 'unlock', 'token'] as const

/** They take a `target_scope`: where something goes. */
export const targetActions = ['apply', 'approve', 'rollback', 'source'] as const

export type Action = (typeof scopedActions)[number] | (typeof targetActions)[number] | 'admin'

export interface Resource {
  readonly kind: 'policy' | 'module' | 'rule' | 'source' | 'plan' | 'token' | 'audit' | 'authz' | 'anything'
  /** What patterns are matched with: a policy's key, a module's id, a source's name. */
  readonly key: string
  /** Whose it is: a policy's group, a rule's service, the first folder of a module. */
  readonly group?: string | undefined
  /** Who made it what it is, by id or e-mail address, where four eyes are to look at it. */
  readonly by?: readonly string[] | undefined
  /** What a token gives. */
  readonly roles?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
}

export const policyResource = (key: string, by?: readonly string[]): Resource => ({
  kind: 'policy',
  key,
  group: firstStep(key),
  by,
})

/** All policies of a group. */
export const groupResource = (group: string): Resource => ({ kind: 'policy', key: `${group}/*`, group })

export const moduleResource = (id: string, by?: readonly string[]): Resource => ({
  kind: 'module',
  key: id,
  // What rules generate for a service is that service's.
  group: /^rbac\/([^/]+)$/.exec(id)?.[1] ?? firstStep(id),
  by,
})

/** Of a stored module or its data, named `<source>:<path>`. */
export const storedModuleResource = (id: string, by?: readonly string[]): Resource =>
  moduleResource(id.slice(id.indexOf(':') + 1).replace(/(?:\.rego|(?:^|\/)data\.json)$/, ''), by)

/** By whom it stands for. */
export const tokenResource = ({
  actor,
  roles,
  groups,
}: {
  readonly actor: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
}): Resource => ({ kind: 'token', key: actor, roles, groups })

export const ruleResource = (service: string): Resource => ({ kind: 'rule', key: `rbac/${service}`, group: service })

/** Everything of its kind. */
export const everything = (kind: Resource['kind']): Resource => ({ kind, key: '*' })

/** null: all of them. */
export const sourceResource = (name: string | null): Resource => ({ kind: 'source', key: name ?? '*' })

/** Of nothing in particular: whether the actor may do so at all. What it is done to is asked for later. */
export const anything: Resource = { kind: 'anything', key: '*' }

export const auditResource: Resource = { kind: 'audit', key: 'audit' }

/** The rules that say who may do what. */
export const authzResource: Resource = { kind: 'authz', key: 'authz' }

const firstStep = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/'))) || key
