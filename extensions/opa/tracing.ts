/** What a policy says about its own evaluation: `trace` keeps a note with the outcome, `print` writes to the log. */
import { RegoSet, type Extension, type RegoValue } from '../extension.ts'
import { printJson } from '../print-json.ts'
import { any, arrayOf, boolean, pure, setOf, string } from './types.ts'
import { asArray, asString } from './values.ts'

export const tracing: readonly Extension[] = [
  pure('trace', [string], boolean, 'Keeps a note with the outcome; always true.', ([note], context) => {
    context.note(asString(note))
    return true
  }),
  {
    ...pure('internal.print', [arrayOf(setOf(any))], any, 'What `print` becomes: a line in the log.', printed),
  },
]
