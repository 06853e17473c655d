/** Policies for the engine's tests, compiled and evaluated by the real `opa`. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { capabilities, type Capabilities } from '../../extensions/capabilities.ts'
import { extensions } from '../../extensions/index.ts'
import type { Extension, RequestContext } from '../../extensions/extension.ts'
import { defaultSettings, type PolicySettings } from '../../src/engine/decision.ts'
import { createEngine, type EngineOptions } from '../../src/engine/engine.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { opaPath } from '../setup/opa.ts'

const run = promisify(execFile)
export const entrypoint = 'edict/entry/doc'

export interface Sources {
  /** Path → Rego. A path that ends in `.v0.rego` is Rego v0. */
  readonly files: Readonly<Record<string, string>>
  /** What the entry module answers. */
  readonly document: string
  /** Builtins that are declared beside those of the list. */
  readonly also?: readonly Extension[]
}

export async function baseCapabilities(): Promise<Capabilities> {
  return JSON.parse(
    (await run(opaPath(), ['capabilities', '--current'], { maxBuffer: 1 << 26 })).stdout,
  ) as Capabilities
}

/** Runs `work` with a directory that holds the sources as a bundle, and the capabilities file beside it. */
async function inBundle<T>({ files, document, also = [] }: Sources, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'edict-engine-'))
  try {
    const all = { ...files, 'entry.rego': `package edict.entry\n\ndoc := ${document}\n` }
    for (const [path, text] of Object.entries(all)) {
      await mkdir(dirname(join(dir, 'bundle', path)), { recursive: true })
      await writeFile(join(dir, 'bundle', path), text)
    }
    const manifest = { rego_version: 1, file_rego_versions: { '/**/*.v0.rego': 0, '/*.v0.rego': 0 } }
    await writeFile(join(dir, 'bundle', '.manifest'), JSON.stringify(manifest))
    await writeFile(
      join(dir, 'capabilities.json'),
      JSON.stringify(capabilities(await knownBase(), [...extensions, ...also])),
    )
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

let known: Promise<Capabilities> | undefined
const knownBase = (): Promise<Capabilities> => (known ??= baseCapabilities())

export function compile(sources: Sources): Promise<Uint8Array> {
  return inBundle(sources, async (dir) => {
    const out = join(dir, 'out.tar.gz')
    const build = ['build', '-b', '-t', 'wasm', '-e', entrypoint, '--capabilities', '../capabilities.json', '-o', out]
    await run(opaPath(), [...build, '.'], { cwd: join(dir, 'bundle') })
    await run('tar', ['xzf', out, '-C', dir, '/policy.wasm'])
    return new Uint8Array(await readFile(join(dir, 'policy.wasm')))
  })
}

export interface EvalOptions {
  readonly input?: string | undefined
  readonly data?: string
  /** Headers by canonical name, for `get_header` and its other name. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What `opa eval` prints for the document: compact, but in its own order and with its own digits. */
export function opaEval(sources: Sources, { input, data = '{}', headers = {} }: EvalOptions): Promise<string> {
  return inBundle(sources, async (dir) => {
    await writeFile(join(dir, 'bundle', 'data.json'), data)
    const mock = `package mock\n\nget_header(name) := object.get(${JSON.stringify(headers)}, name, "")\n`
    await writeFile(join(dir, 'bundle', 'mock.rego'), mock)
    const withMocks = ['get_header', 'external.http.header'].map((name) => `with ${name} as data.mock.get_header`)
    const args = ['eval', '--capabilities', 'capabilities.json', '-b', 'bundle']
    if (input !== undefined) {
      await writeFile(join(dir, 'input.json'), input)
      args.push('-i', 'input.json')
    }
    const query = `data.edict.entry.doc ${withMocks.join(' ')}`
    const { stdout } = await run(opaPath(), [...args, query], { cwd: dir, maxBuffer: 1 << 28 })
    return documentOf(stdout)
  })
}

const head = '{"result":[{"expressions":[{"value":'

function documentOf(stdout: string): string {
  const compact = stdout.replace(/"(?:\\.|[^"\\])*"|\s+/g, (token) =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : '',
  )
  return compact.startsWith(head) ? compact.slice(head.length, compact.lastIndexOf(',"text":')) : 'undefined'
}

export interface LoadOptions {
  readonly wasm: Uint8Array
  readonly data?: string | Uint8Array
  readonly engine?: Partial<EngineOptions>
  readonly settings?: Partial<PolicySettings>
}

export async function load({ wasm, data = '{}', engine: options = {}, settings }: LoadOptions): Promise<LoadedPolicy> {
  const engine = createEngine({ extensions, ...options })
  const module = await engine.compile(wasm)
  return engine.load({ module, data, entrypoint, settings: { ...defaultSettings, ...settings } })
}

export const contextOf = (headers: Readonly<Record<string, string>> = {}): RequestContext => ({
  header: (name) => headers[name] ?? '',
})

/** The outcome of an evaluation that waits for nothing. */
export function evaluateNow(policy: LoadedPolicy, input: Uint8Array | undefined, request = contextOf()): Outcome {
  const outcome = policy.evaluate(input, request)
  if (outcome instanceof Promise) throw new Error('the evaluation waits')
  return outcome
}

/** The answer as text: JSON, `undefined`, or `<kind>: <message>`. */
export function answer(policy: LoadedPolicy, input?: string | Uint8Array, headers?: Record<string, string>): string {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  return outcomeText(evaluateNow(policy, bytes, contextOf(headers)))
}

export function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'value') return Buffer.from(outcome.json).toString()
  return outcome.kind === 'undefined' ? 'undefined' : `${outcome.kind}: ${outcome.message}`
}
