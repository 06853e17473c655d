/** Joins what says who may do what: the rules file or the shipped default, and whether credentials are asked for. */
import { readFileSync } from 'node:fs'
import { createAuthz, type Authz } from '../auth/authz.ts'
import { defaultRules } from '../auth/default-rules.ts'
import { parseRulesFile, type ParsedRules } from '../auth/rules-file.ts'
import type { Rules } from '../auth/rules.ts'
import { parseAuthzTests } from '../auth/tests-file.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { findingLine } from '../finding-text.ts'
import type { Finding } from '../policy/schema.ts'
import type { Store } from '../store/store.ts'

/** Compiled when it is first needed. */
export type OpenAuthz = () => Promise<Authz>

/** @throws EdictError `config_invalid` that names each problem of the rules file, and of the file with its tests. */
export const openAuthz = ({ policy, protected: protectedKeys }: Pick<Config, 'policy' | 'protected'>): OpenAuthz => {
  const rules = policy.file === null ? defaultRules : readRules(policy.file).rules
  if (policy.tests !== null) readTests(policy.tests)
  let opened: Promise<Authz> | undefined
  return () => (opened ??= createAuthz({ rules, protectedKeys }))
}

export const readRules = (file: string): Extract<ParsedRules, { rules: Rules }> => {
  const parsed = parseRulesFile(textOf(file, 'rules'), file)
  if ('rules' in parsed) return parsed
  throw notValid('rules', parsed.findings)
}

/** They are run by `edict policy test`; here they are only looked at. */
const readTests = (file: string): void => {
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
    throw new EdictError('config_invalid', `The ${what} ${file} cannot be read.`, { cause })
  }
}

/** As the store itself says it, now; what was required once stays so. */
export const modeOf = ({ auth }: Pick<Config, 'auth'>, tokens: Pick<Store['tokens'], 'required'>) => {
  let required = auth.mode === 'required'
  return async (): Promise<'open' | 'required'> => {
    required ||= (await tokens.required()) !== null
    return required ? 'required' : 'open'
  }
}
