/** Why a draft decides as it does, and the lines that it came to: as an explanation of what is published, of nothing stored. */
import type { Extension } from '../../extensions/extension.ts'
import { createExplainer } from '../explain/explainer.ts'
import { planSubject } from '../explain/subject.ts'
import type { EngineLimits } from '../engine/limits.ts'
import type { Draft, DraftOutcome } from '../http/routes/dry-run.ts'
import type { Opa } from '../opa/run.ts'
import type { Readable } from '../policy/readable.ts'
import { sha256 } from '../policy/digest.ts'
import type { Shared } from './draft-shared.ts'

export interface DraftExplainOptions {
  /** Declares what explanations call. */
  readonly openOpa: () => Promise<Opa>
  readonly extensions: readonly Extension[]
  readonly limits: Partial<EngineLimits>
}

export interface Compiled {
  readonly source: string
  /** Its package. */
  readonly path: readonly string[]
  readonly shared: Shared
  readonly readable: Readable
  /** JSON: the root of `data`. */
  readonly data: Uint8Array | string
}

/** Of a draft that compiles. Rejects with `too_many_requests`, `policy_invalid`, `tool_unavailable`. */
export type ExplainDraft = (draft: Draft, compiled: Compiled) => Promise<NonNullable<DraftOutcome['explained']>>

const file = 'policy.rego'

export const createDraftExplainer = ({ openOpa, extensions, limits }: DraftExplainOptions): ExplainDraft => {
  const explain = createExplainer({ openOpa, extensions, limits })
  return async ({ rego, input, headers, signal }, { source, path, shared, readable, data }) => {
    const opa = await openOpa()
    const [group = '', name = ''] = path
    const { files } = await planSubject({
      policy: { source, group, name, rego: [{ path: file, digest: sha256(rego), text: rego }] },
      candidates: shared.candidates,
      readable,
      parse: (text) => opa.parse(text, { signal }),
    })
    const subject = { home: path, files, data, settings: { strict: false } }
    const asked = { input, headers, rule: undefined, coverage: true, signal }
    const { coverage = [], ...explanation } = await explain(subject, asked)
    const lines = coverage.find((one) => one.file === file)
    return { explanation, coverage: lines ?? null }
  }
}
