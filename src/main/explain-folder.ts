/** Explanations over a directory of policies, as it stands: no store and no server, and nothing is written but opa's cache. */
import { join, resolve } from 'node:path'
import { createDirectorySource } from '../../sync/sources/directory-source.ts'
import { SourceError } from '../../sync/sources/source.ts'
import type { DirectorySourceConfig } from '../config.ts'
import { defaultName } from '../config/sources.ts'
import { EdictError } from '../errors.ts'
import type { Asked } from '../explain/explainer.ts'
import { planSubject } from '../explain/subject.ts'
import type { Explanation } from '../explain/view.ts'
import { createLog } from '../log.ts'
import { createSettings } from '../policy-settings.ts'
import { artifactData } from '../policy/artifact.ts'
import { compose, type Composition } from '../policy/compose.ts'
import type { SharedData } from '../policy/packages.ts'
import { shipped } from '../policy/rbac.ts'
import { readableOf } from '../policy/readable.ts'
import type { PolicyKey } from '../policy/schema.ts'
import { createJsonReader, defaultLimits } from '../policy/validate.ts'
import { cacheFolder } from '../tools/cache-folder.ts'
import { allExtensions, type RunOptions } from './deployment.ts'
import { createExplainTool } from './explain.ts'
import { scopesOf } from './sync.ts'

export interface ExplainFolderOptions extends RunOptions {
  readonly directory: string
  readonly policy: string
  readonly asked: Asked
}

export const explainInFolder = async (options: ExplainFolderOptions): Promise<Explanation> => {
  const { config, env, policy: key, asked } = options
  const source = sourceOf(options)
  const composition = await composed(source, options)
  const policy = composition.policies.get(key as PolicyKey)
  if (policy === undefined)
    throw new EdictError('policy_not_found', `There is no policy ${key} in ${options.directory}.`)
  const dataDir = join(cacheFolder(env), 'explain')
  const { openOpa, explain } = createExplainTool({ ...options, extensions: await allExtensions(options), dataDir })
  const { parse } = await openOpa()
  const plan = await planSubject({
    policy,
    candidates: [...composition.modules.values()].flatMap(({ source: owner, id, file }) =>
      file === null ? [] : [{ source: owner, id, package: null, read: async () => file }],
    ),
    data: sharedData(composition),
    readable: readableOf(scopesOf(config), config.libraries),
    parse,
  })
  const data = artifactData(policy, plan)
  if (!data.ok)
    throw new EdictError('policy_invalid', `${key}: its data and shared data overlap at ${data.path.join('.')}`)
  const { strict, limits } = createSettings(config, { info: () => undefined })({ _id: key, repository: source.name })
  return explain(
    { home: [policy.group, policy.name], files: plan.files, data: data.text, settings: { strict, limits } },
    asked,
  )
}

/** The source that the configuration has for this directory, so that its settings hold here, too. */
const sourceOf = ({ config, directory: written }: ExplainFolderOptions): DirectorySourceConfig => {
  const directory = resolve(written)
  const known = config.sources.find((source) => source.kind === 'directory' && source.directory === directory)
  if (known?.kind === 'directory') return known
  return { kind: 'directory', name: defaultName(directory), directory, intervalMs: 60_000, webhookSecret: null }
}

const composed = async (
  source: DirectorySourceConfig,
  { config, signal }: ExplainFolderOptions,
): Promise<Composition> => {
  try {
    const fragment = await createDirectorySource(source, { log: createLog(config) }).load({ signal })
    return compose({ fragments: [fragment], scopes: scopesOf(config), defaults: shipped })
  } catch (error) {
    if (error instanceof SourceError) throw new EdictError('source_unavailable', error.message)
    throw error
  }
}

/** What is no JSON object is left out: `edict policy validate` tells of it. */
const sharedData = ({ data }: Composition): readonly SharedData[] => {
  const json = createJsonReader(defaultLimits)
  return [...data.values()].flatMap(({ source, commit, author, id, at, file }) => {
    if (file === null) return []
    const { verdict, tree } = json(file)
    return verdict.ok && verdict.kind === 'object' ? [{ source, commit, author, id, at, file, tree: tree() }] : []
  })
}
