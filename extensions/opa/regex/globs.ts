/**
 * Whether two glob-style expressions (`.`, `[a-z]`, `+`, `*`, `\`) have a text in common, decided as OPA decides it:
 * its search is incomplete in corners, and those are kept. Every pair of places is looked at once, so that the time
 * is polynomial where the plain search takes exponential time.
 */
import { BuiltinError } from '../values.ts'

type Flag = '' | '+' | '*'
type Range = readonly [number, number]

/** What one place matches: any character (`null`), or those of the ranges. */
interface Token {
  readonly ranges: readonly Range[] | null
  readonly flag: Flag
}

export function globsIntersect(a: string, b: string): boolean {
  const trimmed = trim(simplify(tokenize(a)), simplify(tokenize(b)))
  return trimmed !== undefined && intersect(...trimmed)
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function tokenize(text: string): readonly Token[] {
  const chars = Array.from(text)
  const tokens: Token[] = []
  let at = 0

  function next(): { readonly char: string; readonly escaped: boolean } {
    const char = chars[at++] ?? fail('ends too early')
    if (char !== '\\') return { char, escaped: false }
    return { char: chars[at++] ?? fail('ends with an escape'), escaped: true }
  }

  function set(): readonly Range[] {
    const ranges: Range[] = []
    let previous: number | undefined
    for (;;) {
      const { char, escaped } = next()
      if (!escaped && char === ']') return merged(ranges)
      if (!escaped && char === '-') {
        if (previous === undefined || at >= chars.length - 1) fail('a range lacks an end')
        const last = next()
        if (!last.escaped && (last.char === ']' || last.char === '-')) fail('a range ends with a symbol')
        if (codeOf(last.char) < previous) fail('a range is out of order')
        ranges.push([previous, codeOf(last.char)])
        previous = undefined
      } else {
        previous = codeOf(char)
        ranges.push([previous, previous])
      }
    }
  }

  function flag(): Flag {
    const char = chars[at]
    if (char !== '+' && char !== '*') return ''
    at++
    return char
  }

  while (at < chars.length) {
    const { char, escaped } = next()
    if (!escaped && (char === ']' || char === '+' || char === '*')) fail(`${char} has nothing before it`)
    const code = codeOf(char)
    const single: readonly Range[] = [[code, code]]
    const ranges = escaped ? single : char === '.' ? null : char === '[' ? set() : single
    tokens.push({ ranges, flag: flag() })
  }
  return tokens
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0

function fail(reason: string): never {
  throw new BuiltinError(`not a glob: ${reason}`)
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const result: [number, number][] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}

/** `a*a+` is `a+`. */
function simplify(tokens: readonly Token[]): readonly Token[] {
  const simple: Token[] = []
  for (const token of tokens) {
    const last = simple.at(-1)
    if (last === undefined || token.flag === '' || last.flag === '' || !sameRanges(token, last)) simple.push(token)
    else simple[simple.length - 1] = { ...last, flag: token.flag === '+' || last.flag === '+' ? '+' : '*' }
  }
  return simple
}

const sameRanges = (a: Token, b: Token): boolean => JSON.stringify(a.ranges) === JSON.stringify(b.ranges)

function match(a: Token | undefined, b: Token | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.ranges === null || b.ranges === null) return true
  const others = b.ranges
  return a.ranges.some(([from, to]) => others.some((other) => from <= other[1] && other[0] <= to))
}

// ── Deciding ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Pair = readonly [readonly Token[], readonly Token[]]

const isPlain = (token: Token | undefined): boolean => token?.flag === ''

/** Without the plain tokens that both begin and end with, but one; undefined when those do not match. */
function trim(a: readonly Token[], b: readonly Token[]): Pair | undefined {
  let left = 0
  for (; isPlain(a[left]) && isPlain(b[left]); left++) if (!match(a[left], b[left])) return undefined
  if (left > 0) left--
  let endA = a.length - 1
  let endB = b.length - 1
  for (; endA >= left && endB >= left && isPlain(a[endA]) && isPlain(b[endB]); endA--, endB--) {
    if (!match(a[endA], b[endB])) return undefined
  }
  if (endA < a.length - 1) {
    endA++
    endB++
  }
  return [a.slice(left, endA + 1), b.slice(left, endB + 1)]
}

function intersect(a: readonly Token[], b: readonly Token[]): boolean {
  const known = new Map<string, boolean>()

  function once(key: string, decide: () => boolean): boolean {
    const before = known.get(key)
    if (before !== undefined) return before
    const decided = decide()
    known.set(key, decided)
    return decided
  }

  /** From place `i` of `x` and `j` of `y`; `swapped`: `x` is `b`. */
  function normal(swapped: boolean, i: number, j: number): boolean {
    return once(`n${swapped} ${i} ${j}`, () => {
      const [x, y] = swapped ? [b, a] : [a, b]
      for (; i < x.length && j < y.length; i++, j++) {
        if (!isPlain(x[i]) || !isPlain(y[j])) return special(swapped, i, j)
        if (!match(x[i], y[j])) return false
      }
      return i === x.length && j === y.length
    })
  }

  function special(swapped: boolean, i: number, j: number): boolean {
    const [x, y] = swapped ? [b, a] : [a, b]
    if (x[i]?.flag === '+') return plus(swapped, i, j)
    if (x[i]?.flag === '*') return star(swapped, i, j)
    return y[j]?.flag === '+' ? plus(!swapped, j, i) : star(!swapped, j, i)
  }

  function plus(swapped: boolean, i: number, j: number): boolean {
    const [x, y] = swapped ? [b, a] : [a, b]
    if (!match(x[i], y[j])) return false
    return star(swapped, i, j + 1) || (!isPlain(y[j]) && normal(swapped, i + 1, j))
  }

  function star(swapped: boolean, i: number, j: number): boolean {
    return once(`s${swapped} ${i} ${j}`, () => {
      const [x, y] = swapped ? [b, a] : [a, b]
      for (let k = j; k < y.length; k++) {
        if (match(y[k], x[i + 1]) && normal(swapped, i + 1, k)) return true
        if (!match(y[k], x[i])) return false
      }
      return i + 1 >= x.length
    })
  }

  return normal(false, 0, 0)
}
