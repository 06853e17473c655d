/** Time in nanoseconds since the epoch: the decision's clock, calendars, Go's layouts and durations. */
import { isArray } from '../compare.ts'
import type { PureExtension, RegoValue } from '../extension.ts'
import { bigFloatOf, isInteger, truncate } from './big-float.ts'
import { parseDuration } from './go-duration.ts'
import { daysOf, formatTime, namedLayouts, parseTime, weekdayOf, type Civil } from './go-layout.ts'
import { decimalOf, fromBigInt, type NumberValue } from './number.ts'
import { number, oneOf, pure, string, tuple } from './types.ts'
import { asInt, asNumber, asString, BuiltinError } from './values.ts'
import { utc, zoneOf, type Zone } from './zone.ts'

/** Nanoseconds, or these with a time zone. */
const moment = oneOf(number, tuple(number, string))

export const time: readonly PureExtension[] = [
  pure('time.now_ns', [], number, 'The time of the decision.', (_, context) => fromBigInt(context.now())),
  pure('time.weekday', [moment], string, 'The English name of the day of the week.', ([at]) => weekdayOf(civil(at))),
  pure('time.date', [moment], tuple(number, number, number), 'Year, month and day.', ([at]) => {
    const { year, month, day } = civil(at)
    return [year, month, day]
  }),
  pure('time.clock', [moment], tuple(number, number, number), 'Hour, minute and second of the day.', ([at]) => {
    const { hour, minute, second } = civil(at)
    return [hour, minute, second]
  }),
  pure(
    'time.add_date',
    [number, number, number, number],
    number,
    'A time years, months and days later; the clock shows the same.',
    (args) => addDate(momentOf(args[0]), asInt(args[1]), asInt(args[2]), asInt(args[3])),
  ),
  pure(
    'time.diff',
    [moment, moment],
    tuple(number, number, number, number, number, number),
    'Years, months, days, hours, minutes and seconds between two times.',
    (args) => difference(momentOf(args[0]), momentOf(args[1])),
  ),
  pure('time.parse_ns', [string, string], number, 'The time that a text tells in a layout of Go.', (args) => {
    const layout = asString(args[0])
    return nanoseconds(parseTime(layoutOf(layout), asString(args[1])))
  }),
  pure('time.parse_rfc3339_ns', [string], number, 'The time that a text tells as RFC 3339 has it.', (args) =>
    nanoseconds(parseTime(layoutOf('RFC3339'), asString(args[0]))),
  ),
  pure('time.parse_duration_ns', [string], number, 'The nanoseconds of a duration such as `1h15m` or `2d`.', (args) =>
    fromBigInt(parseDuration(asString(args[0]))),
  ),
  pure(
    'time.format',
    [oneOf(number, tuple(number, string), tuple(number, string, string))],
    string,
    'A time in a layout of Go, RFC 3339 unless told otherwise.',
    ([at]) => format(momentOf(at)),
  ),
]

const layoutOf = (layout: string): string =>
  Object.hasOwn(namedLayouts, layout) ? (namedLayouts[layout] ?? layout) : layout

// ── Moments ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Moment {
  readonly seconds: number
  readonly nanosecond: number
  readonly zone: Zone
  readonly layout: string
}

const second = 1_000_000_000n

/** A number, or an array of a number and, as far as given, a zone and a layout. */
function momentOf(value: RegoValue | undefined): Moment {
  const [at, zone, layout] = value !== undefined && isArray(value) ? value : [value]
  const whole = nanosecondsOf(asNumber(at))
  const nanosecond = ((whole % second) + second) % second
  return {
    seconds: Number((whole - nanosecond) / second),
    nanosecond: Number(nanosecond),
    zone: zone === undefined ? utc : zoneOf(asString(zone)),
    layout: layout === undefined ? '' : asString(layout),
  }
}

function nanosecondsOf(value: NumberValue): bigint {
  const float = bigFloatOf(decimalOf(value))
  if (!isInteger(float)) throw new BuiltinError('timestamp too big')
  return checked(truncate(float))
}

function checked(nanoseconds: bigint): bigint {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new BuiltinError('time outside of valid range')
  return nanoseconds
}

const civil = (value: RegoValue | undefined): Civil => civilOf(momentOf(value))

function civilOf({ seconds, nanosecond, zone }: Moment): Civil {
  const offset = zone.offset(seconds)
  const date = new Date((seconds + offset) * 1000)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond,
    offset,
  }
}

/** As a clock shows it that runs `offset` seconds ahead of UTC. */
const secondsOf = ({ year, month, day, hour, minute, second: s, offset }: Civil): number =>
  daysOf(year, month, day) * 86_400 + hour * 3600 + minute * 60 + s - offset

function nanoseconds(at: Civil): NumberValue {
  const seconds = secondsOf(at)
  if (!Number.isSafeInteger(seconds)) throw new BuiltinError('time outside of valid range')
  return fromBigInt(checked(BigInt(seconds) * second + BigInt(at.nanosecond)))
}

// ── Calendar ────────────────────────────────────────────────────────────────────────────────────────────────────────

function addDate(moment: Moment, years: number, months: number, days: number): NumberValue {
  const from = civilOf(moment)
  const moved = { ...from, year: from.year + years, month: from.month + months, day: from.day + days, offset: 0 }
  const local = secondsOf(moved)
  // Near a change of the clocks, the offset is that of the first guess.
  const guess = moment.zone.offset(local)
  return nanoseconds({ ...moved, offset: guess === 0 ? 0 : moment.zone.offset(local - guess) })
}

/** Both in the zone of the first, each part borrowing from the next larger one. */
function difference(first: Moment, other: Moment): readonly number[] {
  const one = civilOf(first)
  const two = civilOf({ ...other, zone: first.zone })
  const isLater =
    first.seconds > other.seconds || (first.seconds === other.seconds && first.nanosecond > other.nanosecond)
  const [from, to] = isLater ? [two, one] : [one, two]
  const parts = [
    to.year - from.year,
    to.month - from.month,
    to.day - from.day,
    to.hour - from.hour,
    to.minute - from.minute,
    to.second - from.second,
  ]
  const daysInMonth = daysOf(from.year, from.month + 1, 1) - daysOf(from.year, from.month, 1)
  const sizes = [0, 12, daysInMonth, 24, 60, 60]
  for (let i = 5; i > 0; i--) {
    if ((parts[i] ?? 0) >= 0) continue
    parts[i] = (parts[i] ?? 0) + (sizes[i] ?? 0)
    parts[i - 1] = (parts[i - 1] ?? 0) - 1
  }
  return parts
}

function format(moment: Moment): string {
  const { layout, zone, seconds } = moment
  return formatTime(layoutOf(layout === '' ? 'RFC3339Nano' : layout), civilOf(moment), () => zone.abbreviation(seconds))
}
