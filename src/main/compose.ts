/** `edict compose`: what the sources declare together, without a store and without compiling anything. */
import { createFileSource } from '../../sync/sources/create-source.ts'
import { SourceError } from '../../sync/sources/source.ts'
import { compareText } from '../policy/analysis.ts'
import { compose } from '../policy/compose.ts'
import { ownership } from '../policy/ownership.ts'
import { shipped } from '../policy/rbac.ts'
import type { Finding, Fragment } from '../policy/schema.ts'
import { EdictError } from '../errors.ts'
import { createLog } from '../log.ts'
import type { RunOptions } from './deployment.ts'
import { scopesOf } from './sync.ts'

export interface Composed {
  readonly sources: readonly { readonly name: string; readonly commit: string; readonly revision: string }[]
  /** By key: `policy:…`, `module:…`, `data:…`. */
  readonly owners: Readonly<Record<string, readonly { readonly source: string; readonly file: string }[]>>
  readonly conflict: boolean
  readonly findings: readonly Finding[]
}

export const runCompose = async (options: RunOptions): Promise<Composed> => {
  const { config } = options
  const fragments = await loadAll(options)
  const composition = compose({ fragments, scopes: scopesOf(config), defaults: shipped })
  const index = ownership(composition, [])
  return {
    sources: fragments.map(({ source: name, commit, revision }) => ({ name, commit, revision })),
    owners: Object.fromEntries(
      [...index].map(([key, owners]) => [key, owners.map(({ source, file }) => ({ source, file }))]),
    ),
    conflict: composition.conflict,
    findings: composition.findings,
  }
}

const loadAll = async ({ config, env, signal }: RunOptions): Promise<readonly Fragment[]> => {
  const log = createLog(config)
  const written = config.sources.filter((source) => source.kind !== 'api')
  if (written.length === 0)
    throw new EdictError('config_invalid', 'There is nothing to compose: name directories, or configure sources.')
  const sources = written.map((source) => createFileSource(source, { dataDir: config.dataDir, log, env }))
  const load = async (source: (typeof sources)[number]): Promise<Fragment> => {
    try {
      return await source.load({ signal })
    } catch (error) {
      if (error instanceof SourceError) throw new EdictError('source_unavailable', error.message)
      throw error
    }
  }
  return (await Promise.all(sources.map(load))).toSorted((a, b) => compareText(a.source, b.source))
}
