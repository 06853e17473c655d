/**
 * The opa CLI as functions: parse, check, build. Each call is one child process in its own empty folder (process.ts,
 * workspace.ts). What is wrong with Rego comes back as data; only a tool that cannot be started is an exception.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseTarGzip } from 'nanotar'
import { EdictError } from '../errors.ts'
import type { ParsedModule, RegoError, RegoFile } from '../policy/analysis.ts'
import type { RegoVersion } from '../policy/schema.ts'
import { sha256 } from '../policy/digest.ts'
import { analyse, type Analysed } from './analyse.ts'
import { readCoverage, type Coverage } from './coverage.ts'
import { isLasting, readErrors, stoppedError } from './errors.ts'
import { runBounded, type Bounds, type Ended } from './process.ts'
import { createQueue } from './queue.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Somebody waits for the answer: it goes before what is not urgent. */
  readonly urgent?: boolean | undefined
}

export type Build =
  | { readonly ok: true; readonly wasm: Uint8Array }
  | { readonly ok: false; readonly errors: readonly RegoError[] }

export interface CoverageQuery {
  readonly files: readonly RegoFile[]
  /** JSON: the root of `data`. */
  readonly data: Uint8Array
  readonly query: string
}

export type Format =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly RegoError[] }

export interface Opa {
  /** Names the declared builtins and features; part of every key under which a result is kept. */
  readonly capabilitiesDigest: string
  readonly version: (options?: CallOptions) => Promise<string>
  /** Rego v1 first, then v0. */
  readonly parse: (text: string, options?: CallOptions) => Promise<ParsedModule>
  /** The AST of a module that parses, with the text of each node; rejects when it does not. */
  readonly tree: (text: string, regoVersion: 0 | 1, options?: CallOptions) => Promise<unknown>
  /** As `opa fmt` writes it. */
  readonly format: (text: string, regoVersion: RegoVersion, options?: CallOptions) => Promise<Format>
  /** Compiles without building; tests may be among the files. `[]`: all is well. */
  readonly check: (files: readonly RegoFile[], options?: CallOptions) => Promise<readonly RegoError[]>
  /** The lines of each file that evaluating a query reaches. Nothing goes outside. */
  readonly coverage: (query: CoverageQuery, options?: CallOptions) => Promise<Coverage>
  /** Entrypoints: paths of rules, `edict/entry/doc`. */
  readonly build: (
    files: readonly RegoFile[],
    entrypoints: string | readonly string[],
    options?: CallOptions,
  ) => Promise<Build>
}

export interface OpaOptions extends Partial<Bounds> {
  /** The binary. */
  readonly path: string
  /** opa's capabilities document. */
  readonly capabilities: object
  /** Child processes at once. */
  readonly concurrency?: number
}

export function createOpa({
  path,
  capabilities,
  concurrency = 2,
  timeoutMs = 30_000,
  memoryMb = 1024,
  maxOutput = 160 * 1024 * 1024,
}: OpaOptions): Opa {
  const capabilitiesText = JSON.stringify(capabilities, withoutProse)
  const offlineText = JSON.stringify({ ...capabilities, allow_net: [] }, withoutProse)
  const queue = createQueue(concurrency)
  const bounds = { timeoutMs, memoryMb, maxOutput }
  const inFolder = <T>({ files, bundle, signal, urgent }: Folder, work: (run: Run) => Promise<T>) =>
    queue(
      async () => {
        const workspace = await createWorkspace(files, bundle ? capabilitiesText : null)
        try {
          return await work({ workspace, call: (args) => start({ path, args, workspace, bounds, signal }) })
        } finally {
          await workspace.remove()
        }
      },
      { signal, urgent },
    )
  let version: Promise<string> | undefined
  return {
    capabilitiesDigest: sha256(capabilitiesText),
    version: ({ signal } = {}) => {
      version ??= inFolder({ files: [], bundle: false, signal }, readVersion)
      version.catch(() => (version = undefined))
      return version
    },
    parse: (text, options = {}) => {
      const files = [{ path: 'module.rego', text, regoVersion: 1 as const }]
      return inFolder({ files, bundle: false, ...options }, (run) => parse(run, text))
    },
    tree: (text, regoVersion, options = {}) => {
      const files = [{ path: 'module.rego', text, regoVersion }]
      return inFolder({ files, bundle: false, ...options }, (run) => tree(run, regoVersion))
    },
    format: (text, regoVersion, options = {}) => {
      const files = [{ path: 'module.rego', text, regoVersion }]
      return inFolder({ files, bundle: false, ...options }, (run) => format(run, regoVersion))
    },
    check: (files, options = {}) => inFolder({ files, bundle: true, ...options }, check),
    coverage: ({ files, data, query }, options = {}) =>
      inFolder({ files, bundle: true, ...options }, async (run) => {
        await writeFile(join(run.workspace.cwd, 'data.json'), data)
        await writeFile(run.workspace.capabilities, offlineText)
        return coverage(run, query)
      }),
    build: (files, entrypoints, options = {}) =>
      inFolder({ files, bundle: true, ...options }, (run) => build(run, [entrypoints].flat(), maxOutput)),
  }
}

