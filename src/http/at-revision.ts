/**
 * Decisions by what an earlier revision held: the very contract of `decide` and of batches, over a registry that knows one
 * policy as it was. The lock is the present one: who locks a policy locks its past, too.
 */
import type { PolicyKey, PolicyMeta } from '../policy/schema.ts'
import type { Archive } from '../registry/archive.ts'
import type { PolicyEntry } from '../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../registry/registry.ts'
import { type Batch, type BatchRequest, createOpenBatch, type OpenBatchOptions } from './batch/open-batch.ts'
import { type Answer, createDecide, type EvaluationRequest } from './decide.ts'

/** Reject with `revision_gone`, `not_found`, and what a batch is refused for. */
export interface AtRevision {
  readonly decide: (revision: number, request: EvaluationRequest) => Promise<Answer>
  readonly openBatch: (revision: number, request: BatchRequest) => Promise<Batch>
}

export interface AtRevisionOptions extends Omit<OpenBatchOptions, 'registry'> {
  readonly registry: Pick<Registry, 'lock' | 'state'>
  readonly archive: Archive
  /** null: it was not there. */
  readonly policyAt: (revision: number, key: PolicyKey) => Promise<PolicyMeta | null>
}

type PastRegistry = OpenBatchOptions['registry']

export const createAtRevision = (options: AtRevisionOptions): AtRevision => {
  const { registry, archive, policyAt } = options

  const pastOf = async (revision: number, { repository, group, name, version }: PolicyName): Promise<PastRegistry> => {
    const key: PolicyKey = `${group}/${name}/${version}`
    const meta = await policyAt(revision, key)
    const isThere = meta !== null && (repository === undefined || meta.repository === repository)
    const entry: PolicyEntry | undefined = isThere
      ? {
          key,
          meta,
          get lock() {
            return registry.lock(key)
          },
        }
      : undefined
    return {
      state: registry.state,
      find: () => entry,
      entry: () => entry,
      acquire: () => archive.load(entry?.meta ?? missing(key)),
    }
  }

  return {
    decide: async (revision, request) =>
      createDecide({ ...options, registry: await pastOf(revision, request) })(request),
    openBatch: async (revision, request) =>
      createOpenBatch({ ...options, registry: await pastOf(revision, request) })(request),
  }
}

/** `find` has answered already that there is none. */
const missing = (key: PolicyKey): never => {
  throw new Error(`${key} was not there`)
}
