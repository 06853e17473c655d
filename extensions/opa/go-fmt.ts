/**
 * Go's `fmt.Sprintf` for what OPA hands it: strings, integers of 64 bits, doubles and big integers. Everything it says
 * of a bad verb, index, width or argument is part of the result. https://pkg.go.dev/fmt
 */
import { formatFloat, type FloatFormat } from './go-float.ts'
import { canBackquote, goQuote, isPrintable } from './go-quote.ts'
import { codePoints } from './utf8.ts'

/** `type` is Go's name of the type where it is not that of the kind. */
export type FmtArgument = { readonly type?: string } & (
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'int64' | 'big'; readonly value: bigint }
  | { readonly kind: 'float64'; readonly value: number }
)

interface Flags {
  plus: boolean
  minus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  /** `%+v` and `%#v`: the flags mean something else there. */
  plusV: boolean
  sharpV: boolean
  width: number | undefined
  precision: number | undefined
}

const noFlags: Readonly<Flags> = {
  plus: false,
  minus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
  width: undefined,
  precision: undefined,
}

// ── The format ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where the reading of the format stands. */
interface Cursor {
  at: number
  argument: number
  /** What was read last is an index like `[3]`. */
  afterIndex: boolean
  /** Any index at all: then nobody can say which arguments are left over. */
  reordered: boolean
  validIndex: boolean
}

export function sprintf(format: string, args: readonly FmtArgument[]): string {
  const cursor: Cursor = { at: 0, argument: 0, afterIndex: false, reordered: false, validIndex: true }
  let out = ''
  while (cursor.at < format.length) {
    const percent = format.indexOf('%', cursor.at)
    out += format.slice(cursor.at, percent === -1 ? format.length : percent)
    if (percent === -1) break
    cursor.at = percent + 1
    out += directive(format, args, cursor)
  }
  return cursor.reordered ? out : out + leftOver(args.slice(cursor.argument))
}

function leftOver(args: readonly FmtArgument[]): string {
  return args.length === 0 ? '' : `%!(EXTRA ${args.map((arg) => typed(arg, { ...noFlags })).join(', ')})`
}

function directive(format: string, args: readonly FmtArgument[], cursor: Cursor): string {
  const flags = readFlags(format, cursor)
  cursor.validIndex = true
  readIndex(format, args.length, cursor)
  let complaint = readWidth(format, args, cursor, flags)
  complaint += readPrecision(format, args, cursor, flags)
  if (!cursor.afterIndex) readIndex(format, args.length, cursor)
  const code = format.codePointAt(cursor.at)
  if (code === undefined) return `${complaint}%!(NOVERB)`
  const verb = String.fromCodePoint(code)
  cursor.at += verb.length
  if (verb === '%') return `${complaint}%`
  if (!cursor.validIndex) return `${complaint}%!${verb}(BADINDEX)`
  const arg = args[cursor.argument]
  if (arg === undefined) return `${complaint}%!${verb}(MISSING)`
  cursor.argument++
  if (verb === 'v' || verb === 'w') {
    Object.assign(flags, { sharpV: flags.sharp, sharp: false, plusV: flags.plus, plus: false })
  }
  return complaint + printArgument(arg, verb, flags)
}

const flagNames: Readonly<Record<string, 'plus' | 'minus' | 'sharp' | 'space' | 'zero'>> = {
  '+': 'plus',
  '-': 'minus',
  '#': 'sharp',
  ' ': 'space',
  '0': 'zero',
}

function readFlags(format: string, cursor: Cursor): Flags {
  const flags = { ...noFlags }
  for (;;) {
    const name = flagNames[format[cursor.at] ?? '']
    if (name === undefined) return flags
    flags[name] = true
    cursor.at++
  }
}

function readWidth(format: string, args: readonly FmtArgument[], cursor: Cursor, flags: Flags): string {
  if (format[cursor.at] !== '*') {
    flags.width = readNumber(format, cursor)
    if (cursor.afterIndex && flags.width !== undefined) cursor.validIndex = false
    return ''
  }
  cursor.at++
  cursor.afterIndex = false
  flags.width = integerArgument(args, cursor)
  if (flags.width === undefined) return '%!(BADWIDTH)'
  if (flags.width < 0) Object.assign(flags, { width: -flags.width, minus: true, zero: false })
  return ''
}

function readPrecision(format: string, args: readonly FmtArgument[], cursor: Cursor, flags: Flags): string {
  if (format[cursor.at] !== '.' || cursor.at + 1 >= format.length) return ''
  cursor.at++
  if (cursor.afterIndex) cursor.validIndex = false
  readIndex(format, args.length, cursor)
  if (format[cursor.at] !== '*') {
    flags.precision = readNumber(format, cursor) ?? 0
    return ''
  }
  cursor.at++
  cursor.afterIndex = false
  flags.precision = integerArgument(args, cursor)
  if (flags.precision !== undefined && flags.precision >= 0) return ''
  flags.precision = undefined
  return '%!(BADPREC)'
}

const largest = 1_000_000

