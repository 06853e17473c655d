/** What a policy may do, by the source that it comes from. One Outbound per source: connections and responses are kept by it. */
import type { Config } from './config.ts'
import type { PolicySettings } from './engine/decision.ts'
import type { PolicyMeta } from './policy/schema.ts'

export interface PrintLog {
  readonly info: (fields: object, message: string) => void
}

export type SettingsOf = (policy: Pick<PolicyMeta, '_id' | 'repository'>) => PolicySettings

export const createSettings = (
  { evaluation, sources, log: { print } }: Pick<Config, 'evaluation' | 'sources' | 'log'>,
  log: PrintLog,
): SettingsOf => {
  const own = new Map(sources.map(({ name, strict, outbound }) => [name, { strict, outbound }]))
  return ({ _id: policy, repository }) => ({
    strict: own.get(repository)?.strict ?? evaluation.strict,
    outbound: own.get(repository)?.outbound ?? evaluation.outbound,
    print: print ? ({ text, rule }) => log.info({ repository, policy, rule }, text) : undefined,
  })
}
