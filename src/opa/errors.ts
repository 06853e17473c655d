/** What opa prints when it refuses something, as data. */
import { z } from 'zod'
import type { RegoError } from '../policy/analysis.ts'
import type { Ended } from './process.ts'

const printed = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      code: z.string().default('rego_error'),
      location: z.object({ file: z.string(), row: z.number(), col: z.number() }).partial().optional(),
    }),
  ),
})

/** Errors out of `--format json`, or out of the text that opa prints where it ignores the format. */
export function readErrors(output: string, pathOf: (name: string) => string = (name) => name): readonly RegoError[] {
  const parsed = printed.safeParse(jsonOrUndefined(output))
  const errors = parsed.success ? parsed.data.errors.map((error) => ofJson(error, pathOf)) : ofText(output, pathOf)
  return unique(errors)
}

function ofJson(error: z.infer<typeof printed>['errors'][number], pathOf: (name: string) => string): RegoError {
  const { file, row, col } = error.location ?? {}
  return {
    code: error.code,
    message: error.message,
    fault: 'author',
    ...(file === undefined || file === '' ? {} : { file: pathOf(file) }),
    ...(row === undefined ? {} : { row }),
    ...(col === undefined ? {} : { col }),
  }
}

const textLine = /^(?:error: )?(?:\d+ errors? occurred: )?(\S+\.rego):(\d+): ([a-z_]+): (.*)$/

function ofText(text: string, pathOf: (name: string) => string): readonly RegoError[] {
  const found = text.split('\n').flatMap((line): RegoError[] => {
    const [, file, row, code, message] = textLine.exec(line.trim()) ?? []
    if (file === undefined || code === undefined || message === undefined) return []
    return [{ code, message, fault: 'author', file: pathOf(file), row: Number(row) }]
  })
  if (found.length > 0) return found
  const message = text
    .trim()
    .replace(/^error: /, '')
    .slice(0, 500)
  return [{ code: 'opa_error', message: message === '' ? 'opa refused it without a word' : message, fault: 'author' }]
}

/** opa's parser says a thing twice at one place, once in more words: the words stay. */
function unique(errors: readonly RegoError[]): readonly RegoError[] {
  const distinct = [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
  const saysMore = (a: RegoError, b: RegoError): boolean =>
    a !== b && a.file === b.file && a.row === b.row && a.col === b.col && a.message.startsWith(`${b.message}:`)
  return distinct.filter((error) => !distinct.some((other) => saysMore(other, error)))
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const whose = {
  timeout: ['opa_timeout', 'author'],
  memory: ['opa_out_of_memory', 'author'],
  output: ['opa_output_too_large', 'author'],
  crashed: ['opa_crashed', 'ours'],
} as const

/** opa did not end by itself: what happened, and whose fault it most likely is. */
export function stoppedError(command: string, ended: Exclude<Ended, { kind: 'exited' }>): RegoError {
  const [code, fault] = whose[ended.kind]
  const blame =
    fault === 'author' ? 'the Rego is too large or too involved' : 'not the fault of the Rego; it is tried again'
  return { code, fault, message: `opa ${command} was stopped: ${ended.detail} (${blame})` }
}

/** Results that depend on the machine's mood are not kept. */
export function isLasting(errors: readonly RegoError[]): boolean {
  return errors.every((error) => !error.code.startsWith('opa_'))
}
