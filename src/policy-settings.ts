/** What a policy may do and take, by the source that it comes from. One Outbound per source: connections and responses are kept by it. */
import type { Config } from './config.ts'
import { limitsOf } from './config/source-limits.ts'
import type { PolicySettings } from './engine/decision.ts'
import type { PolicyMeta } from './policy/schema.ts'

export interface PrintLog {
  readonly info: (fields: object, message: string) => void
}

export type SettingsOf = (policy: Pick<PolicyMeta, '_id' | 'repository'>) => PolicySettings

export const createSettings = (
  { evaluation, sources, limits, log: { print } }: Pick<Config, 'evaluation' | 'sources' | 'limits' | 'log'>,
  log: PrintLog,
): SettingsOf => {
  const own = new Map(sources.map((source) => [source.name, source]))
  return ({ _id: policy, repository }) => {
    const source = own.get(repository)
    const { budget, maxMemory } = limitsOf(source?.limits ?? {}, policy)
    return {
      strict: source?.strict ?? evaluation.strict,
      outbound: source?.outbound ?? evaluation.outbound,
      print: print ? ({ text, rule }) => log.info({ repository, policy, rule }, text) : undefined,
      limits: { budget: budget ?? limits.budget, memory: maxMemory ?? limits.maxMemory },
    }
  }
}
