/** What runs the tests of policies, as the configuration has it. */
import type { Extension } from '../../extensions/extension.ts'
import type { Config } from '../config.ts'
import { createTester, type Tester } from '../testing/tester.ts'

export const testerOf = (config: Config, extensions: readonly Extension[]): Tester => {
  const { maxDepth, budget, maxMemory: memory } = config.limits
  const sources = new Map(config.sources.map((source) => [source.name, source]))
  return createTester({
    extensions,
    limits: { maxDepth, budget, memory, maxWaitMs: config.evaluation.maxWaitMs },
    off: new Set(config.sources.filter(({ tests }) => tests === false).map(({ name }) => name)),
    isStrict: (source) => sources.get(source)?.strict ?? config.evaluation.strict,
  })
}
