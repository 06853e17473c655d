/**
 * A draft through the pipeline of a cycle, on the engine of a server: checked and compiled with the shared modules and
 * data in force, evaluated with a small budget. Effects are refused, outbound connections as well; nothing is kept.
 */
import type { Extension } from '../../extensions/extension.ts'
import { buildPolicy } from '../../sync/build/policy.ts'
import { createEngine } from '../engine/engine.ts'
import type { Outcome } from '../engine/outcome.ts'
import { asEdictError } from '../http/error-body.ts'
import { isFailed, outcomeError } from '../http/outcome-error.ts'
import type { Draft, DraftOutcome, RunDraft } from '../http/routes/dry-run.ts'
import type { Opa } from '../opa/run.ts'
import { isError, type ParsedModule } from '../policy/analysis.ts'
import type { DeclaredPolicy } from '../policy/declared.ts'
import { sha256 } from '../policy/digest.ts'
import { entrypoint } from '../policy/entry.ts'
import type { Readable } from '../policy/readable.ts'
import type { Finding, SourceFile } from '../policy/schema.ts'
import { createJsonReader, defaultLimits } from '../policy/validate.ts'
import type { Store } from '../store/store.ts'
import { goesOutside } from '../testing/stand-ins.ts'
import type { ExplainDraft } from './draft-explain.ts'
import { createReadShared, readableFor } from './draft-shared.ts'

export interface RunDraftOptions {
  readonly store: Pick<Store, 'policies'>
  readonly openOpa: () => Promise<Opa>
  readonly extensions: readonly Extension[]
  readonly budget: number
  /** What each source may use of others. */
  readonly readable: Readable
  readonly explain: ExplainDraft
}

const source = 'draft'
const directory = 'draft'
/** A tenth of what a published policy may take by default. */
const mostUnits = 2_000_000
const limits = { ...defaultLimits, maxRego: 256 * 1024, maxData: 1024 * 1024 }

export const createRunDraft = ({
  store,
  openOpa,
  extensions,
  budget,
  readable,
  explain,
}: RunDraftOptions): RunDraft => {
  const engine = createEngine({
    extensions: extensions.map(keptInside),
    limits: { budget: Math.min(budget, mostUnits), maxWaitMs: 1_000 },
  })
  const readShared = createReadShared(store)

  return async (draft) => {
    const started = performance.now()
    const { signal } = draft
    const tool = await openOpa()
    const json = createJsonReader(limits, 10)
    const rego = fileAt('policy.rego', draft.rego)
    const parse = await tool.parse(draft.rego, { signal })
    const path = parse.ok ? parse.analysis.package : [source, source]
    if (path.length !== 2) return refused([wrongPackage(parse)])
    const shared = await readShared(tool, json)
    const refs = parse.ok ? parse.analysis.refs : []
    const limited = await readableFor({ source, refs, shared, mayRead: draft.mayRead, others: readable })
    const blobs = new Map<string, Uint8Array>()
    const version = await tool.version()
    const built = await buildPolicy(declared(draft, path, rego), undefined, {
      index: shared.index,
      data: shared.data,
      readable: limited,
      opa: tool,
      tool: { version, capabilities: tool.capabilitiesDigest },
      limits,
      json,
      packages: new Map(),
      parsed: async (file) => (file.digest === rego.digest ? parse : undefined),
      takeBlob: async ({ digest, bytes }) => void blobs.set(digest, bytes),
      signal,
    })
    if (built.kind !== 'good') return refused(built.kind === 'refused' ? built.findings : [])
    const compileMs = Math.round(performance.now() - started)
    const data = blobs.get(built.artifact.data) ?? '{}'
    const module = await engine.compile(blobs.get(built.artifact.wasm) ?? new Uint8Array())
    const from = performance.now()
    const ended = await evaluate(() => engine.load({ module, data, entrypoint }), draft)
    const evaluated = { ...ended, compileMs, evaluateMs: rounded(performance.now() - from) }
    const isWanted = draft.explain && ended.error === null
    const explained = isWanted ? await explain(draft, { source, path, shared, readable: limited, data }) : null
    return { findings: built.warnings.map(shown), evaluated, explained }
  }
}

/** A lookup is undefined then; an effect ends the evaluation. */
const keptInside = (extension: Extension): Extension => {
  if (!goesOutside(extension)) return extension
  const impl = (): never => {
    throw new Error('nothing outside is asked or changed in a dry run')
  }
  return { ...extension, impl }
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

type Ended = Pick<NonNullable<DraftOutcome['evaluated']>, 'result' | 'error' | 'cost'>

const evaluate = async (
  load: () => { readonly evaluate: (input: Uint8Array | undefined, request: Draft) => Outcome | Promise<Outcome> },
  draft: Draft,
): Promise<Ended> => {
  try {
    const outcome = await load().evaluate(draft.input, draft)
    if (isFailed(outcome)) return { result: null, error: said(outcomeError(outcome, 'the input')), cost: null }
    const result = outcome.kind === 'value' ? Buffer.from(outcome.json).toString() : null
    return { result, error: null, cost: outcome.cost }
  } catch (error) {
    return { result: null, error: said(asEdictError(error)), cost: null }
  }
}

const said = ({ code, message, errors }: ReturnType<typeof asEdictError>): NonNullable<Ended['error']> => {
  const [first] = errors ?? []
  const place = first?.location === undefined ? '' : ` (line ${first.location.row})`
  return { code, message: first === undefined ? message : `${message}: ${first.message}${place}` }
}

const fileAt = (name: string, text: string): SourceFile => ({
  path: `${directory}/${name}`,
  text,
  digest: sha256(text),
})

const declared = (draft: Draft, [group = '', name = '']: readonly string[], rego: SourceFile): DeclaredPolicy => ({
  ...{ key: `${group}/${name}/0`, source, commit: '', author: null, group, name, version: '0', directory },
  rego: [rego],
  tests: [],
  data: draft.data === null ? null : fileAt('data.json', draft.data),
  sideFiles: [],
  findings: [],
})

const refused = (findings: readonly Finding[]): DraftOutcome => {
  const unique = new Map(findings.map((finding) => [JSON.stringify(shown(finding)), shown(finding)]))
  const sorted = [...unique.values()].toSorted((a, b) => Number(isError(b)) - Number(isError(a)))
  return { findings: sorted, evaluated: null, explained: null }
}

/** A draft has no commit, and its files no folder. */
const shown = (finding: Finding): Finding => {
  const { code, severity, message, line, column, file } = finding
  return {
    ...{ code, severity, message, source: finding.source },
    ...(file !== undefined && { file: file.replace(`${directory}/`, '') }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  }
}

const wrongPackage = (parse: ParsedModule): Finding => ({
  code: 'wrong_package',
  severity: 'error',
  message: 'the package of a policy has two parts, its group and its name: package example.hello',
  source,
  file: 'policy.rego',
  line: parse.ok ? parse.analysis.packageLine : 1,
  column: 1,
})
