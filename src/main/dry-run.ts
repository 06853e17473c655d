/**
 * A draft through the pipeline of a cycle, on the engine of a server: checked and compiled with the shared modules and
 * data in force, evaluated with a small budget. Effects are refused, outbound connections as well; nothing is kept.
 */
import { LRUCache } from 'lru-cache'
import type { Extension } from '../../extensions/extension.ts'
import { buildPolicy, type PolicyStage } from '../../sync/build-policy.ts'
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
import { indexPackages, type SharedData, type SharedModule } from '../policy/packages.ts'
import type { Finding, ModuleDocument, SourceFile } from '../policy/schema.ts'
import { createJsonReader, defaultLimits, type JsonReader } from '../policy/validate.ts'
import type { Store } from '../store/store.ts'

export interface DryRunOptions {
  readonly store: Pick<Store, 'policies'>
  /** Opened when the first draft comes. */
  readonly openOpa: () => Promise<Opa>
  readonly extensions: readonly Extension[]
  readonly budget: number
}

const source = 'draft'
const directory = 'draft'
/** A tenth of what a published policy may take by default. */
const mostUnits = 2_000_000
const limits = { ...defaultLimits, maxRego: 256 * 1024, maxData: 1024 * 1024 }

export const createDryRun = ({ store, openOpa, extensions, budget }: DryRunOptions): RunDraft => {
  const engine = createEngine({
    extensions: extensions.filter(({ kind }) => kind !== 'effect'),
    limits: { budget: Math.min(budget, mostUnits), maxWaitMs: 1_000 },
  })
  const parses = new LRUCache<string, Promise<ParsedModule>>({ max: 2_000 })
  let opening: Promise<Opa> | undefined
  const opa = (): Promise<Opa> => {
    opening ??= openOpa()
    opening.catch(() => (opening = undefined))
    return opening
  }

  const shared = async (tool: Opa, json: JsonReader): Promise<Pick<PolicyStage, 'index' | 'data'>> => {
    const { items } = await store.policies.modules()
    const files = await Promise.all(items.map((document) => fileOf(store, document)))
    const modules = await Promise.all(files.map((one) => moduleOf(one, (file) => parsed(tool, file))))
    const data = files.flatMap((one) => dataOf(one, json))
    return { index: indexPackages(modules.flat()), data }
  }

  const parsed = (tool: Opa, { text, digest }: SourceFile): Promise<ParsedModule> => {
    const known = parses.get(digest)
    if (known !== undefined) return known
    const parsing = tool.parse(text)
    parses.set(digest, parsing)
    parsing.catch(() => parses.delete(digest))
    return parsing
  }

  return async (draft) => {
    const started = performance.now()
    const tool = await opa()
    const json = createJsonReader(limits, 10)
    const rego = fileAt('policy.rego', draft.rego)
    const parse = await parsed(tool, rego)
    const path = parse.ok ? parse.analysis.package : [source, source]
    if (path.length !== 2) return refused([wrongPackage(parse)])
    const blobs = new Map<string, Uint8Array>()
    const version = await tool.version()
    const built = await buildPolicy(declared(draft, path, rego), undefined, {
      ...(await shared(tool, json)),
      opa: tool,
      tool: { version, capabilities: tool.capabilitiesDigest },
      limits,
      json,
      packages: new Map(),
      parsed: (file) => parsed(tool, file),
      takeBlob: async ({ digest, bytes }) => void blobs.set(digest, bytes),
      signal: draft.signal,
    })
    if (built.kind !== 'good') return refused(built.kind === 'refused' ? built.findings : [])
    const compileMs = performance.now() - started
    const wasm = blobs.get(built.artifact.wasm) ?? new Uint8Array()
    const data = blobs.get(built.artifact.data) ?? '{}'
    const module = await engine.compile(wasm)
    const from = performance.now()
    const ended = await evaluate(() => engine.load({ module, data, entrypoint }), draft)
    const times = { compileMs: Math.round(compileMs), evaluateMs: rounded(performance.now() - from) }
    return { findings: built.warnings.map(shown), evaluated: { ...ended, ...times } }
  }
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
  return { findings: [...unique.values()].toSorted((a, b) => Number(isError(b)) - Number(isError(a))), evaluated: null }
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

interface Stored {
  readonly document: ModuleDocument
  readonly file: SourceFile
}

const fileOf = async (store: DryRunOptions['store'], document: ModuleDocument): Promise<Stored> => {
  const text = await store.policies.readText(document.text)
  return { document, file: { path: document.path, digest: document.digest, text } }
}

const originOf = ({ repository, commit, author, id }: ModuleDocument) => ({ source: repository, commit, author, id })

const moduleOf = async (
  { document, file }: Stored,
  parse: (file: SourceFile) => Promise<ParsedModule>,
): Promise<readonly SharedModule[]> => {
  if (document.kind !== 'module') return []
  const result = await parse(file)
  return result.ok ? [{ ...originOf(document), file, analysis: result.analysis }] : []
}

const dataOf = ({ document, file }: Stored, json: JsonReader): readonly SharedData[] => {
  if (document.kind !== 'data') return []
  const at = document.id === '' ? [] : document.id.split('/')
  return [{ ...originOf(document), at, file, tree: json(file).tree() }]
}
