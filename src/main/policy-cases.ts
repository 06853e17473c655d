/** The cases of a directory's tests files, evaluated one by one: for commands that ask more than whether they hold. */
import { compareText } from '../policy/analysis.ts'
import type { Config } from '../config.ts'
import { createRunner, type Evaluated } from '../testing/runner.ts'
import type { TestCase } from '../testing/test-case.ts'
import { parseTests } from '../testing/test-file.ts'
import type { PolicyFolder } from './policy-folder.ts'
import { testLimits, strictOf } from './tester.ts'

export interface EvaluatedCase {
  readonly test: TestCase
  /** What came, of each time it was evaluated. */
  readonly evaluated: readonly [Evaluated, ...Evaluated[]]
}

export interface EvaluatedPolicy {
  readonly key: string
  readonly file: string
  readonly text: string
  readonly cases: readonly EvaluatedCase[]
}

export interface EvaluateCases {
  readonly folder: PolicyFolder
  readonly config: Config
  /** Whether a case is wanted, and for how many microseconds it is evaluated again. */
  readonly wanted?: (key: string, name: string) => boolean
  readonly forMicroseconds?: number
}

const mostRounds = 10_000

export async function* evaluateCases(options: EvaluateCases): AsyncGenerator<EvaluatedPolicy> {
  const { folder, config, wanted = () => true, forMicroseconds = 0 } = options
  const runner = createRunner({ extensions: folder.extensions, limits: testLimits(config) })
  const mockable = new Set(folder.extensions.map(({ name }) => name))
  const subjects = [...folder.subjects.values()].toSorted((a, b) => compareText(a.key, b.key))
  for (const { key, source, policy, cases: file } of subjects) {
    const strict = strictOf(config, source)
    const parsed = file === null ? null : parseTests(file.text, { mockable: (name) => mockable.has(name), strict })
    if (file === null || parsed?.ok !== true) continue
    const tests = parsed.cases.filter(({ name }) => wanted(key, name))
    const run = await runner.open(policy, new Set(tests.flatMap(({ mocks }) => [...mocks.keys()])))
    const cases: EvaluatedCase[] = []
    for (const test of tests) {
      const evaluated: [Evaluated, ...Evaluated[]] = [await run(test)]
      for (let spent = 0; spent < forMicroseconds && evaluated.length < mostRounds;) {
        const next = await run(test)
        spent += next.microseconds
        evaluated.push(next)
      }
      cases.push({ test, evaluated })
    }
    yield { key, file: file.path, text: file.text, cases }
  }
}
