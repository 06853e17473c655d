/**
 * Tests one compiled policy: its tests file and its test rules. The same artifact with the same tests is not run again by
 * this process.
 */
import { LRUCache } from 'lru-cache'
import type { Extension } from '../../extensions/extension.ts'
import type { EngineLimits } from '../engine/limits.ts'
import { EdictError } from '../errors.ts'
import { findingOf, type Origin, type RegoFile } from '../policy/analysis.ts'
import { digestOf, sha256 } from '../policy/digest.ts'
import type { Finding, SourceFile } from '../policy/schema.ts'
import type { RegoTest } from './rego-tests.ts'
import { createRunner, type Compiled } from './runner.ts'
import { parseTests } from './test-file.ts'
import { todoText, type TestResult } from './test-result.ts'
import type { YamlProblem } from './yaml-file.ts'

export interface TestSubject {
  /** `group/name/version`, or `module:<id>`. */
  readonly key: string
  readonly source: string
  /** Names what is tested: the policy's artifact. */
  readonly digest: string
  readonly policy: Compiled
  /** What was compiled, its tests included, but for the generated entry. */
  readonly files: readonly RegoFile[]
  /** The package that is answered. */
  readonly packagePath: readonly string[]
  readonly cases: SourceFile | null
  /** Test rules, and what they were compiled to. */
  readonly rules: { readonly tests: readonly RegoTest[]; readonly compiled: Compiled } | null
}

export interface Tested {
  readonly results: readonly TestResult[]
  /** What is wrong with the tests file. */
  readonly problems: readonly (YamlProblem & { readonly file: string })[]
}

export interface Tester {
  /** Policies of this source are tested. */
  readonly isOn: (source: string) => boolean
  readonly test: (subject: TestSubject) => Promise<Tested>
}

export interface TesterOptions {
  readonly extensions: readonly Extension[]
  readonly limits?: Partial<EngineLimits>
  /** Sources whose policies are published untested. */
  readonly off?: ReadonlySet<string>
  /** Sources where a failing builtin ends the evaluation. */
  readonly isStrict?: (source: string) => boolean
}

const none: Tested = { results: [], problems: [] }

/** Tests are compiled, and none is run. */
export const checkingTester: Tester = { isOn: () => true, test: async () => none }

export function createTester(options: TesterOptions): Tester {
  const { extensions, limits, off = new Set(), isStrict = () => false } = options
  const runner = createRunner({ extensions, limits })
  const names = new Set(extensions.map(({ name }) => name))
  const known = new LRUCache<string, Promise<Tested>>({ max: 5_000 })

  async function run({ source, policy, cases, rules }: TestSubject): Promise<Tested> {
    const ofRules = rules === null ? [] : await runner.runRules(rules.compiled, rules.tests)
    if (cases === null) return { ...none, results: ofRules }
    const { path, text } = cases
    const parsed = parseTests(text, { mockable: (name) => names.has(name), strict: isStrict(source) })
    if (!parsed.ok)
      return { results: ofRules, problems: parsed.problems.map((problem) => ({ ...problem, file: path })) }
    return { results: [...(await runner.runCases(policy, parsed.cases, path)), ...ofRules], problems: [] }
  }

  return {
    isOn: (source) => !off.has(source),
    test: (subject) => {
      if (subject.cases === null && subject.rules === null) return Promise.resolve(none)
      const key = keyOf(subject)
      const before = known.get(key)
      if (before !== undefined) return before
      const running = run(subject).catch(refused(subject))
      known.set(key, running)
      running.catch(() => known.delete(key))
      return running
    },
  }
}

function keyOf({ source, digest, cases, rules }: TestSubject): string {
  return digestOf([
    ['artifact', source, digest],
    ...(cases === null ? [] : [['cases', cases.path, cases.digest]]),
    ...(rules === null ? [] : [['rules', sha256(rules.compiled.wasm), sha256(rules.compiled.data)]]),
  ])
}

/** The engine cannot load what was compiled: no replica could. */
function refused({ cases, rules }: TestSubject): (error: unknown) => Tested {
  const file = cases?.path ?? rules?.tests[0]?.file ?? ''
  return (error) => {
    if (!(error instanceof EdictError)) throw error
    return { results: [], problems: [{ file, line: 1, column: 1, message: error.message }] }
  }
}

/** What keeps a policy from being published, and what was left out. */
export function testFindings(origin: Origin, { results, problems }: Tested): readonly Finding[] {
  return [
    ...problems.map(({ message, ...place }) => findingOf(origin, 'invalid_tests', message, place)),
    ...results.flatMap(({ status, name, message, file, line, column }) => {
      const place = { file, line, column }
      if (status === 'failed') return [findingOf(origin, 'test_failed', `${name}: ${message}`, place)]
      if (status === 'passed' || message === todoText) return []
      return [findingOf(origin, 'test_skipped', `${name}: ${message}`, { ...place, severity: 'warning' as const })]
    }),
  ]
}
