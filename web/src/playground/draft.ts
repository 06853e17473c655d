/** What the playground holds: four texts, kept in this tab until it is closed, by the policy that they started from. */
import { draftPrefix } from '../session/token.ts'

export interface Draft {
  readonly rego: string
  readonly data: string
  readonly input: string
  readonly headers: string
}

export const example: Draft = {
  rego: `package example.playground

default allow := false

allow if {
	some role in data.roles[input.user]
	role == "admin"
}

asked_by := get_header("X-User")
`,
  data: '{ "roles": { "alice": ["admin"] } }\n',
  input: '{ "user": "alice" }\n',
  headers: 'X-User: alice\n',
}

export const sameDraft = (a: Draft, b: Draft): boolean => JSON.stringify(a) === JSON.stringify(b)

export const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]]
    }),
  )

const prefix = `${draftPrefix}:`
const moduleKey = `${draftPrefix}-module`

const isDraft = (value: unknown): value is Draft =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(example).every((key) => typeof (value as Readonly<Record<string, unknown>>)[key] === 'string')

/** null: none is kept. */
export const readDraft = (policy: string | undefined): Draft | null => {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(prefix + (policy ?? '')) ?? 'null')
    return isDraft(kept) ? kept : null
  } catch {
    return null
  }
}

/** null: forget it. One that is too large for the browser is not kept. */
export const keepDraft = (policy: string | undefined, draft: Draft | null): void => {
  const key = prefix + (policy ?? '')
  sessionStorage.removeItem(key)
  if (draft === null) return
  try {
    sessionStorage.setItem(key, JSON.stringify(draft))
  } catch {
    // It is gone with the next reload.
  }
}

/** Rego on its way to “Upload a module”: too long for an address. */
export const readModuleDraft = (): string | null => sessionStorage.getItem(moduleKey)

export const keepModuleDraft = (rego: string): void => sessionStorage.setItem(moduleKey, rego)
