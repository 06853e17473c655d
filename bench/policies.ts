/** Generated policy repositories: one small role policy as the subject, and any number of different ones beside it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const subject = { group: 'bench', name: 'roles', version: '1.0' } as const

export const subjectRego = `package bench.roles

default allow := false

allow if {
	some role in data.assignments[input.user]
	input.action in data.grants[role]
}
`

export const subjectData = JSON.stringify({
  assignments: { alice: ['admin'], bob: ['reader', 'writer'], carol: ['reader'] },
  grants: { admin: ['read', 'write', 'delete'], writer: ['read', 'write'], reader: ['read'] },
})

export const subjectInput = JSON.stringify({ user: 'bob', action: 'write', resource: { id: 'r-17', owner: 'alice' } })

export const generatedRego = (index: number, group = 'bench'): string => `package ${group}.p${index}

default allow := false

allow if {
	input.tenant == "tenant-${index}"
	some role in input.roles
	role in {"admin", "role-${index % 17}"}
}

reasons contains concat(" ", ["limit of tenant", "${index}"]) if input.amount > ${index * 10}

level := "high" if input.amount > ${index * 100}
`

const write = (folder: string, files: Readonly<Record<string, string>>): void => {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

export const writeSubject = (root: string): void =>
  write(join(root, subject.group, subject.name, subject.version), {
    'policy.rego': subjectRego,
    'data.json': subjectData,
  })

export const writeGenerated = (root: string, count: number): void => {
  for (let index = 0; index < count; index++)
    write(join(root, 'bench', `p${index}`, '1.0'), { 'policy.rego': generatedRego(index) })
}