/** What is for people makes two thirds of the capabilities, and every check and build reads them. */
function withoutProse(key: string, value: unknown): unknown {
  return key === 'description' || key === 'categories' ? undefined : value
}

interface Folder extends CallOptions {
  readonly files: readonly RegoFile[]
  readonly bundle: boolean
}

interface Run {
  readonly workspace: Workspace
  readonly call: (args: readonly string[]) => Promise<Ended>
}

interface Start {
  readonly path: string
  readonly args: readonly string[]
  readonly workspace: Workspace
  readonly bounds: Bounds
  readonly signal: AbortSignal | undefined
}

async function start({ path, args, workspace, bounds, signal }: Start): Promise<Ended> {
  try {
    const ended = await runBounded({ path, args, cwd: workspace.cwd, bounds, signal })
    if (ended.kind === 'exited' && (ended.code === 126 || ended.code === 127)) throw new Error(ended.stderr.trim())
    return ended
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    throw new EdictError('tool_unavailable', 'the opa command cannot be started', { cause })
  }
}

async function readVersion({ call }: Run): Promise<string> {
  const ended = await call(['version'])
  const found = ended.kind === 'exited' ? /^Version: (\S+)/m.exec(ended.stdout.toString())?.[1] : undefined
  if (found === undefined) throw new EdictError('tool_unavailable', 'the opa command does not tell its version')
  return found
}

async function parse(run: Run, text: string): Promise<ParsedModule> {
  const v1 = await parseAs(run, 1)
  if (v1.ok && (!v1.analysed.usesV0Builtins || saysV1(text))) return { ok: true, analysis: v1.analysed.analysis }
  if (!v1.ok && !isLasting(v1.errors)) return v1
  const v0 = await parseAs(run, 0)
  if (v0.ok && !(v1.ok && saysV1(text))) return { ok: true, analysis: v0.analysed.analysis }
  if (v1.ok) return { ok: true, analysis: v1.analysed.analysis }
  return !v0.ok && looksLikeV0(text, v1.errors) ? v0 : v1
}

type ParsedAs =
  | { readonly ok: true; readonly analysed: Analysed }
  | { readonly ok: false; readonly errors: readonly RegoError[] }

async function parseAs({ call }: Run, regoVersion: 0 | 1): Promise<ParsedAs> {
  const ended = await call(parseArguments(regoVersion))
  if (ended.kind !== 'exited') return { ok: false, errors: [stoppedError('parse', ended)] }
  if (ended.code !== 0) return { ok: false, errors: readErrors(printedBy(ended)).map(withoutFile) }
  return { ok: true, analysed: analyse(JSON.parse(ended.stdout.toString()), regoVersion) }
}

async function tree({ call }: Run, regoVersion: 0 | 1): Promise<unknown> {
  const ended = await call(parseArguments(regoVersion))
  if (ended.kind === 'exited' && ended.code === 0) return JSON.parse(ended.stdout.toString())
  const reason = ended.kind === 'exited' ? 'opa cannot parse the module' : stoppedError('parse', ended).message
  throw new EdictError('tool_unavailable', reason)
}

