/** What runs the tests of policies, as the configuration has it. */
import type { Extension } from '../../extensions/extension.ts'
import type { Config } from '../config.ts'
import type { EngineLimits } from '../engine/limits.ts'
import { place } from '../policy/layout.ts'
import type { Finding, Fragment } from '../policy/schema.ts'
import { parseTests } from '../testing/test-file.ts'
import { createTester, testFindings, type Tester } from '../testing/tester.ts'

export const testLimits = ({ limits, evaluation }: Config): Partial<EngineLimits> => {
  const { maxDepth, budget, maxMemory: memory } = limits
  return { maxDepth, budget, memory, maxWaitMs: evaluation.maxWaitMs }
}

export const strictOf = ({ sources, evaluation }: Config, name: string): boolean =>
  sources.find((source) => source.name === name)?.strict ?? evaluation.strict

/** What is wrong with the tests files of policies, whatever else is wrong with these. */
export const testsFileFindings = (
  { source, commit, author, files }: Fragment,
  { config, extensions }: { readonly config: Config; readonly extensions: readonly Extension[] },
): readonly Finding[] => {
  const names = new Set(extensions.map(({ name }) => name))
  const placed = place(files.map(({ path }) => path))
  return files.flatMap(({ path, text }) => {
    const what = placed.get(path)
    if (what?.kind !== 'policy' || what.role !== 'tests') return []
    const parsed = parseTests(text, { mockable: (name) => names.has(name), strict: strictOf(config, source) })
    const problems = parsed.ok ? [] : parsed.problems.map((problem) => ({ ...problem, file: path }))
    return testFindings({ source, commit, author }, { results: [], problems })
  })
}

export const testerOf = (config: Config, extensions: readonly Extension[]): Tester =>
  createTester({
    extensions,
    limits: testLimits(config),
    off: new Set(config.sources.filter(({ tests }) => tests === false).map(({ name }) => name)),
    isStrict: (source) => strictOf(config, source),
  })
