/** Regular expressions (RE2) and globs. */
import type { Extension } from '../extension.ts'
import { globsIntersect } from './regex/globs.ts'
import { compilePattern, matches, replaceAll } from './regex/patterns.ts'
import { templatePattern } from './regex/template.ts'
import { arrayOf, boolean, number, pure, string } from './types.ts'
import { asInt, asString, BuiltinError } from './values.ts'

export const regex: readonly Extension[] = [
  pure(
    'regex.find_n',
    [string, string, number],
    arrayOf(string),
    'The first n texts that match a pattern, all of them when n is negative.',
    ([pattern, text, n]) => {
      const most = asInt(n)
      const found = matches(compilePattern(asString(pattern)), asString(text), most < 0 ? undefined : most)
      return [...found].map(({ start, end }) => asString(text).slice(start, end))
    },
  ),
  pure(
    'regex.split',
    [string, string],
    arrayOf(string),
    'The parts of a text between the matches.',
    ([pattern, text]) => split(asString(pattern), asString(text)),
  ),
  pure(
    'regex.replace',
    [string, string, string],
    string,
    'A text with each match replaced; `$1` and `${name}` in the replacement stand for groups.',
    ([text, pattern, replacement]) =>
      replaceAll(compilePattern(asString(pattern)), asString(text), asString(replacement)),
  ),
  pure(
    'regex.template_match',
    [string, string, string, string],
    boolean,
    'Whether a whole text matches a template with patterns between two delimiters.',
    ([template, text, open, close]) => {
      const pattern = templatePattern(asString(template), delimiter(asString(open)), delimiter(asString(close)))
      return compilePattern(pattern).matcher(asString(text)).find()
    },
  ),
  pure(
    'regex.globs_match',
    [string, string],
    boolean,
    'Whether some text matches both of two glob-style patterns.',
    ([a, b]) => globsIntersect(asString(a), asString(b)),
  ),
]

export const glob: readonly Extension[] = [
  pure('glob.quote_meta', [string], string, 'A text with what means something in a glob escaped.', ([text]) =>
    asString(text).replace(/[*?\\[\]{}]/g, '\\$&'),
  ),
]

function delimiter(text: string): string {
  if (Buffer.byteLength(text) !== 1) throw new BuiltinError('a delimiter has to be one character')
  return text
}

function split(pattern: string, text: string): readonly string[] {
  const compiled = compilePattern(pattern)
  if (pattern !== '' && text === '') return ['']
  const parts: string[] = []
  let begin = 0
  let end = 0
  for (const match of matches(compiled, text)) {
    end = match.start
    if (match.end !== 0) parts.push(text.slice(begin, end))
    begin = match.end
  }
  if (end !== text.length) parts.push(text.slice(begin))
  return parts
}