function parseArguments(regoVersion: 0 | 1): readonly string[] {
  const flags = [
    '--format',
    'json',
    '--json-include',
    'locations,-comments',
    ...(regoVersion === 0 ? ['--v0-compatible'] : []),
  ]
  return ['parse', 'module.rego', ...flags]
}

async function format({ call }: Run, regoVersion: RegoVersion): Promise<Format> {
  const ended = await call(['fmt', 'module.rego', ...(regoVersion === 0 ? ['--v0-compatible'] : [])])
  if (ended.kind !== 'exited') return { ok: false, errors: [stoppedError('fmt', ended)] }
  if (ended.code !== 0) return { ok: false, errors: readErrors(printedBy(ended)).map(withoutFile) }
  return { ok: true, text: ended.stdout.toString() }
}

async function coverage({ workspace, call }: Run, query: string): Promise<Coverage> {
  const flags = ['--coverage', '--format', 'json', '--capabilities', workspace.capabilities]
  const ended = await call(['eval', '--bundle', '.', ...flags, query])
  return ended.kind === 'exited' ? readCoverage(ended.stdout.toString(), workspace.pathOf) : { failed: true, files: [] }
}

/** The file is named by who knows its path. */
function withoutFile(error: RegoError): RegoError {
  const { code, message, fault, row, col } = error
  return { code, message, fault, ...(row === undefined ? {} : { row }), ...(col === undefined ? {} : { col }) }
}

function saysV1(text: string): boolean {
  return /^\s*import\s+rego\.v1\b/m.test(text)
}

/** The v1 parser misses keywords, and no rule is written with them: the v0 errors help more. */
function looksLikeV0(text: string, v1Errors: readonly RegoError[]): boolean {
  const missesKeywords = v1Errors.some((error) => /`(if|contains)` keyword is required/.test(error.message))
  return missesKeywords && !saysV1(text) && !/^[^#\n"`]*[\s)\]}](if|contains)\s/m.test(text)
}

async function check({ workspace, call }: Run): Promise<readonly RegoError[]> {
  const bounds = ['--max-errors', '100', '--capabilities', workspace.capabilities]
  const ended = await call(['check', '--bundle', '.', '--format', 'json', ...bounds])
  if (ended.kind !== 'exited') return [stoppedError('check', ended)]
  return ended.code === 0 ? [] : readErrors(printedBy(ended), workspace.pathOf)
}

/** Only `opa check` gives columns and all errors, so a refused build asks it. */
async function build(run: Run, entrypoints: readonly string[], maxOutput: number): Promise<Build> {
  const { workspace, call } = run
  // Printing is switched on and off where policies run: `print` calls back, and is answered by nothing.
  const target = ['--target', 'wasm', '--wasm-include-print', '--output', workspace.output]
  const entries = entrypoints.flatMap((entrypoint) => ['--entrypoint', entrypoint])
  const ended = await call(['build', '--bundle', '.', ...target, ...entries, '--capabilities', workspace.capabilities])
  if (ended.kind !== 'exited') return { ok: false, errors: [stoppedError('build', ended)] }
  if (ended.code !== 0) {
    const errors = await check(run)
    return { ok: false, errors: errors.length > 0 ? errors : readErrors(printedBy(ended), workspace.pathOf) }
  }
  const { size } = await stat(workspace.output)
  if (size > maxOutput) {
    return { ok: false, errors: [stoppedError('build', { kind: 'output', detail: `the bundle has ${size} bytes` })] }
  }
  const parts = await parseTarGzip(await readFile(workspace.output))
  const wasm = parts.find((entry) => entry.name === '/policy.wasm' || entry.name === 'policy.wasm')?.data
  if (wasm === undefined) {
    return { ok: false, errors: [{ code: 'opa_error', message: 'opa build wrote no WASM module', fault: 'ours' }] }
  }
  return { ok: true, wasm }
}

function printedBy(ended: Extract<Ended, { kind: 'exited' }>): string {
  const output = ended.stdout.toString().trim()
  return output === '' ? ended.stderr : output
}
