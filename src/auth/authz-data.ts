/** The rules as `edict.authz` reads them: scopes in full, patterns as regular expressions. Pure. */
import type { Rules } from './rules.ts'

export interface AuthzData {
  readonly authz: {
    readonly groups: Rules['groups']
    readonly emails: Rules['emails']
    readonly rules: readonly AuthzRule[]
    readonly four_eyes: readonly string[]
    readonly protected: readonly string[]
  }
}

interface AuthzRule {
  readonly id: string
  readonly actors: readonly string[]
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly actions: readonly string[]
  readonly scope: { readonly is: string; readonly patterns: readonly string[]; readonly own_groups: boolean }
}

/** `protectedKeys`: patterns of what is protected. */
export const authzData = (
  { groups, emails, rules, four_eyes }: Rules,
  protectedKeys: readonly string[],
): AuthzData => ({
  authz: {
    groups,
    emails,
    rules: rules.map(({ scope, target_scope, ...rule }) => ({
      ...rule,
      scope: scopeOf(scope ?? target_scope ?? 'any'),
    })),
    four_eyes: four_eyes.map(patternExpression),
    protected: protectedKeys.map(patternExpression),
  },
})

type WrittenScope = NonNullable<Rules['rules'][number]['scope']>

const scopeOf = (written: WrittenScope): AuthzRule['scope'] => {
  if (typeof written === 'string') return { is: written, patterns: [], own_groups: false }
  const { is, own_groups, patterns = [] } = written
  return { is, own_groups, patterns: patterns.map(patternExpression) }
}

/** What `coversId` in policy/scope.ts matches. `**` at the end of a longer pattern is at least one step. */
export const patternExpression = (pattern: string): string => {
  if (pattern === '**') return '^.*$'
  const steps = pattern.split('/')
  const last = steps.length - 1
  const written = steps.map((step, index) => {
    if (step !== '**') return `${stepExpression(step)}${index === last ? '' : '/'}`
    return index === last ? '[^/]*(?:/[^/]*)*' : '(?:[^/]*/)*'
  })
  return `^${written.join('')}$`
}

const stepExpression = (step: string): string =>
  step
    .split('*')
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
    .join('[^/]*')