/** Digits at the cursor. A number that is too large uses up the format, as in Go. */
function readNumber(format: string, cursor: Cursor, end = format.length): number | undefined {
  let number: number | undefined
  while (cursor.at < end) {
    const digit = format.charCodeAt(cursor.at) - 0x30
    if (digit < 0 || digit > 9) break
    if (number !== undefined && number > largest) {
      cursor.at = end
      return undefined
    }
    number = (number ?? 0) * 10 + digit
    cursor.at++
  }
  return number
}

function integerArgument(args: readonly FmtArgument[], cursor: Cursor): number | undefined {
  const arg = args[cursor.argument]
  if (arg === undefined) return undefined
  cursor.argument++
  if (arg.kind !== 'int64') return undefined
  const number = Number(arg.value)
  return Math.abs(number) > largest ? undefined : number
}

/** `[n]` chooses the argument, counted from one. */
function readIndex(format: string, count: number, cursor: Cursor): void {
  cursor.afterIndex = false
  if (format[cursor.at] !== '[') return
  cursor.reordered = true
  const close = format.length - cursor.at < 3 ? -1 : format.indexOf(']', cursor.at + 1)
  if (close === -1) {
    cursor.at++
    cursor.validIndex = false
    return
  }
  const inside: Cursor = { ...cursor, at: cursor.at + 1 }
  const number = readNumber(format, inside, close)
  const whole = number !== undefined && inside.at === close
  cursor.at = close + 1
  cursor.afterIndex = whole
  if (whole && number >= 1 && number <= count) cursor.argument = number - 1
  else cursor.validIndex = false
}

// ── One argument ────────────────────────────────────────────────────────────────────────────────────────────────────

const typeNames = { string: 'string', int64: 'int64', big: '*big.Int', float64: 'float64' } as const

const typeOf = ({ type, kind }: FmtArgument): string => type ?? typeNames[kind]

const typed = (arg: FmtArgument, flags: Flags): string => `${typeOf(arg)}=${printArgument(arg, 'v', flags)}`

function printArgument(arg: FmtArgument, verb: string, flags: Flags): string {
  if (verb === 'T') return padText(truncate(typeOf(arg), flags), flags)
  switch (arg.kind) {
    case 'string':
      return printString(arg, verb, flags)
    case 'int64':
      return printInteger(arg, verb, flags)
    case 'float64':
      return printFloat(arg, verb, flags)
    case 'big':
      return printBig(arg.value, verb, flags)
  }
}

const badVerb = (arg: FmtArgument, verb: string, flags: Flags): string => `%!${verb}(${typed(arg, flags)})`

function padText(text: string, { width = 0, minus, zero }: Flags): string {
  const missing = width - codePoints(text).length
  if (missing <= 0) return text
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text
}

const truncate = (text: string, { precision }: Flags): string =>
  precision === undefined || text.length <= precision ? text : codePoints(text).slice(0, precision).join('')

function printString(arg: FmtArgument & { readonly kind: 'string' }, verb: string, flags: Flags): string {
  switch (verb) {
    case 'v':
      return flags.sharpV ? printQuoted(arg.value, flags) : padText(truncate(arg.value, flags), flags)
    case 's':
      return padText(truncate(arg.value, flags), flags)
    case 'q':
      return printQuoted(arg.value, flags)
    case 'x':
      return printHex(arg.value, flags)
    case 'X':
      return printHex(arg.value, flags, true)
    default:
      return badVerb(arg, verb, flags)
  }
}

function printQuoted(value: string, flags: Flags): string {
  const text = truncate(value, flags)
  if (flags.sharp && canBackquote(text)) return padText(`\`${text}\``, flags)
  return padText(goQuote(text, { ascii: flags.plus }), flags)
}

function printHex(value: string, flags: Flags, upper = false): string {
  const bytes = Buffer.from(value).subarray(0, flags.precision)
  if (bytes.length === 0) return padText('', flags)
  const hex = upper ? bytes.toString('hex').toUpperCase() : bytes.toString('hex')
  const prefix = flags.sharp ? (upper ? '0X' : '0x') : ''
  const separator = ` ${prefix}`
  return padText(prefix + (flags.space ? (hex.match(/../g) ?? []).join(separator) : hex), flags)
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }

function printInteger(arg: FmtArgument & { readonly kind: 'int64' | 'big' }, verb: string, flags: Flags): string {
  const base = bases[verb]
  if (base !== undefined) return printDigits(arg.value, base, verb, flags)
  switch (verb) {
    case 'c':
      return padText(runeOf(arg.value), flags)
    case 'q':
      return padText(goQuote(runeOf(arg.value), { quote: "'", ascii: flags.plus }), flags)
    case 'U':
      return printUnicode(arg.value, flags)
    default:
      return badVerb(arg, verb, flags)
  }
}

function printDigits(value: bigint, base: number, verb: string, flags: Flags): string {
  const spaced = { ...flags, zero: false }
  if (flags.precision === 0 && value === 0n) return padText('', spaced)
  const negative = value < 0n
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  const digits = (negative ? -value : value).toString(base)
  const padded = (verb === 'X' ? digits.toUpperCase() : digits).padStart(zeroes(sign, flags), '0')
  return padText(sign + prefixOf(padded, base, verb, flags) + padded, spaced)
}

