/** `const`, `enum` (values are told apart as Go does it, numbers as doubles) and `format`. */
import { formats } from './formats.ts'
import { canonicalText, type Json } from './json.ts'
import { listAt, SchemaError, stringAt, unlessEmpty, type Reading } from './reading.ts'
import { fail, fieldOf, type Visit } from './visit.ts'

export interface Values {
  /** As text. */
  readonly only: string | undefined
  readonly allowed: ReadonlySet<string> | undefined
  readonly format: string | undefined
}

export function readValues(reading: Reading, format: string | undefined): Values | undefined {
  const only = reading.members.get('const')
  return unlessEmpty({
    only: only === undefined || reading.draft < 6 ? undefined : schemaText(only),
    allowed: readEnum(reading),
    format,
  })
}

export const readFormat = (reading: Reading): string | undefined => stringAt(reading, 'format') || undefined

function readEnum(reading: Reading): ReadonlySet<string> | undefined {
  const list = listAt(reading, 'enum')
  if (list === undefined) return undefined
  const allowed = new Set<string>()
  for (const text of list.map(schemaText)) {
    if (allowed.has(text)) throw new SchemaError('enum items must be unique')
    allowed.add(text)
  }
  return allowed
}

function schemaText(value: Json): string {
  try {
    return canonicalText(value)
  } catch (error) {
    throw new SchemaError(error instanceof Error ? error.message : 'not JSON', { cause: error })
  }
}

export function checkValues({ only, allowed, format }: Values, value: Json, visit: Visit): void {
  const text = only === undefined && allowed === undefined ? '' : spentText(value, visit)
  if (only !== undefined && text !== only) fail(visit, 'const', `${fieldOf(visit)} does not match: ${only}`)
  if (allowed !== undefined && !allowed.has(text)) {
    fail(visit, 'enum', `${fieldOf(visit)} must be one of the following: ${[...allowed].join(', ')}`)
  }
  if (format !== undefined && typeof value === 'string' && formats.get(format)?.(value, visit) === false) {
    fail(visit, 'format', `Does not match format '${format}'`)
  }
}

export function spentText(value: Json, { spend }: Visit): string {
  const text = canonicalText(value)
  spend(text.length / 16)
  return text
}
