/**
 * The deployment's own extensions: a folder of JavaScript modules, each of which exports `extension` or `extensions`,
 * or a function of the toolkit that returns them. What is wrong with any of them is told at once, and nothing starts.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { RegoNumber, RegoObject, RegoSet, type Extension, type RegoType } from '../extensions/extension.ts'
import { nativeBuiltins } from '../extensions/native-builtins.ts'
import { fromPlain, toPlain } from '../extensions/plain.ts'
import { EdictError } from './errors.ts'

/** What a module cannot import by itself. */
const toolkit = { RegoNumber, RegoObject, RegoSet, toPlain, fromPlain } as const

const type: z.ZodType<RegoType> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('any'), of: z.array(type).readonly().optional() }),
    z.strictObject({ type: z.enum(['null', 'boolean', 'number', 'string']) }),
    z.strictObject({
      type: z.literal('array'),
      static: z.array(type).readonly().optional(),
      dynamic: type.optional(),
    }),
    z.strictObject({ type: z.literal('set'), of: type }),
    z.strictObject({
      type: z.literal('object'),
      static: z
        .array(z.strictObject({ key: z.unknown(), value: type }))
        .readonly()
        .optional(),
      dynamic: z.strictObject({ key: type, value: type }).optional(),
    }),
  ]),
) as z.ZodType<RegoType>

const isFunction = (value: unknown): value is (...args: readonly unknown[]) => unknown => typeof value === 'function'

const extension = z.strictObject({
  name: z.string().regex(/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/, 'is not a name that Rego can call'),
  decl: z.strictObject({ args: z.array(type), result: type }),
  kind: z.enum(['pure', 'read', 'effect']),
  doc: z.string().default(''),
  impl: z.custom<(...args: readonly unknown[]) => unknown>(isFunction, 'must be a function'),
})

type Written = z.infer<typeof extension>

export interface OwnExtensionsOptions {
  /** Absolute; null: there are none. */
  readonly folder: string | null
  /** Those that the names must not clash with. */
  readonly builtin: readonly Extension[]
}

/** @throws EdictError `config_invalid` */
export const loadOwnExtensions = async ({ folder, builtin }: OwnExtensionsOptions): Promise<readonly Extension[]> => {
  if (folder === null) return []
  if (!existsSync(folder)) throw invalid([`the folder ${folder} does not exist`])
  const files = (await readdir(folder)).filter((file) => /\.m?js$/.test(file)).toSorted()
  const problems: string[] = []
  const taken = new Map<string, string>(
    [...nativeBuiltins, ...builtin.map(({ name }) => name)].map((name) => [name, 'OPA or Edict']),
  )
  const found: Extension[] = []
  for (const file of files) {
    const problem = (message: string): void => void problems.push(`${file}: ${message}`)
    for (const written of await readModule(join(folder, file), problem)) {
      const owner = taken.get(written.name)
      if (owner !== undefined) problem(`the name ${written.name} is taken by ${owner}`)
      taken.set(written.name, file)
      found.push(adapt(written))
    }
  }
  if (problems.length > 0) throw invalid(problems)
  return found
}

const invalid = (problems: readonly string[]): EdictError =>
  new EdictError('config_invalid', `The extensions cannot be loaded:\n  ${problems.join('\n  ')}`, {
    errors: problems.map((message) => ({ code: 'config_invalid', message })),
  })

const readModule = async (path: string, problem: (message: string) => void): Promise<readonly Written[]> => {
  try {
    const module: unknown = await import(pathToFileURL(path).href)
    const exported = z.object({ extension: z.unknown(), extensions: z.unknown() }).partial().parse(module)
    const given = exported.extensions ?? exported.extension
    if (given === undefined) throw new Error('exports neither extension nor extensions')
    const made: unknown = isFunction(given) ? given(toolkit) : given
    const parsed = z.array(extension).safeParse(Array.isArray(made) ? made : [made])
    for (const { path: place, message } of parsed.error?.issues ?? []) problem(`${place.join('.')}: ${message}`)
    return parsed.data ?? []
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error))
    return []
  }
}

/** Answers may be plain values. */
const adapt = ({ name, decl, kind, doc, impl }: Written): Extension => {
  const told = { name, decl, doc }
  if (kind !== 'pure') {
    return {
      ...told,
      kind,
      impl: (args, context) => {
        const answer = impl(args, context)
        return answer instanceof Promise ? answer.then(answerOf) : answerOf(answer)
      },
    }
  }
  return { ...told, kind, impl: (args, context) => answerOf(impl(args, context)) }
}

const answerOf = (answer: unknown) => (answer === undefined ? undefined : fromPlain(answer))
