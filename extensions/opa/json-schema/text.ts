/** `minLength`, `maxLength`, `pattern`. Lengths count code points. */
import type { RE2JS } from 're2js'
import { compilePattern } from '../regex/patterns.ts'
import { countAt, SchemaError, stringAt, unlessEmpty, type Reading } from './reading.ts'
import { fail, type Visit } from './visit.ts'

export interface Text {
  readonly minLength: bigint | undefined
  readonly maxLength: bigint | undefined
  readonly pattern: { readonly source: string; readonly compiled: RE2JS } | undefined
}

export function readText(reading: Reading): Text | undefined {
  const minLength = countAt(reading, 'minLength')
  const maxLength = countAt(reading, 'maxLength')
  if (minLength !== undefined && maxLength !== undefined && minLength > maxLength) {
    throw new SchemaError('minLength cannot be greater than maxLength')
  }
  return unlessEmpty({ minLength, maxLength, pattern: readPattern(reading) })
}

function readPattern(reading: Reading): Text['pattern'] {
  const source = stringAt(reading, 'pattern')
  if (source === undefined) return undefined
  try {
    return { source, compiled: compilePattern(source) }
  } catch (error) {
    throw new SchemaError('pattern must be a valid regex', { cause: error })
  }
}

export function checkText({ minLength, maxLength, pattern }: Text, value: string, visit: Visit): void {
  visit.spend(value.length / 16)
  if (minLength !== undefined && lengthOf(value) < minLength) {
    fail(visit, 'string_gte', `String length must be greater than or equal to ${minLength}`)
  }
  if (maxLength !== undefined && lengthOf(value) > maxLength) {
    fail(visit, 'string_lte', `String length must be less than or equal to ${maxLength}`)
  }
  if (pattern !== undefined && !isMatch(pattern.compiled, value, visit)) {
    fail(visit, 'pattern', `Does not match pattern '${pattern.source}'`)
  }
}

const lengthOf = (text: string): bigint => {
  let length = 0n
  for (const _ of text) length++
  return length
}

/** Linear in the text, but not by little. */
export function isMatch(pattern: RE2JS, text: string, { spend }: Pick<Visit, 'spend'>): boolean {
  spend(1 + text.length / 4)
  return pattern.matcher(text).find()
}
