/** Joins what says who may do what: the rules file or the shipped default, and whether credentials are asked for. */
import { readFileSync } from 'node:fs'
import { createAuthz, type Authz } from '../auth/authz.ts'
import { defaultRules } from '../auth/default-rules.ts'
import { parseRulesFile } from '../auth/rules-file.ts'
import type { Rules } from '../auth/rules.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { findingLine } from '../finding-text.ts'
import type { Store } from '../store/store.ts'

/** Compiled when it is first needed. */
export type OpenAuthz = () => Promise<Authz>

/** @throws EdictError `config_invalid` that names each problem of the rules file. */
export const openAuthz = ({ policy, protected: protectedKeys }: Pick<Config, 'policy' | 'protected'>): OpenAuthz => {
  const rules = policy.file === null ? defaultRules : readRules(policy.file)
  let opened: Promise<Authz> | undefined
  return () => (opened ??= createAuthz({ rules, protectedKeys }))
}

export const readRules = (file: string): Rules => {
  const parsed = parseRulesFile(rulesText(file), file)
  if ('rules' in parsed) return parsed.rules
  throw new EdictError(
    'config_invalid',
    ['The rules are not valid:', ...parsed.findings.map(findingLine)].join('\n  '),
    {
      errors: parsed.findings.map(({ code, message, line = 1, column = 1 }) => ({
        code,
        message,
        location: { file, row: line, col: column },
      })),
    },
  )
}

export const rulesText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new EdictError('config_invalid', `The rules ${file} cannot be read.`, { cause })
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
