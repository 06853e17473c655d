/**
 * The builtins as a test sees them: mocked ones answer what the test says, and what would go outside without being mocked
 * ends the evaluation instead.
 */
import type { Extension, RegoValue } from '../../extensions/extension.ts'
import { printJson } from '../../extensions/print-json.ts'
import { BuiltinFailure } from '../engine/answers.ts'
import { findAnswer } from './mock-answers.ts'
import type { MockAnswer, Mocks } from './test-case.ts'

/** What the test that is running says of builtins; what went wrong with them is added. */
export interface Circumstance {
  readonly mocks: Mocks
  readonly troubles: string[]
}

/** They look something up without leaving the process, or the request. */
const harmless = new Set(['get_header', 'external.http.header', 'rego.parse_module'])

export const goesOutside = ({ kind, name }: Extension): boolean => kind !== 'pure' && !harmless.has(name)

export function standIns(
  extensions: readonly Extension[],
  mocked: ReadonlySet<string>,
  current: () => Circumstance,
): readonly Extension[] {
  return extensions.map((extension): Extension => {
    const isOutside = goesOutside(extension)
    return isOutside || mocked.has(extension.name) ? standIn(extension, isOutside, current) : extension
  })
}

function standIn(extension: Extension, isOutside: boolean, current: () => Circumstance): Extension {
  const { name } = extension
  const answered = (args: readonly RegoValue[], real: () => RegoValue | undefined): RegoValue | undefined => {
    const { mocks, troubles } = current()
    const answers = mocks.get(name)
    if (answers === undefined && !isOutside) return real()
    const found = findAnswer(answers ?? [], args)
    if (found !== undefined) return given(found)
    const call = `${name}(${args.map(printJson).join(', ')})`.slice(0, 200)
    const trouble = answers === undefined ? `${call} goes outside and is not mocked` : `no answer is mocked for ${call}`
    troubles.push(trouble)
    throw new BuiltinFailure(trouble)
  }
  if (extension.kind === 'pure')
    return { ...extension, impl: (args, context) => answered(args, () => extension.impl(args, context)) }
  const { impl } = extension
  return {
    ...extension,
    impl: (args, context) => {
      if (isOutside || current().mocks.has(name)) return answered(args, () => undefined)
      return impl(args, context)
    },
  }
}

function given({ answer }: MockAnswer): RegoValue | undefined {
  if (answer.kind === 'error') throw new Error(answer.message)
  return answer.kind === 'value' ? answer.value : undefined
}
