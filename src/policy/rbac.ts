/**
 * The modules that Edict ships: the core of package `rbac`, and the fixed module that decides over the table of rules.
 * They are in force until a fragment declares their ids; a core compiles alone, because both functions are always there.
 */
import { digestOf, sha256 } from './digest.ts'
import { coreModule } from './rules.ts'
import type { Fragment } from './schema.ts'

/** The source that shipped modules belong to. */
export const shippedSource = 'edict'

/** Generated modules show what it answers; it is not listed among them. */
export const tableModule = 'edict/rules'

const core = `package rbac

default allow := false

allow if {
	user_is_active
	some assignment in input.user.assignments
	valid_resource_match(assignment)
	role_check(assignment)
}

user_is_active if input.user.status == "active"

role_check(assignment) if assignment.role == "superadmin"
`

const table = `# Decides over the rules in force: data.edict.rules[resource type][role][action].
package rbac

valid_resource_match(assignment) if {
	assignment.resource_type == "project"
	data.edict.rules[input.resource.type]
	input.resource.project_id == assignment.resource_id
}

role_check(assignment) if data.edict.rules[input.resource.type][assignment.role][input.action]
`

const files = [
  [coreModule, core],
  [tableModule, table],
].map(([id = '', text = '']) => ({ path: `${id}.rego`, digest: sha256(text), text }))

const commit = `sha256:${digestOf(files.map(({ path, digest }) => [path, digest]))}`

export const shipped: Fragment = {
  source: shippedSource,
  kind: 'api',
  commit,
  revision: commit,
  author: null,
  committedAt: null,
  files,
  findings: [],
}
