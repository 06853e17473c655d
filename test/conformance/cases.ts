/**
 * OPA's own test cases, compiled for WASM by `generator/` (Go). They are built once per machine, into the user's cache
 * folder, and never committed.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import { cacheFolder, type Environment } from '../../src/tools/cache-folder.ts'
import { command, lastWords } from '../../src/tools/command.ts'
import { programsOnPath } from '../../src/tools/executable.ts'
import { withFileLock } from '../../src/tools/file-lock.ts'

const generator = join('test', 'conformance', 'generator')
const sources = ['main.go', 'go.mod', 'go.sum']
const opaModule = 'github.com/open-policy-agent/opa'
const downloadMs = 600_000

/** Data, input and result are JSON texts: their numbers keep every digit. */
const caseSchema = z.object({
  suite: z.enum(['v1', 'v0']),
  category: z.string(),
  file: z.string(),
  note: z.string(),
  query: z.string(),
  modules: z.array(z.string()).nullable(),
  data: z.string().optional(),
  input: z.string().optional(),
  /** Input as a Rego term, which may hold sets; it comes before `input`. */
  inputTerm: z.string().optional(),
  wantDefined: z.boolean().optional(),
  wantResult: z.string().optional(),
  wantErrorCode: z.string().optional(),
  wantError: z.string().optional(),
  sortBindings: z.boolean().default(false),
  strictError: z.boolean().default(false),
  /** Why OPA's own Go host for WASM does not run it. */
  exempt: z.string().optional(),
  /** sha256 of the module. */
  wasm: z.string(),
})

export type Case = z.infer<typeof caseSchema>

export interface Suite {
  readonly folder: string
  readonly cases: readonly Case[]
}

/** Neither built before nor to be built here: no Go, or its module proxy is out of reach. */
export class CasesUnavailableError extends Error {
  override readonly name = 'CasesUnavailableError'
}

export interface CasesOptions {
  readonly env: Environment
  readonly log: (line: string) => void
  readonly signal?: AbortSignal
}

/** The cases in OPA's order: v1 before v0, each by note. */
export async function loadCases(options: CasesOptions): Promise<Suite> {
  const folder = await folderOf(options.env)
  if (!existsSync(folder)) {
    const onWait = () => options.log('another process builds the conformance cases, waiting …')
    await withFileLock(`${folder}.lock`, { signal: options.signal, onWait }, async () => {
      if (!existsSync(folder)) await build(folder, options)
    })
  }
  const text = await readFile(join(folder, 'cases.json'), 'utf8')
  return { folder, cases: z.array(caseSchema).parse(JSON.parse(text)) }
}

export async function readWasm(folder: string, wasm: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await readFile(join(folder, `${wasm}.wasm.gz`))
  return new Uint8Array(await promisify(gunzip)(packed))
}

async function folderOf(env: Environment): Promise<string> {
  const texts = await Promise.all(sources.map((name) => readFile(join(generator, name), 'utf8')))
  const version = texts.join('\n').match(/open-policy-agent\/opa v([\d.]+)/)?.[1] ?? 'unknown'
  const digest = createHash('sha256').update(texts.join('\0')).digest('hex')
  return join(cacheFolder(env), `conformance-${version}-${digest.slice(0, 16)}`)
}

async function build(folder: string, { env, log, signal }: CasesOptions): Promise<void> {
  const [go] = await programsOnPath('go', env)
  if (go === undefined)
    throw new CasesUnavailableError('OPA’s conformance cases are built with Go, and there is no go on PATH')
  const out = await mkdtemp(`${folder}.part-`)
  try {
    log('building OPA’s conformance cases (once per machine) …')
    const opa = await moduleFolder(go, { env, log, ...(signal && { signal }) })
    await runGenerator(go, ['run', '.', '-opa', opa, '-out', out], { env, log, ...(signal && { signal }) })
    await rename(out, folder)
    log(`conformance cases kept at ${folder}`)
  } catch (error) {
    await rm(out, { recursive: true, force: true })
    throw error
  }
}

async function moduleFolder(go: string, { env, signal }: CasesOptions): Promise<string> {
  const options = { env, cwd: generator, timeoutMs: downloadMs, signal }
  const result = await command(go, ['mod', 'download', '-json', opaModule], options)
  if (result.code !== 0) throw new CasesUnavailableError(`${opaModule} could not be downloaded: ${lastWords(result)}`)
  return z.object({ Dir: z.string() }).parse(JSON.parse(result.stdout)).Dir
}

function runGenerator(go: string, args: readonly string[], { env, log, signal }: CasesOptions): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(go, [...args], { env: { ...env }, cwd: generator, signal, stdio: ['ignore', 'ignore', 'pipe'] })
    const said: string[] = []
    createInterface(child.stderr).on('line', (line) => {
      said.push(line)
      log(line)
    })
    child.on('error', fail)
    child.on('close', (code) => {
      if (code === 0) done()
      else fail(new Error(`the generator of the conformance cases failed:\n${said.slice(-5).join('\n')}`))
    })
  })
}
