/**
 * The builtin `rego.parse_module` by opa itself: a child process that evaluates a constant query and sees the module as
 * input alone. What policies make of it at request time is bounded more tightly than what is compiled.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { ModuleText, ParseModule } from '../../extensions/opa/parse-module.ts'
import { BuiltinFailure } from '../engine/answers.ts'
import { sha256 } from '../policy/digest.ts'
import { runBounded, type Bounds, type Ended } from './process.ts'
import { createQueue } from './queue.ts'

export interface ModuleParserOptions extends Partial<Bounds> {
  /** Finds the binary, when it is needed for the first time. */
  readonly findOpa: () => Promise<string>
  /** Child processes at once. */
  readonly concurrency?: number
  /** Bytes of a module. */
  readonly maxModule?: number
}

const MB = 2 ** 20

/** Where opa cannot answer at all the parser rejects with a BuiltinFailure: undefined would say something of the module. */
export function createModuleParser({
  findOpa,
  concurrency = 2,
  maxModule = MB,
  timeoutMs = 5_000,
  memoryMb = 256,
  maxOutput = 16 * MB,
}: ModuleParserOptions): ParseModule {
  const queue = createQueue(concurrency)
  const bounds = { timeoutMs, memoryMb, maxOutput }
  const kept = new LRUCache<string, string>({ maxSize: 8 * MB, sizeCalculation: (ast) => ast.length + 64 })
  let found: Promise<string> | undefined

  function opa(): Promise<string> {
    found ??= findOpa()
    found.catch(() => (found = undefined))
    return found
  }

  return async (text, { signal }) => {
    if (Buffer.byteLength(text.module) > maxModule) throw failure(`the module has more than ${maxModule} bytes`)
    const key = sha256(JSON.stringify([text.filename, text.module]))
    const known = kept.get(key)
    if (known !== undefined) return known
    const ended = await queue(async () => evaluate({ path: await opa(), text, bounds, signal }), { signal }).catch(
      (cause: unknown) => {
        throw failure('the opa command cannot be started', cause)
      },
    )
    const ast = answerOf(ended)
    kept.set(key, ast)
    return ast
  }
}

const failure = (message: string, cause?: unknown): BuiltinFailure =>
  new BuiltinFailure(`rego.parse_module: ${message}`, { cause })

interface Evaluation {
  readonly path: string
  readonly text: ModuleText
  readonly bounds: Bounds
  readonly signal: AbortSignal
}

// As text the tree keeps the digits of its numbers.
const query = 'json.marshal(rego.parse_module(input.filename, input.module))'

async function evaluate({ path, text: { filename, module }, bounds, signal }: Evaluation): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), 'edict-module-'))
  try {
    await writeFile(join(cwd, 'input.json'), JSON.stringify({ filename, module }), { flag: 'wx' })
    const args = ['eval', '--format', 'json', '--strict-builtin-errors', '--input', 'input.json', query]
    return await runBounded({ path, args, cwd, bounds, signal })
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

const printed = z.union([
  z.object({ result: z.tuple([z.object({ expressions: z.tuple([z.object({ value: z.string() })]) })]) }),
  z.object({ errors: z.array(z.object({ message: z.string(), code: z.string() })).min(1) }),
])

function answerOf(ended: Ended): string {
  if (ended.kind !== 'exited') throw failure(`opa was stopped: ${ended.detail}`)
  const output = printed.safeParse(jsonOf(ended.stdout))
  if (!output.success) throw failure(`opa ended with ${ended.code}, and without an answer`)
  if ('result' in output.data) return output.data.result[0].expressions[0].value
  const [error] = output.data.errors
  const message = error?.message.replace(/^rego\.parse_module: /, '') ?? ''
  if (error?.code !== 'eval_builtin_error') throw failure(message)
  throw new Error(message)
}

function jsonOf(output: Buffer): unknown {
  try {
    return JSON.parse(output.toString())
  } catch {
    return undefined
  }
}
