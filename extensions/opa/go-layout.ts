/**
 * Go's time layouts, which write the reference time `Mon Jan 2 15:04:05 MST 2006` as they want it: formatting and
 * parsing, with everything that Go lets pass. https://pkg.go.dev/time#Layout
 */
import { BuiltinError } from './values.ts'

/** A point in time as the clocks of some zone show it. */
export interface Civil {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  /** Seconds east of UTC. */
  readonly offset: number
}

const elements = new RegExp(
  [
    'January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST',
    '0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm',
    '[-Z]07(?:0000|:00:00|00|:00)?',
    '[.,](?:0+|9+)(?!\\d)',
  ].join('|'),
  'g',
)

export const namedLayouts: Readonly<Record<string, string>> = {
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: '2006-01-02T15:04:05.999999999Z07:00',
}

export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

const short = (name: string): string => name.slice(0, 3)

/** Days since the epoch; months and days may lie outside of their range. */
export function daysOf(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime() / 86_400_000
}

export const weekdayOf = ({ year, month, day }: Civil): string =>
  weekdays[(((daysOf(year, month, day) + 4) % 7) + 7) % 7] ?? ''

const yearDay = ({ year, month, day }: Civil): number => daysOf(year, month, day) - daysOf(year, 1, 0)

// ── Formatting ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** `zoneName` is asked for only where the layout wants it. */
export const formatTime = (layout: string, civil: Civil, zoneName: () => string): string =>
  layout.replace(elements, (element) => formatElement(element, civil, zoneName))

const pad = (value: number, width: number, fill = '0'): string => `${value}`.padStart(width, fill)

function formatElement(element: string, civil: Civil, zoneName: () => string): string {
  const { year, month, day, hour, minute, second } = civil
  switch (element) {
    case 'January':
      return months[month - 1] ?? ''
    case 'Jan':
      return short(months[month - 1] ?? '')
    case 'Monday':
      return weekdayOf(civil)
    case 'Mon':
      return short(weekdayOf(civil))
    case 'MST':
      return zoneName()
    case '01':
      return pad(month, 2)
    case '1':
      return `${month}`
    case '02':
      return pad(day, 2)
    case '2':
      return `${day}`
    case '_2':
      return pad(day, 2, ' ')
    case '002':
      return pad(yearDay(civil), 3)
    case '__2':
      return pad(yearDay(civil), 3, ' ')
    case '2006':
      return pad(year, 4)
    case '06':
      return pad(year % 100, 2)
    case '15':
      return pad(hour, 2)
    case '03':
      return pad(hour % 12 || 12, 2)
    case '3':
      return `${hour % 12 || 12}`
    case '04':
      return pad(minute, 2)
    case '4':
      return `${minute}`
    case '05':
      return pad(second, 2)
    case '5':
      return `${second}`
    case 'PM':
      return hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return hour >= 12 ? 'pm' : 'am'
    default:
      return /^[-Z]/.test(element) ? formatOffset(element, civil.offset) : formatFraction(element, civil.nanosecond)
  }
}

function formatOffset(element: string, offset: number): string {
  if (element.startsWith('Z') && offset === 0) return 'Z'
  const minutes = Math.trunc(offset / 60)
  const absolute = Math.abs(minutes)
  const colon = element.includes(':') ? ':' : ''
  const parts = [pad(Math.trunc(absolute / 60), 2)]
  if (element.length > 3) parts.push(pad(absolute % 60, 2))
  // -070000 and -07:00:00
  if (element.length === 7 || element.length === 9) parts.push(pad(Math.abs(offset) % 60, 2))
  return (minutes < 0 ? '-' : '+') + parts.join(colon)
}

function formatFraction(element: string, nanosecond: number): string {
  const digits = pad(nanosecond, 9).slice(0, element.length - 1)
  if (!element.endsWith('9')) return element.charAt(0) + digits
  const shown = digits.replace(/0+$/, '')
  return shown === '' ? '' : element.charAt(0) + shown
}

// ── Parsing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What was read so far. */
interface Reading {
  rest: string
  year: number
  month: number | undefined
  day: number | undefined
  yearDay: number | undefined
  hour: number
  minute: number
  second: number
  nanosecond: number
  half: 'am' | 'pm' | undefined
  isUtc: boolean
  offset: number | undefined
}

