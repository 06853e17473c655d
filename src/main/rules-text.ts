/** The rules file and the file with its tests, and what is wrong with them, told with each place as `config_invalid`. */
import { readFileSync } from 'node:fs'
import { parseRulesFile, type ParsedRules } from '../auth/rules-file.ts'
import type { Rules } from '../auth/rules.ts'
import { parseAuthzTests } from '../auth/tests-file.ts'
import { EdictError } from '../errors.ts'
import { findingLine } from '../finding-text.ts'
import type { Finding } from '../policy/schema.ts'

export const rulesText = (file: string): string => textOf(file, 'rules')

export const parseRules = (text: string, file: string): Extract<ParsedRules, { rules: Rules }> => {
  const parsed = parseRulesFile(text, file)
  if ('rules' in parsed) return parsed
  throw notValid('rules', parsed.findings)
}

/** They are run by `edict policy test`; here they are only looked at. */
export const checkTests = (file: string): void => {
  const parsed = parseAuthzTests(textOf(file, 'tests of the rules'), file)
  if ('findings' in parsed) throw notValid('tests of the rules', parsed.findings)
}

const notValid = (what: string, findings: readonly Finding[]): EdictError =>
  new EdictError('config_invalid', [`The ${what} are not valid:`, ...findings.map(findingLine)].join('\n  '), {
    errors: findings.map(({ code, message, file = '', line = 1, column = 1 }) => ({
      code,
      message,
      location: { file, row: line, col: column },
    })),
  })

const textOf = (file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new EdictError('config_invalid', `The ${what} ${file} cannot be read: ${unreadable(cause)}.`, { cause })
  }
}

/** Why a file that the configuration names cannot be read, and what to do. */
export const unreadable = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file; relative paths start at the working folder'
  return error instanceof Error ? error.message : String(error)
}
