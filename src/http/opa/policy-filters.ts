/** The filters of the Go policy service's `GET /v1/policies`, as its clients send them: an empty value is none. */
import { RE2JS } from 're2js'
import { EdictError } from '../../errors.ts'

export interface PolicyFilters {
  readonly locked: boolean | undefined
  readonly matches: (name: string) => boolean
  /** Texts that are to be shown. */
  readonly rego: boolean
  readonly data: boolean
  readonly dataConfig: boolean
}

const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const lies = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** Throws `invalid_request`. */
export function policyFilters(query: Readonly<Record<string, string>>): PolicyFilters {
  const boolean = (name: string): boolean | undefined => {
    const value = query[name]
    if (value === undefined || value === '') return undefined
    if (truths.has(value)) return true
    if (lies.has(value)) return false
    throw new EdictError('invalid_request', `invalid value ${JSON.stringify(value)} for "${name}", must be a boolean`)
  }
  return {
    locked: boolean('locked'),
    matches: pattern(query['policyName'] ?? ''),
    rego: boolean('rego') ?? false,
    data: boolean('data') ?? false,
    dataConfig: boolean('dataConfig') ?? false,
  }
}

/** Part of the name, as a regular expression in any case; RE2 takes linear time whatever is asked. */
function pattern(text: string): PolicyFilters['matches'] {
  if (text === '') return () => true
  try {
    const compiled = RE2JS.compile(text, RE2JS.CASE_INSENSITIVE)
    return (name) => compiled.matcher(name).find()
  } catch {
    throw new EdictError('invalid_request', `policyName: ${JSON.stringify(text)} is not a regular expression`)
  }
}
