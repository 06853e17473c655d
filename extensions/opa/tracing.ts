/** What a policy says about its own evaluation: `trace` keeps a note with the outcome, `print` writes to the log. */
import { type Extension, type RegoValue } from '../extension.ts'
import { regoText } from './rego-text.ts'
import { any, arrayOf, boolean, pure, setOf, string } from './types.ts'
import { asArray, asItems, asString } from './values.ts'

export const tracing: readonly Extension[] = [
  pure('trace', [string], boolean, 'Keeps a note with the outcome; always true.', ([note], context) => {
    context.note(asString(note))
    return true
  }),
  {
    name: 'internal.print',
    decl: { args: [arrayOf(setOf(any))] },
    kind: 'pure',
    doc: 'What `print` is compiled to: a line in the log, if printing is switched on.',
    impl: ([parts], context) => {
      for (const line of lines(asArray(parts))) context.print(line)
      return undefined
    },
  },
  {
    name: 'internal.test_case',
    decl: { args: [arrayOf(any)] },
    kind: 'pure',
    doc: 'What a table of tests is compiled to: nothing outside of `opa test`.',
    impl: () => true,
  },
]

const mostLines = 100

/** Each argument of `print` comes as the set of its values, empty when it is undefined. */
function lines(parts: readonly RegoValue[]): readonly string[] {
  let found = ['']
  for (const [i, part] of parts.entries()) {
    const texts = asItems(part).map((value) => (typeof value === 'string' ? value : regoText(value)))
    const choices = texts.length === 0 ? ['<undefined>'] : texts
    found = found.flatMap((line) => choices.map((text) => (i === 0 ? text : `${line} ${text}`))).slice(0, mostLines)
  }
  return found
}
