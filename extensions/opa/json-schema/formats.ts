/** `format`, by name. One that is not known holds for any text. */
import { parseTime } from '../go-layout.ts'
import { parseUrl } from '../go-url.ts'
import { parseAddress } from '../net/address.ts'
import { compilePattern } from '../regex/patterns.ts'
import { toBytes } from '../utf8.ts'
import { isEmail } from './email.ts'
import type { Visit } from './visit.ts'

type Format = (text: string, visit: Pick<Visit, 'spend'>) => boolean

const isTime =
  (...layouts: readonly string[]): Format =>
  (text) =>
    layouts.some((layout) => succeeds(() => parseTime(layout, text)))

function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

const matches =
  (pattern: RegExp): Format =>
  (text) =>
    pattern.test(text)

const date = '2006-01-02'
const clock = '15:04:05'
const zoned = '15:04:05Z07:00'

const isUri: Format = (text) => !text.includes('\\') && succeeds(() => requireScheme(text))
const isUriReference: Format = (text) => !text.includes('\\') && succeeds(() => parseUrl(toBytes(text)))

function requireScheme(text: string): void {
  if (parseUrl(toBytes(text)).scheme === '') throw new SyntaxError('no scheme')
}

/** Each brace that is opened in the path is closed. */
const isTemplate: Format = (text, visit) =>
  isUriReference(text, visit) && /^[^{]*(?:\{[^}]*\}[^{]*)*$/.test(parseUrl(toBytes(text)).path)

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const hostname = new RegExp(`^${label}(?:\\.${label})*$`)

export const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['date', isTime(date)],
  ['time', isTime(zoned, clock)],
  ['date-time', isTime(clock, zoned, date, `${date}T${zoned}`, `${date}T15:04:05.999999999Z07:00`)],
  ['hostname', (text) => text.length < 256 && hostname.test(text)],
  ['email', isEmail],
  ['idn-email', isEmail],
  ['ipv4', (text) => text.includes('.') && parseAddress(text) !== undefined],
  ['ipv6', (text) => text.includes(':') && parseAddress(text) !== undefined],
  ['uri', isUri],
  ['iri', isUri],
  ['uri-reference', isUriReference],
  ['iri-reference', isUriReference],
  ['uri-template', isTemplate],
  ['uuid', matches(/^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/i)],
  ['regex', (text) => text === '' || succeeds(() => compilePattern(text))],
  ['json-pointer', matches(/^(?:\/(?:[^~/]|~0|~1)*)*$/)],
  ['relative-json-pointer', matches(/^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~/]|~0|~1)*)*)$/)],
])
