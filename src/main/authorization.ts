/** The authorization files that the configuration names, looked at without a server: what is wrong with them, what they hold, and their tests. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { createAuthz } from '../auth/authz.ts'
import { defaultRules } from '../auth/default-rules.ts'
import { parseRulesFile, type ParsedRules } from '../auth/rules-file.ts'
import type { Rules } from '../auth/rules.ts'
import { parseAuthzTests } from '../auth/tests-file.ts'
import type { Config } from '../config.ts'
import type { Finding } from '../policy/schema.ts'
import { runAuthzTests } from '../testing/authz-tests.ts'
import type { TestReport } from '../testing/test-result.ts'
import { unreadable } from './rules-text.ts'

export interface AuthorizationOptions {
  readonly config: Pick<Config, 'policy' | 'protected'>
  /** Absolute; files are named from here. */
  readonly directory: string
  /** A path as people read it. */
  readonly shownPath: (file: string) => string
}

export interface Authorization {
  readonly findings: readonly Finding[]
  /** People and programs that the rules file names, and its rules. */
  readonly counts: { readonly actors: number; readonly authorizationRules: number }
  readonly textOf: (file: string) => string | undefined
  /** Of its tests; none where there are none, or where a file is not valid. */
  readonly test: () => Promise<readonly TestReport[]>
}

interface Text {
  readonly file: string
  readonly text: string
}

export const openAuthorization = ({ config, directory, shownPath }: AuthorizationOptions): Authorization => {
  const read = (path: string | null): Text | Finding | null =>
    path === null ? null : readText(path, relative(directory, path))
  const [rulesText, testsText] = [read(config.policy.file), read(config.policy.tests)]
  const rules = parsed(rulesText, parseRulesFile)
  const tests = parsed(testsText, parseAuthzTests)
  return {
    findings: [rules, tests].flatMap((one) => (one !== null && 'findings' in one ? one.findings : [])),
    counts: countsOf(rules),
    textOf: (file) => [rulesText, testsText].flatMap((one) => (isText(one) && one.file === file ? [one.text] : []))[0],
    test: async () => {
      if (tests === null || 'findings' in tests || !isText(testsText)) return []
      if (rules !== null && 'findings' in rules) return []
      const authz = await createAuthz({ rules: rules?.rules ?? defaultRules, protectedKeys: config.protected })
      const placeOf = placesIn(rules, isText(rulesText) ? shownPath(rulesText.file) : '')
      const { file } = testsText
      return [{ key: file, source: 'authorization', results: runAuthzTests({ ...tests, authz, file, placeOf }) }]
    },
  }
}

const isText = (one: Text | Finding | null): one is Text => one !== null && 'text' in one

const readText = (path: string, file: string): Text | Finding => {
  try {
    return { file, text: readFileSync(path, 'utf8') }
  } catch (error) {
    const message = `cannot be read: ${unreadable(error)}`
    return { code: 'authz_unreadable', severity: 'error', message, source: 'authorization', file }
  }
}

type Parsed<T> = T | { readonly findings: readonly Finding[] } | null

const parsed = <T>(read: Text | Finding | null, parse: (text: string, file: string) => T): Parsed<T> => {
  if (read === null) return null
  return isText(read) ? parse(read.text, read.file) : { findings: [read] }
}

const actorsOf = ({ groups, rules }: Rules): ReadonlySet<string> =>
  new Set([...Object.values(groups).flat(), ...rules.flatMap(({ actors }) => actors)])

const countsOf = (rules: Parsed<ParsedRules>): Authorization['counts'] =>
  rules === null || 'findings' in rules
    ? { actors: 0, authorizationRules: 0 }
    : { actors: actorsOf(rules.rules).size, authorizationRules: rules.rules.rules.length }

/** Of the file, or shipped. */
const placesIn =
  (parsedRules: Extract<ParsedRules, { rules: Rules }> | null, file: string) =>
  (id: string): string | undefined => {
    const { rules } = parsedRules?.rules ?? defaultRules
    const index = rules.findIndex((rule) => rule.id === id)
    const path = id === 'edict:four-eyes' ? ['four_eyes'] : ['rules', index]
    if (index === -1 && id !== 'edict:four-eyes') return undefined
    if (parsedRules === null) return 'shipped'
    const { line, column } = parsedRules.placeOf(path)
    return `${file}:${line}:${column}`
  }