const bad = (what: string): BuiltinError => new BuiltinError(`cannot parse time: ${what}`)

/** Without a zone in the value: UTC. Zone abbreviations say nothing of an offset, not even `GMT+3`. */
export function parseTime(layout: string, value: string): Civil {
  const reading: Reading = {
    rest: value,
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    isUtc: false,
    offset: undefined,
  }
  let at = 0
  for (const found of layout.matchAll(elements)) {
    skip(reading, layout.slice(at, found.index))
    at = found.index + found[0].length
    readElement(reading, found[0], layout.slice(at))
  }
  skip(reading, layout.slice(at))
  if (reading.rest !== '') throw bad('extra text')
  return complete(reading)
}

/** Literal text of the layout; a run of spaces stands for any run of spaces, none at the end included. */
function skip(reading: Reading, literal: string): void {
  for (const part of literal.match(/ +|[^ ]+/g) ?? []) {
    if (part.startsWith(' ')) {
      if (reading.rest !== '' && !reading.rest.startsWith(' ')) throw bad('expected a space')
      reading.rest = reading.rest.replace(/^ +/, '')
    } else {
      if (!reading.rest.startsWith(part)) throw bad(`expected ${part}`)
      reading.rest = reading.rest.slice(part.length)
    }
  }
}

/** Takes what `pattern` matches at the front of the rest. */
function take(reading: Reading, pattern: RegExp): string {
  const [found] = pattern.exec(reading.rest) ?? []
  if (found === undefined) throw bad(reading.rest)
  reading.rest = reading.rest.slice(found.length)
  return found
}

const oneOrTwo = /^\d\d?/
const two = /^\d\d/

function inRange(value: number, from: number, to: number, what: string): number {
  if (value < from || value > to) throw bad(`${what} out of range`)
  return value
}

function readElement(reading: Reading, element: string, following: string): void {
  switch (element) {
    case '2006':
      reading.year = Number(take(reading, /^\d{4}/))
      return
    case '06':
      reading.year = shortYear(Number(take(reading, /^(?:\d\d|[-+]\d)/)))
      return
    case 'January':
      reading.month = 1 + name(reading, months)
      return
    case 'Jan':
      reading.month = 1 + name(reading, months.map(short))
      return
    case '01':
      reading.month = inRange(Number(take(reading, two)), 1, 12, 'month')
      return
    case '1':
      reading.month = inRange(Number(take(reading, oneOrTwo)), 1, 12, 'month')
      return
    case 'Monday':
      name(reading, weekdays)
      return
    case 'Mon':
      name(reading, weekdays.map(short))
      return
    case '02':
      reading.day = Number(take(reading, two))
      return
    case '2':
      reading.day = Number(take(reading, oneOrTwo))
      return
    case '_2':
      take(reading, /^ ?/)
      reading.day = Number(take(reading, oneOrTwo))
      return
    case '002':
      reading.yearDay = Number(take(reading, /^\d{3}/))
      return
    case '__2':
      take(reading, /^ {0,2}/)
      reading.yearDay = Number(take(reading, /^\d{1,3}/))
      return
    default:
      readClock(reading, element, following)
  }
}

function readClock(reading: Reading, element: string, following: string): void {
  switch (element) {
    case '15':
      reading.hour = inRange(Number(take(reading, oneOrTwo)), 0, 23, 'hour')
      return
    case '03':
      reading.hour = inRange(Number(take(reading, two)), 0, 12, 'hour')
      return
    case '3':
      reading.hour = inRange(Number(take(reading, oneOrTwo)), 0, 12, 'hour')
      return
    case '04':
      reading.minute = inRange(Number(take(reading, two)), 0, 59, 'minute')
      return
    case '4':
      reading.minute = inRange(Number(take(reading, oneOrTwo)), 0, 59, 'minute')
      return
    case '05':
      readSecond(reading, two, following)
      return
    case '5':
      readSecond(reading, oneOrTwo, following)
      return
    case 'PM':
      reading.half = take(reading, /^[AP]M/) === 'PM' ? 'pm' : 'am'
      return
    case 'pm':
      reading.half = take(reading, /^[ap]m/) === 'pm' ? 'pm' : 'am'
      return
    case 'MST':
      readZone(reading)
      return
    default:
      if (/^[-Z]/.test(element)) readOffset(reading, element)
      else readFraction(reading, element)
  }
}

