/** The same calls of builtins to OPA and to the extensions: one `opa eval` for a whole table. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Extension, RegoValue } from '../../../extensions/extension.ts'
import { RegoObject } from '../../../extensions/extension.ts'
import { parseJson } from '../../../extensions/parse-json.ts'
import { printJson } from '../../../extensions/print-json.ts'
import { parseValue } from '../../../src/engine/value-text.ts'
import { opaPath } from '../../setup/opa.ts'
import { contextOf } from '../context.ts'

const run = promisify(execFile)

/** The name of a builtin and its arguments as Rego writes them. */
export type Call = readonly [name: string, ...args: readonly string[]]

export interface Agreement {
  readonly call: string
  readonly opa: string
  readonly ours: string
}

/** Results as JSON, or `undefined`. */
export async function compare(extensions: readonly Extension[], calls: readonly Call[]): Promise<readonly Agreement[]> {
  const wanted = await askOpa(calls)
  return calls.map((call, i) => ({
    call: textOf(call),
    opa: wanted[i] ?? 'undefined',
    ours: ask(extensions, call),
  }))
}

/** The calls that OPA answers in another way. */
export const disagreements = async (
  extensions: readonly Extension[],
  calls: readonly Call[],
): Promise<readonly Agreement[]> => (await compare(extensions, calls)).filter(({ opa: a, ours: b }) => a !== b)

const textOf = ([name, ...args]: Call): string => `${name}(${args.join(', ')})`

async function askOpa(calls: readonly Call[]): Promise<readonly (string | undefined)[]> {
  const dir = await mkdtemp(join(tmpdir(), 'edict-oracle-'))
  try {
    // `[x | …]` keeps a result that is `false`, and gives each call a place of its own.
    const rules = calls.map((call, i) => `r["${i}"] := x if x := ${textOf(call)}`)
    await writeFile(join(dir, 'p.rego'), `package t\n\n${rules.join('\n')}\n`)
    const { stdout } = await run(opaPath(), ['eval', '-f', 'json', '-d', 'p.rego', 'data.t.r'], {
      cwd: dir,
      maxBuffer: 2 ** 28,
    })
    const answers = membersOf(find(parseJson(stdout), ['result', 0, 'expressions', 0, 'value']))
    return calls.map((_, i) => answers.get(`${i}`))
  } finally {
    await rm(dir, { recursive: true })
  }
}

const membersOf = (value: RegoValue | undefined): ReadonlyMap<string, string> =>
  new Map(
    value instanceof RegoObject
      ? value.entries.map(([key, one]) => [typeof key === 'string' ? key : printJson(key), printJson(one)])
      : [],
  )

function find(value: RegoValue | undefined, path: readonly (string | number)[]): RegoValue | undefined {
  const [key, ...rest] = path
  if (key === undefined || value === undefined) return value
  if (value instanceof RegoObject) return find(value.entries.find(([own]) => own === key)?.[1], rest)
  return Array.isArray(value) ? find((value as readonly RegoValue[])[Number(key)], rest) : undefined
}

function ask(extensions: readonly Extension[], [name, ...args]: Call): string {
  const extension = extensions.find((one) => one.name === name)
  if (extension === undefined) return `no builtin ${name}`
  try {
    const values = args.map((arg) => parseValue(Buffer.from(arg)))
    const result = extension.impl(values, contextOf())
    return result === undefined ? 'undefined' : printJson(result as RegoValue)
  } catch {
    return 'undefined'
  }
}
