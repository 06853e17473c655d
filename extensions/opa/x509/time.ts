/** The validity of a certificate (RFC 5280, 4.1.2.5), with the zone offsets that Go accepts and shows again. */
import { malformed, tags, type DerReader } from '../der.ts'

export interface CertificateTime {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** RFC 3339, in the offset that it was written with. */
  readonly text: string
}

// The seconds of a UTCTime may be absent. A zero offset is written Z: Go formats the time again and compares.
const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})$/

export function readTime(reader: DerReader): CertificateTime {
  const { tag, content } = reader.any()
  const text = content.toString('latin1')
  if (tag === tags.utcTime) return timeOf(utcTime.exec(text), (year) => (year < 50 ? 2000 + year : 1900 + year))
  if (tag === tags.generalizedTime) return timeOf(generalizedTime.exec(text), (year) => year)
  throw malformed('time')
}

function timeOf(match: RegExpExecArray | null, fullYear: (year: number) => number): CertificateTime {
  if (match === null) throw malformed('time')
  const [, years, month, day, hour, minute, second = '00', zone = 'Z'] = match
  const year = `${fullYear(Number(years))}`.padStart(4, '0')
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`
  const utc = new Date(`${local}Z`)
  // What the calendar does not have comes back as another day, or not at all.
  if (Number.isNaN(utc.getTime()) || !utc.toISOString().startsWith(local) || !isOffset(zone)) throw malformed('time')
  return { at: utc.getTime() - offsetMinutes(zone) * 60_000, text: local + offset }
}

const isOffset = (zone: string): boolean =>
  zone === 'Z' || (offsetMinutes(zone) !== 0 && Number(zone.slice(1, 3)) <= 24 && Number(zone.slice(3)) < 60)

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))
  return zone.startsWith('-') ? -minutes : minutes
}