const shortYear = (year: number): number => year + (year >= 69 ? 1900 : 2000)

function name(reading: Reading, names: readonly string[]): number {
  const found = names.findIndex((one) => reading.rest.slice(0, one.length).toLowerCase() === one.toLowerCase())
  if (found === -1) throw bad(reading.rest)
  reading.rest = reading.rest.slice(names[found]?.length)
  return found
}

/** A fraction of the second is read whether or not the layout has one. */
function readSecond(reading: Reading, pattern: RegExp, following: string): void {
  reading.second = inRange(Number(take(reading, pattern)), 0, 59, 'second')
  if (!/^[.,]\d/.test(reading.rest)) return
  const [next = ''] = following.match(elements) ?? []
  if (!/^[.,]/.test(next)) reading.nanosecond = nanoseconds(take(reading, /^[.,]\d+/))
}

function readFraction(reading: Reading, element: string): void {
  if (element.endsWith('9')) {
    if (/^[.,]\d/.test(reading.rest)) reading.nanosecond = nanoseconds(take(reading, /^[.,]\d+/))
    return
  }
  reading.nanosecond = nanoseconds(take(reading, new RegExp(`^[.,]\\d{${element.length - 1}}`)))
}

const nanoseconds = (fraction: string): number => Number(fraction.slice(1, 10).padEnd(9, '0'))

function readOffset(reading: Reading, element: string): void {
  if (element.startsWith('Z') && reading.rest.startsWith('Z')) {
    reading.rest = reading.rest.slice(1)
    reading.isUtc = true
    return
  }
  const shape = element.slice(1).replaceAll(/\d\d/g, '(\\d\\d)')
  const pattern = new RegExp(`^([-+])${shape}`)
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = pattern.exec(take(reading, pattern)) ?? []
  const hour = inRange(Number(hours), 0, 24, 'time zone offset hour')
  const minute = inRange(Number(minutes), 0, 60, 'time zone offset minute')
  const second = inRange(Number(seconds), 0, 60, 'time zone offset second')
  reading.offset = (sign === '-' ? -1 : 1) * ((hour * 60 + minute) * 60 + second)
}

const zonePattern =
  /^(?:ChST|MeST|GMT(?:[-+](?:0*(?:1?\d|2[0-3]))(?!\d))?|[-+]0*(?:1?\d|2[0-3])(?!\d)|[A-Z]{4}T(?![A-Z])|(?:[A-Z]{3}T|WITA)(?![A-Z])|[A-Z]{3}(?![A-Z]))/

function readZone(reading: Reading): void {
  if (reading.rest.startsWith('UTC')) {
    reading.rest = reading.rest.slice(3)
    reading.isUtc = true
  } else take(reading, zonePattern)
}

// ── What was read, as a date ────────────────────────────────────────────────────────────────────────────────────────

function complete(reading: Reading): Civil {
  const { year, minute, second, nanosecond } = reading
  const { month, day } = dateOf(reading)
  return { year, month, day, hour: hourOf(reading), minute, second, nanosecond, offset: offsetOf(reading) }
}

function hourOf({ hour, half }: Reading): number {
  if (half === 'pm' && hour < 12) return hour + 12
  return half === 'am' && hour === 12 ? 0 : hour
}

/** Go takes -1 for "no offset", one second west of UTC included. */
const offsetOf = ({ isUtc, offset = 0 }: Reading): number => (isUtc || offset === -1 ? 0 : offset)

function dateOf(reading: Reading): { readonly month: number; readonly day: number } {
  const { year, yearDay: ordinal } = reading
  if (ordinal !== undefined) return dateOfYearDay(reading, ordinal)
  const { month = 1, day = 1 } = reading
  return { month, day: inRange(day, 1, daysOf(year, month + 1, 1) - daysOf(year, month, 1), 'day') }
}

function dateOfYearDay(reading: Reading, ordinal: number): { readonly month: number; readonly day: number } {
  const { year } = reading
  inRange(ordinal, 1, daysOf(year + 1, 1, 1) - daysOf(year, 1, 1), 'day-of-year')
  const date = new Date(daysOf(year, 1, ordinal) * 86_400_000)
  const month = date.getUTCMonth() + 1
  const day = date.getUTCDate()
  if ((reading.month ?? month) !== month || (reading.day ?? day) !== day) throw bad('day-of-year does not match')
  return { month, day }
}
