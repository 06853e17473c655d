/** Go's `time.ParseDuration`, and OPA's longer units: `1h15m`, `-1.5h`, `2w`, `1y`. In nanoseconds. */
import { BuiltinError } from './values.ts'

const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const hours: Readonly<Record<string, number>> = { d: 24, w: 168, y: 8760 }

const limit = 1n << 63n

const invalid = (text: string): BuiltinError => new BuiltinError(`invalid duration ${JSON.stringify(text)}`)

export function parseDuration(text: string): bigint {
  if (text === '') throw invalid(text)
  const standard = /[dwy]/.test(text) ? withHours(text) : text
  const [, sign = '', body = ''] = /^([-+]?)(.*)$/s.exec(standard) ?? []
  if (body === '0') return 0n
  if (!/^(?:[\d.][^\d.]*)+$/s.test(body)) throw invalid(text)
  let total = 0n
  for (const segment of body.match(/[\d.]+[^\d.]*/g) ?? []) {
    total += nanoseconds(segment)
    if (total > limit) throw invalid(text)
  }
  if (sign !== '-' && total === limit) throw invalid(text)
  return sign === '-' ? -total : total
}

function nanoseconds(segment: string): bigint {
  const [, whole = '', , fraction = '', name = ''] = /^(\d*)(\.(\d*))?([^\d.]+)$/s.exec(segment) ?? []
  const unit = units.get(name)
  if (unit === undefined || whole + fraction === '') throw invalid(segment)
  const value = BigInt(whole || '0')
  if (value > limit / unit) throw invalid(segment)
  const total = value * unit + fractionOf(fraction, unit)
  if (total > limit) throw invalid(segment)
  return total
}

/** In double precision, as Go computes it; digits beyond 63 bits say nothing. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n
  let scale = 1
  for (const digit of digits) {
    if (value > (limit - 1n) / 10n) break
    const next = value * 10n + BigInt(digit)
    if (next > limit) break
    value = next
    scale *= 10
  }
  return value === 0n ? 0n : BigInt(Math.trunc(Number(value) * (Number(unit) / scale)))
}

/** Days, weeks and years as hours. */
function withHours(text: string): string {
  if (!/^[-+]?(?:[\d.]+(?:ms|us|µs|ns|[a-z]))+$/.test(text)) throw invalid(text)
  return text.replace(/([\d.]+)([dwy])(?![a-z])/g, (_, digits: string, unit: string) => {
    if (!/^(?:\d+\.?\d*|\.\d+)$/.test(digits)) throw invalid(text)
    return `${plain(Number(digits) * (hours[unit] ?? 1))}h`
  })
}

/** Without an exponent. */
const plain = (value: number): string => {
  if (value >= 1e21) return BigInt(value).toString()
  return value < 1e-6 ? value.toFixed(20).replace(/\.?0+$/, '') : `${value}`
}