function zeroes(sign: string, { precision, zero, minus, width }: Flags): number {
  if (precision !== undefined) return precision
  return zero && !minus && width !== undefined ? width - sign.length : 0
}

function prefixOf(digits: string, base: number, verb: string, { sharp }: Flags): string {
  const octal = verb === 'O' ? '0o' : ''
  if (!sharp) return octal
  if (base === 2) return '0b'
  if (base === 16) return verb === 'X' ? '0X' : '0x'
  return base === 8 && !digits.startsWith('0') ? `${octal}0` : octal
}

/** As an unsigned number, as Go takes it: what is no code point becomes U+FFFD. */
function runeOf(value: bigint): string {
  const isRune = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value < 0xe000n)
  return isRune ? String.fromCodePoint(Number(value)) : '\ufffd'
}

function printUnicode(value: bigint, flags: Flags): string {
  const code = BigInt.asUintN(64, value)
  const hex = code
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(flags.precision ?? 4, 4), '0')
  const char = code <= 0x10ffffn ? String.fromCodePoint(Number(code)) : ''
  const shown = flags.sharp && isPrintable(char) ? ` '${char}'` : ''
  return padText(`U+${hex}${shown}`, { ...flags, zero: false })
}

/** The verb that Go formats with, and the precision it takes when none is given. */
const floatVerbs: Readonly<Record<string, readonly [FloatFormat, number | undefined]>> = {
  v: ['g', undefined],
  b: ['b', undefined],
  g: ['g', undefined],
  G: ['G', undefined],
  x: ['x', undefined],
  X: ['X', undefined],
  f: ['f', 6],
  F: ['f', 6],
  e: ['e', 6],
  E: ['E', 6],
}

function printFloat(arg: FmtArgument & { readonly kind: 'float64' }, verb: string, flags: Flags): string {
  const known = floatVerbs[verb]
  if (known === undefined) return badVerb(arg, verb, flags)
  const [format, usual] = known
  const precision = flags.precision ?? usual
  const text = formatFloat(arg.value, format, precision)
  const sign = text.startsWith('-') ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  const bare = text.replace(/^[-+]/, '')
  const number = flags.sharp && format !== 'b' ? keepZeros(bare, format, precision) : bare
  const { width = 0 } = flags
  if (sign !== '' && flags.zero && !flags.minus) return sign + padText(number, { ...flags, width: width - 1 })
  return padText(sign + number, flags)
}

/** `%#g`: the point stays, and as many digits as the precision says. */
function keepZeros(number: string, format: FloatFormat, precision: number | undefined): string {
  const isHex = format === 'x' || format === 'X'
  const tailAt = number.search(isHex ? /[pP]/ : /[eE]/)
  const head = tailAt === -1 ? number : number.slice(0, tailAt)
  const counted = format === 'g' || format === 'G' || format === 'x' ? (precision ?? 6) : 0
  const significant = head.replace('.', '').replace(/^0+/, '').length
  const shown = head === '0' && !head.includes('.') ? 1 : significant
  const pointed = head.includes('.') ? head : `${head}.`
  return pointed + '0'.repeat(Math.max(counted - shown, 0)) + (tailAt === -1 ? '' : number.slice(tailAt))
}

/** `big.Int` formats itself, and not always as the integers of the language do. */
function printBig(value: bigint, verb: string, flags: Flags): string {
  if (verb === 'w') return `%!w(*big.Int=${bigStruct(value, flags)})`
  if (verb === 'p') return '0xc000000000'
  const base = verb === 's' ? 10 : bases[verb]
  if (base === undefined) return `%!${verb}(big.Int=${value})`
  const negative = value < 0n
  const sign = negative ? '-' : flags.plus || flags.plusV ? '+' : flags.space ? ' ' : ''
  const digits = (negative ? -value : value).toString(base)
  const sharp = flags.sharp || flags.sharpV
  const prefix = verb === 'O' ? '0o' : sharp ? (bigPrefixes[verb] ?? '') : ''
  const { width = 0, precision, minus, zero } = flags
  const shown = (verb === 'X' ? digits.toUpperCase() : digits).padStart(precision ?? 0, '0')
  const missing = width - sign.length - prefix.length - shown.length
  if (missing > 0 && !minus && zero && precision === undefined) return sign + prefix + '0'.repeat(missing) + shown
  return padText(sign + prefix + shown, { ...flags, zero: false })
}

const bigPrefixes: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' }

/** The bare structure, sign and words, which Go falls back to for `%w`. */
function bigStruct(value: bigint, flags: Flags): string {
  const words: bigint[] = []
  for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 64n) words.push(BigInt.asUintN(64, rest))
  const shown = words.map((word) => printDigits(word, 10, 'v', flags))
  return `&{${padText(`${value < 0n}`, flags)} [${shown.join(' ')}]}`
}
