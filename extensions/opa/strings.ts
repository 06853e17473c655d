/** Strings: positions and lengths are code points, as in Go. */
import { isNumber, numberText } from '../compare.ts'
import type { PureExtension, RegoObject, RegoValue } from '../extension.ts'
import { parseJson } from '../parse-json.ts'
import { sprintf, type FmtArgument } from './go-fmt.ts'
import { doubleOf, int64Of, type NumberValue } from './number.ts'
import { regoText } from './rego-text.ts'
import { renderTemplate } from './template-run.ts'
import { any, arrayOf, boolean, number, objectOf, oneOf, pure, setOf, string } from './types.ts'
import { codePoints } from './utf8.ts'
import { asArray, asInt, asObject, asString, asStrings, BuiltinError } from './values.ts'

const stringOrStrings = oneOf(string, arrayOf(string), setOf(string))

export const strings: readonly PureExtension[] = [
  pure('sprintf', [string, arrayOf(any)], string, "The values in the format, by the verbs of Go's `fmt`.", (args) =>
    sprintf(asString(args[0]), asArray(args[1]).map(fmtArgument)),
  ),
  pure(
    'strings.any_prefix_match',
    [stringOrStrings, stringOrStrings],
    boolean,
    'Whether any of the strings starts with any of the prefixes.',
    ([search, base]) => anyStartsWith(oneOrMany(search), oneOrMany(base)),
  ),
  pure(
    'strings.any_suffix_match',
    [stringOrStrings, stringOrStrings],
    boolean,
    'Whether any of the strings ends with any of the suffixes.',
    ([search, base]) => anyStartsWith(oneOrMany(search).map(reversed), oneOrMany(base).map(reversed)),
  ),
  pure(
    'strings.render_template',
    [string, objectOf(string, any)],
    string,
    "A template of Go's `text/template`, rendered with the members of an object.",
    (args) => render(asString(args[0]), asObject(args[1])),
  ),
  pure('strings.count', [string, string], number, 'How often a string occurs in another, without overlaps.', (args) =>
    count(asString(args[0]), asString(args[1])),
  ),
  pure(
    'strings.split_n',
    [string, string, number],
    arrayOf(string),
    'The first parts of a string, or with a negative number the last.',
    (args) => {
      const parts = split(asString(args[0]), asString(args[1]))
      const wanted = asInt(args[2])
      return wanted >= 0 ? parts.slice(0, wanted) : parts.slice(Math.max(parts.length + wanted, 0))
    },
  ),
  pure('indexof_n', [string, string], arrayOf(number), 'All positions of a string in another, overlaps too.', (args) =>
    positions(asString(args[0]), asString(args[1])),
  ),
]

// ── sprintf ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function fmtArgument(value: RegoValue): FmtArgument {
  if (isNumber(value)) return fmtNumber(value)
  return { kind: 'string', value: typeof value === 'string' ? value : regoText(value) }
}

/** How a number is written decides what it is to `fmt`; what Go holds in no number of its own goes as text. */
function fmtNumber(value: NumberValue): FmtArgument {
  const text = numberText(value)
  if (/[.eE]/.test(text)) {
    const double = doubleOf(value)
    return Number.isFinite(double) ? { kind: 'float64', value: double } : { kind: 'string', value: text }
  }
  const small = int64Of(value)
  return small === undefined ? { kind: 'big', value: BigInt(text) } : { kind: 'int64', value: small }
}

// ── Templates ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** OPA takes the Rego text of the object for JSON: with a set in it, it is none. */
const render = (template: string, data: RegoObject): string =>
  renderTemplate(template, parseJson(regoText(data))).replaceAll('<no value>', '<undefined>')

// ── Prefixes and suffixes ───────────────────────────────────────────────────────────────────────────────────────────

const oneOrMany = (value: RegoValue | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : asStrings(value)

const reversed = (text: string): string => text.split('').toReversed().join('')

/** What shares a prefix stands together once it is sorted: the first string at or after a prefix tells. */
function anyStartsWith(texts: readonly string[], prefixes: readonly string[]): boolean {
  if (texts.length === 1) return prefixes.some((prefix) => texts[0]?.startsWith(prefix))
  const sorted = texts.toSorted(byUnits)
  return prefixes.some((prefix) => firstFrom(sorted, prefix)?.startsWith(prefix))
}

function byUnits(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function firstFrom(sorted: readonly string[], text: string): string | undefined {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return sorted[low]
}

// ── Parts and positions ─────────────────────────────────────────────────────────────────────────────────────────────

/** An empty separator splits between code points. */
const split = (text: string, separator: string): readonly string[] =>
  separator === '' ? codePoints(text) : text.split(separator)

const count = (text: string, part: string): number =>
  part === '' ? codePoints(text).length + 1 : text.split(part).length - 1

function positions(text: string, part: string): readonly number[] {
  if (part === '') throw new BuiltinError('empty search character')
  const found: number[] = []
  let units = 0
  let points = 0
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    points += codePoints(text.slice(units, at)).length
    units = at
    found.push(points)
  }
  return found
}
