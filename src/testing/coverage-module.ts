/**
 * Cases as a Rego module for `opa eval --coverage`, which tells the lines that they reach: WebAssembly cannot. Each case is
 * a rule, and each builtin that it mocks a function. What a case says is the same; what it expects is not asked.
 */
import { canonicalHeader } from '../../extensions/canonical-header.ts'
import { isArray } from '../../extensions/compare.ts'
import { RegoObject, type Extension, type RegoValue } from '../../extensions/extension.ts'
import { printJson } from '../../extensions/print-json.ts'
import type { RegoTest } from './rego-tests.ts'
import type { MockAnswer, TestCase } from './test-case.ts'
import { member, withValue } from './value-path.ts'
import { absent } from './yaml-file.ts'

export interface CoverageOptions {
  /** The package that is answered. */
  readonly packagePath: readonly string[]
  readonly cases: readonly TestCase[]
  readonly rules: readonly RegoTest[]
  /** The root of `data`. */
  readonly data: RegoValue
  readonly extensions: readonly Extension[]
}

export interface CoverageModule {
  readonly path: string
  readonly text: string
  /** Queries, each of one case or test. */
  readonly queries: readonly string[]
}

const here = 'data.edict.coverage'
const headerBuiltins = ['get_header', 'external.http.header']

export function coverageModule({ packagePath, cases, rules, data, extensions }: CoverageOptions): CoverageModule {
  const known = new Map(extensions.map((extension) => [extension.name, extension.decl.args.length]))
  const answer = reference(packagePath)
  const made = cases.map((test, index) => caseRule({ test, index, answer, data, known }))
  // opa crashes when a query itself replaces a builtin: tests are asked through rules, too.
  const asked = rules.filter(({ isTodo }) => !isTodo).map(({ path }, index) => testRule(reference(path), index))
  const text = ['package edict.coverage', 'no_header(_) := ""', ...made, ...asked].join('\n\n')
  const queries = [...cases.map((_, i) => `${here}.c${i}`), ...asked.map((_, i) => `${here}.t${i}`)]
  return { path: 'edict/coverage.rego', text: `${text}\n`, queries }
}

/** One query that asks all of them, whichever are undefined. */
export const askAll = (queries: readonly string[]): string =>
  `[${queries.map((query) => `[true | ${query}]`).join(', ')}]`

function testRule(test: string, index: number): string {
  const withs = headerBuiltins.map((name) => `\n\t\twith ${name} as ${here}.no_header`)
  return `t${index} := x if {\n\tx := ${test}${withs.join('')}\n}`
}

interface CaseRule {
  readonly test: TestCase
  readonly index: number
  readonly answer: string
  readonly data: RegoValue
  /** How many arguments a builtin has. */
  readonly known: ReadonlyMap<string, number>
}

function caseRule({ test, index, answer, data, known }: CaseRule): string {
  const { input, now, mocks, headers } = test
  const functions: string[] = [headerFunction(`h${index}`, headers)]
  const replaced = headerBuiltins.filter((name) => !mocks.has(name)).map((name) => `${name} as ${here}.h${index}`)
  for (const [i, [name, answers]] of [...mocks].entries()) {
    functions.push(mockFunction(`m${index}_${i}`, known.get(name) ?? 1, answers))
    replaced.push(`${name} as ${here}.m${index}_${i}`)
  }
  const withs = [
    ...(input === undefined ? [] : [`input as ${printJson(input)}`]),
    ...dataReplaced(test, data),
    ...(now === undefined || mocks.has('time.now_ns') ? [] : [`time.now_ns as ${now}`]),
    ...replaced,
  ]
  const body = `\tx := ${answer}${withs.map((one) => `\n\t\twith ${one}`).join('')}`
  return [...functions, `c${index} := x if {\n${body}\n}`].join('\n\n')
}

/** Whole members of the root. */
function dataReplaced({ data: overrides }: TestCase, data: RegoValue): readonly string[] {
  const next = overrides.reduce((all, { path, value }) => withValue(all, path, value), data)
  const keys = [...new Set(overrides.map(({ path }) => String(path[0])))]
  return keys.map((key) => `data[${JSON.stringify(key)}] as ${printJson(member(next, key) ?? null)}`)
}

function headerFunction(name: string, headers: ReadonlyMap<string, string>): string {
  const all = new RegoObject([...headers].map(([key, value]) => [canonicalHeader(key), value]))
  return `${name}(key) := object.get(${printJson(all)}, key, "")`
}

function mockFunction(name: string, arity: number, answers: readonly MockAnswer[]): string {
  const names = Array.from({ length: arity }, (_, i) => `a${i}`)
  const args = names.join(', ')
  const choices = answers.map(({ args: wanted }, i) => {
    const conditions = (wanted ?? []).flatMap((value, at) => contains(`a${at}`, value))
    return `${i} if {\n\t${['true', ...conditions].join('\n\t')}\n}`
  })
  const given = answers.flatMap(({ answer }, i) =>
    answer.kind === 'value' ? [`${name}(${args}) := ${printJson(answer.value)} if ${name}_which(${args}) == ${i}`] : [],
  )
  const never = `${name}(${args}) := null if ${name}_which(${args}) == -1`
  const which = choices.length === 0 ? '0' : choices.join(' else := ')
  return [`${name}_which(${args}) := ${which}`, ...given, never].join('\n\n')
}

/** Conditions under which what `place` names holds all of `value`. */
function contains(place: string, value: RegoValue): readonly string[] {
  if (value === absent) return []
  if (value instanceof RegoObject)
    return [
      `is_object(${place})`,
      ...value.entries.flatMap(([key, item]) => contains(`${place}[${printJson(key)}]`, item)),
    ]
  if (isArray(value))
    return [`count(${place}) == ${value.length}`, ...value.flatMap((item, i) => contains(`${place}[${i}]`, item))]
  return [`${place} == ${printJson(value)}`]
}

const reference = (path: readonly string[]): string => `data${path.map((key) => `[${JSON.stringify(key)}]`).join('')}`
