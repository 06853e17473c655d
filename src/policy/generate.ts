/**
 * Rules as Rego for people to read, formatted as `opa fmt` formats it. It is never compiled: what decides is the table,
 * and a property test holds the two together. Every name is a string literal.
 */
import { compareText } from './analysis.ts'
import { groupRules, type Rule, type RuleKey } from './rules.ts'

/** One service's rules. */
export function renderRules(rules: Iterable<RuleKey & Pick<Rule, 'is_active'>>): string {
  const types = sorted(groupRules(rules)).flatMap(([type, roles]) => [
    resourceMatch(type),
    ...sorted(roles).map(([role, actions]) => roleCheck(type, role, [...actions].sort(compareText))),
  ])
  return [`package rbac\n`, ...types].join('\n')
}

function resourceMatch(type: string): string {
  return `valid_resource_match(assignment) if {
	assignment.resource_type == "project"
	input.resource.type == ${literal(type)}
	input.resource.project_id == assignment.resource_id
}
`
}

function roleCheck(type: string, role: string, actions: readonly string[]): string {
  return `role_check(assignment) if {
	assignment.role == ${literal(role)}
	input.resource.type == ${literal(type)}
	input.action in ${set(actions)}
}
`
}

const widest = 80

function set(items: readonly string[]): string {
  const literals = items.map(literal)
  const line = `{${literals.join(', ')}}`
  return line.length <= widest ? line : `{\n${literals.map((item) => `\t\t${item},\n`).join('')}\t}`
}

/** JSON's escapes are Rego's; what an editor would not show, or would show as something else, is escaped as well. */
function literal(text: string): string {
  return JSON.stringify(text).replaceAll(/[\p{C}\p{Z}]/gu, (character) =>
    character === ' ' ? ' ' : escaped(character),
  )
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

function sorted<T>(entries: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => compareText(a, b))
}
