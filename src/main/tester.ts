/** What runs the tests of policies, as the configuration has it. */
import type { Extension } from '../../extensions/extension.ts'
import type { Config } from '../config.ts'
import type { EngineLimits } from '../engine/limits.ts'
import { createTester, type Tester } from '../testing/tester.ts'

export const testLimits = ({ limits, evaluation }: Config): Partial<EngineLimits> => {
  const { maxDepth, budget, maxMemory: memory } = limits
  return { maxDepth, budget, memory, maxWaitMs: evaluation.maxWaitMs }
}

export const strictOf = ({ sources, evaluation }: Config, name: string): boolean =>
  sources.find((source) => source.name === name)?.strict ?? evaluation.strict

export const testerOf = (config: Config, extensions: readonly Extension[]): Tester =>
  createTester({
    extensions,
    limits: testLimits(config),
    off: new Set(config.sources.filter(({ tests }) => tests === false).map(({ name }) => name)),
    isStrict: (source) => strictOf(config, source),
  })
