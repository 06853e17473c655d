/**
 * The documents under `data` that OPA's API answers with: of shared packages, of a policy's newest version, and shared data.
 * A path belongs to the longest shared package above it, else to the policy `group/name`; above packages it is what lies
 * below, merged. Each evaluation is a decision like any other: locks, metrics, decision log. Rejects with an EdictError.
 */
import { LRUCache } from 'lru-cache'
import type { RequestContext } from '../../../extensions/extension.ts'
import { EdictError } from '../../errors.ts'
import type { DataPath } from '../../policy/paths.ts'
import type { Entry, Instance } from '../../registry/policy-entry.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Admission } from '../admit.ts'
import { asEdictError } from '../error-body.ts'
import type { DecisionLog } from '../decision-log.ts'
import type { DecisionMetrics, DecisionOutcome } from '../metrics.ts'
import { costOf, countedAs, isFailed, outcomeError } from '../outcome-error.ts'
import { jsonAt, mergeJson, nest } from './json-bytes.ts'

export interface DocumentRequest extends RequestContext {
  readonly path: DataPath
  /** Of a policy; its newest when not given. */
  readonly version: string | undefined
  /** undefined: the input is undefined. */
  readonly input: Uint8Array | undefined
  readonly id: string
  readonly requestId: string | undefined
  readonly rawHeaders: readonly string[]
}

/** JSON, or undefined. */
export type ReadDocument = (request: DocumentRequest) => Promise<Uint8Array | undefined>

export interface DocumentsOptions {
  readonly registry: Pick<Registry, 'acquire' | 'catalog' | 'entry' | 'find' | 'state'>
  readonly admission: Admission
  readonly readBlob: (digest: string) => Promise<Uint8Array>
  readonly metrics: DecisionMetrics
  readonly decisionLog?: DecisionLog | undefined
}

/** An evaluation whose document, from `rest` on, stands at `nested` under the path that was asked for. */
interface Part {
  readonly entry: Entry
  readonly rest: DataPath
  readonly nested: DataPath
}

const emptyObject = Buffer.from('{}')

export const createDocuments = (options: DocumentsOptions): ReadDocument => {
  const { registry, admission, readBlob, metrics, decisionLog } = options
  const shared = new LRUCache<string, Uint8Array>({ max: 2 })

  const entryOf = (key: string): Entry => {
    const entry = registry.entry(key)
    if (entry === undefined) throw new EdictError('policy_not_found', `${key} was removed`)
    return entry
  }

  const partsOf = ({ path, version }: DocumentRequest): readonly Part[] => {
    const { catalog } = registry
    const found = catalog.packageAt(path)
    const below = catalog.packagesBelow(path).filter(({ _id }) => _id !== found?._id)
    const policy = found === undefined && below.length === 0 ? policyAt(path, version) : undefined
    if (policy !== undefined) return [{ entry: policy, rest: path.slice(2), nested: [] }]
    const parts = below.map(({ _id, path: at }) => ({ entry: entryOf(_id), rest: [], nested: at.slice(path.length) }))
    return found === undefined
      ? parts
      : [{ entry: entryOf(found._id), rest: path.slice(found.path.length), nested: [] }, ...parts]
  }

  const policyAt = ([group, name]: DataPath, version: string | undefined): Entry | undefined => {
    if (group === undefined || name === undefined) return undefined
    const newest = registry.catalog.newest(group, name)
    if (newest === undefined || version === undefined) return newest && entryOf(newest._id)
    const entry = registry.find({ group, name, version })
    if (entry === undefined) throw new EdictError('policy_not_found', `no policy ${group}/${name}/${version}`)
    return entry
  }

  const evaluate = async ({ key }: Entry, request: DocumentRequest): Promise<Uint8Array | undefined> => {
    const started = performance.now()
    const check = (): Entry => {
      const entry = entryOf(key)
      admission.check(entry)
      return entry
    }
    let instance: Instance | undefined
    const record = (outcome: DecisionOutcome, status: number, cost = 0): void => {
      const ms = performance.now() - started
      metrics.decision(key, { outcome, seconds: ms / 1000, cost })
      const logged = { ...request, body: request.input ?? new Uint8Array(), policy: key }
      decisionLog?.({ request: logged, id: request.id, outcome, status, ms, cost, meta: instance?.meta })
    }
    try {
      instance = await registry.acquire(check())
      check()
      const outcome = await instance.evaluate(request.input, request, { mayStart: () => void check() })
      if (isFailed(outcome)) throw outcomeError(outcome)
      record(outcome.kind, 200, costOf(outcome))
      return outcome.kind === 'value' ? outcome.json : undefined
    } catch (thrown) {
      const error = asEdictError(thrown)
      record(countedAs(error), error.status)
      throw error
    }
  }

  const sharedData = async (): Promise<Uint8Array | undefined> => {
    const digest = registry.catalog.sharedData()
    if (digest === null) return undefined
    const known = shared.get(digest)
    if (known !== undefined) return known
    const read = await readBlob(digest)
    shared.set(digest, read)
    return read
  }

  return async (request) => {
    admission.answers()
    const found: Uint8Array[] = []
    for (const { entry, rest, nested } of partsOf(request)) {
      // oxlint-disable-next-line no-await-in-loop
      const document = await evaluate(entry, request)
      const at = document && jsonAt(document, rest)
      if (at !== undefined) found.push(nest(nested, at))
    }
    // Data never lies at or below a package: there is nothing to look for in what may be many megabytes.
    const root = registry.catalog.packageAt(request.path) === undefined ? await sharedData() : undefined
    const data = root && jsonAt(root, request.path)
    const [first, ...others] = data === undefined ? found : [...found, data]
    if (first === undefined) return request.path.length === 0 ? emptyObject : undefined
    return mergeJson([first, ...others])
  }
}
