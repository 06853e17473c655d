/** Explanations over what is stored: the policy's texts and the modules it reaches, compiled by an opa that is opened when it is first needed. */
import { join } from 'node:path'
import type { Extension } from '../../extensions/extension.ts'
import { openCompiler } from '../compiler.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { createExplainer, type Subject } from '../explain/explainer.ts'
import { probeBuiltins } from '../explain/host.ts'
import { planSubject, type Candidate } from '../explain/subject.ts'
import type { ExplainPolicy } from '../http/routes/explain.ts'
import type { CachedOpa } from '../opa/cached.ts'
import { createSettings } from '../policy-settings.ts'
import { sha256 } from '../policy/digest.ts'
import { readableOf } from '../policy/readable.ts'
import type { PolicyDocument, SourceFile } from '../policy/schema.ts'
import type { Store } from '../store/store.ts'
import type { Environment } from '../tools/cache-folder.ts'
import { scopesOf } from './sync.ts'

export interface ExplainToolOptions {
  readonly config: Config
  readonly extensions: readonly Extension[]
  readonly env: Environment
  /** Where opa's results are kept. */
  readonly dataDir: string
  readonly print: (line: string) => void
  readonly signal: AbortSignal
}

const MB = 2 ** 20
const bounds = { concurrency: 2, timeoutMs: 20_000, memoryMb: 512, maxOutput: 64 * MB }

const onlyDeclared = (): never => {
  throw new EdictError('internal_error', 'nothing is explained now')
}

/** opa and the explainer that uses it. Opening is tried again when it failed. */
export const createExplainTool = (options: ExplainToolOptions) => {
  const { config, extensions, dataDir, ...rest } = options
  let opened: Promise<CachedOpa> | undefined
  const openOpa = (): Promise<CachedOpa> => {
    opened ??= openCompiler({ ...rest, dataDir, bounds, extensions: [...extensions, ...probeBuiltins(onlyDeclared)] })
    opened.catch(() => (opened = undefined))
    return opened
  }
  const { maxDepth, budget, maxMemory: memory } = config.limits
  return { openOpa, explain: createExplainer({ openOpa, extensions, limits: { maxDepth, budget, memory } }) }
}

export const createPolicyExplainer = ({
  store,
  ...options
}: Omit<ExplainToolOptions, 'dataDir'> & { readonly store: Store }): ExplainPolicy => {
  const { config } = options
  const { openOpa, explain } = createExplainTool({ ...options, dataDir: join(config.dataDir, 'explain') })
  const settingsOf = createSettings(config, { info: () => undefined })
  const readable = readableOf(scopesOf(config), config.libraries)

  const subjectOf = async (policy: PolicyDocument): Promise<Subject> => {
    const { group, name, repository, artifact } = policy
    if (artifact === null) throw new EdictError('policy_quarantined', `${policy._id} has no good version yet`)
    const { parse } = await openOpa()
    const { strict, limits } = settingsOf(policy)
    const plan = await planSubject({
      policy: { source: repository, group, name, rego: await regoOf(store, policy) },
      candidates: await candidatesOf(store),
      readable,
      parse,
    })
    return {
      home: [group, name],
      files: plan.files,
      data: await store.blobs.get(artifact.data),
      settings: { strict, limits },
    }
  }

  return async (key, asked, mayStart) => {
    const policy = await store.policies.get(key)
    if (policy === null) throw new EdictError('policy_not_found', `no policy ${key}`)
    const subject = await subjectOf(policy)
    const { repository, commit, digest, revision } = policy
    return { policy: key, repository, commit, digest, revision, ...(await explain(subject, { ...asked, mayStart })) }
  }
}

const isModule = (path: string): boolean => path.endsWith('.rego') && !path.endsWith('_test.rego')

const regoOf = async (store: Store, { _id, rego, files }: PolicyDocument): Promise<readonly SourceFile[]> => {
  const own = [{ path: 'policy.rego', text: rego }, ...files.filter(({ path }) => isModule(path))]
  return Promise.all(
    own.map(async (file) => {
      const text = await store.policies.readText(file.text)
      return { path: `${_id}/${file.path}`, digest: sha256(text), text }
    }),
  )
}

const candidatesOf = async (store: Store): Promise<readonly Candidate[]> => {
  const { items } = await store.policies.modules()
  return items
    .filter(({ kind }) => kind === 'module')
    .map(({ repository, id, package: path = null, path: file, digest, text }) => ({
      source: repository,
      id,
      package: path,
      read: async () => ({ path: file, digest, text: await store.policies.readText(text) }),
    }))
}
