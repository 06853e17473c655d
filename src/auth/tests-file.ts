/** `authz.tests.yaml` → cases, or everything that is wrong with it, each with its line and column. Pure. */
import { z } from 'zod'
import type { Finding } from '../policy/schema.ts'
import {
  type Action,
  anything,
  auditResource,
  everything,
  groupResource,
  moduleResource,
  policyResource,
  type Resource,
  ruleResource,
  scopedActions,
  sourceResource,
  targetActions,
  tokenResource,
} from './actions.ts'
import type { Actor } from './actor.ts'
import { readFile } from './yaml-file.ts'

export interface AuthzCase {
  readonly name: string
  readonly actor: Actor
  readonly action: Action
  readonly resources: readonly Resource[]
  readonly decision: 'allow' | 'deny'
  /** The id of a rule that decides; undefined: whichever. */
  readonly rule: string | undefined
  readonly line: number
  readonly column: number
}

export type ParsedCases = { readonly cases: readonly AuthzCase[] } | { readonly findings: readonly Finding[] }

const name = z.string().min(1).max(128)
const names = z.array(name)
const key = z.string().min(1).max(500)

const whole =
  (member: string) =>
  (written: unknown): unknown =>
    typeof written === 'string' ? { [member]: written } : written

const actor = z.preprocess(
  whole('id'),
  z.strictObject({ id: name, roles: names.default([]), groups: names.default([]), emails: names.default([]) }),
)

const kinds = ['policy', 'group', 'module', 'rule', 'source', 'plan', 'token', 'audit'] as const

const resource = z
  .strictObject({
    policy: key.optional(),
    group: key.optional(),
    module: key.optional(),
    rule: key.optional(),
    source: key.optional(),
    plan: key.optional(),
    token: key.optional(),
    audit: z.literal(true).optional(),
    by: names.optional(),
    roles: names.optional(),
    groups: names.optional(),
  })
  .superRefine((written, context) => {
    const given = kinds.filter((kind) => written[kind] !== undefined)
    const report = (message: string): void => context.addIssue({ code: 'custom', message })
    if (given.length !== 1) report(`is one of ${kinds.join(', ')}, and has ${given.join(' and ') || 'none of them'}`)
    if (written.token === undefined && (written.roles ?? written.groups) !== undefined)
      report('roles and groups are what a token gives: they go with token')
  })

const expectation = z.preprocess(
  whole('decision'),
  z.strictObject({ decision: z.enum(['allow', 'deny']), rule: key.optional() }),
)

const testCase = z
  .strictObject({
    name: z.string().min(1).max(500),
    actor,
    action: z.enum([...scopedActions, ...targetActions, 'admin']),
    resource: resource.optional(),
    resources: z.array(resource).min(1).optional(),
    expect: expectation,
  })
  .refine(
    (written) => written.resource === undefined || written.resources === undefined,
    'has both resource and resources',
  )

const testsSchema = z.strictObject({ cases: z.array(testCase).min(1) }).superRefine(({ cases }, context) => {
  for (const [index, { name: own }] of cases.entries())
    if (cases.findIndex((other) => other.name === own) !== index)
      context.addIssue({
        ...{ code: 'custom', path: ['cases', index, 'name'] },
        message: `the name ${JSON.stringify(own)} stands twice`,
      })
})

export const parseAuthzTests = (text: string, file: string): ParsedCases => {
  const read = readFile({ text, file, schema: testsSchema, code: 'authz_tests_invalid' })
  if ('findings' in read) return read
  return {
    cases: read.value.cases.map((written, index) => ({
      name: written.name,
      actor: { ...written.actor, kind: 'token' },
      action: written.action,
      resources: resourcesOf(written),
      ...written.expect,
      rule: written.expect.rule,
      ...read.placeOf(['cases', index]),
    })),
  }
}

/** Of nothing in particular when nothing is named. */
const resourcesOf = ({
  resource: one,
  resources = one === undefined ? [] : [one],
}: z.infer<typeof testCase>): readonly Resource[] => (resources.length === 0 ? [anything] : resources.map(resourceOf))

/** As the gate is asked for it; `*` is all of a kind. */
const resourceOf = (written: z.infer<typeof resource>): Resource => {
  const kind = kinds.find((one) => written[one] !== undefined) ?? 'audit'
  const asked = written[kind]
  if (kind === 'audit' || asked === true || asked === undefined) return auditResource
  if (kind === 'group') return groupResource(asked)
  if (asked === '*') return everything(kind)
  const { by, roles = [], groups = [] } = written
  if (kind === 'policy') return policyResource(asked, by)
  if (kind === 'module') return moduleResource(asked, by)
  if (kind === 'rule') return ruleResource(asked)
  if (kind === 'source') return sourceResource(asked)
  return kind === 'token' ? tokenResource({ actor: asked, roles, groups }) : { kind, key: asked, by }
}
