/**
 * Time zones through `Intl`, which has their rules but neither the strict names nor the abbreviations of the tz
 * database: those come from the English long names. A zone without a letter abbreviation is called by its offset.
 */
import { BuiltinError } from './values.ts'

export interface Zone {
  /** Seconds east of UTC at a moment given in seconds since the epoch. */
  readonly offset: (seconds: number) => number
  /** `CET`, `EDT`, `+0545` */
  readonly abbreviation: (seconds: number) => string
}

export const utc: Zone = { offset: () => 0, abbreviation: () => 'UTC' }

const zones = new Map<string, Zone>()
const mostZones = 1000

/** `""` and `UTC` are UTC, `Local` is the zone of this process. Throws for what is no zone. */
export function zoneOf(name: string): Zone {
  if (name === '' || name === 'UTC') return utc
  const known = zones.get(name)
  if (known !== undefined) return known
  const zone = createZone(name === 'Local' ? new Intl.DateTimeFormat().resolvedOptions().timeZone : checkedName(name))
  if (zones.size < mostZones) zones.set(name, zone)
  return zone
}

/** `Intl` takes names in any case and offsets, too; the tz database does not. */
function checkedName(name: string): string {
  const unknown = new BuiltinError(`unknown time zone ${name}`)
  if (!/^[A-Z][\w+/-]*$/.test(name)) throw unknown
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions()
    if (timeZone === name || timeZone.toLowerCase() !== name.toLowerCase()) return name
  } catch {
    // Not known to Intl either.
  }
  throw unknown
}

function createZone(timeZone: string): Zone {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const names = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'long' })

  function offset(seconds: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
    for (const { type, value } of clock.formatToParts(seconds * 1000)) parts[type] = value
    const year = Number(parts.year)
    const date = new Date(0)
    date.setUTCFullYear(parts.era === 'BC' ? 1 - year : year, Number(parts.month) - 1, Number(parts.day))
    date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second))
    return date.getTime() / 1000 - seconds
  }

  function abbreviation(seconds: number): string {
    const name = names.formatToParts(seconds * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const own = exceptions[timeZone]?.[name] ?? exceptions[timeZone]?.['']
    return own ?? abbreviations[name] ?? unnamed(offset(seconds))
  }

  /** `Intl` has names since 1970 or later: before, what the zone was called in 1975 at the same offset. */
  function unnamed(away: number): string {
    for (const seconds of [winter1975, summer1975]) {
      const name = names.formatToParts(seconds * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      const known = abbreviations[name]
      if (known !== undefined && offset(seconds) === away) return known
    }
    return numeric(away)
  }

  return { offset, abbreviation }
}

const winter1975 = Date.UTC(1975, 0, 15) / 1000
const summer1975 = Date.UTC(1975, 6, 15) / 1000

/** Odd seconds are those of a local mean time. */
function numeric(offset: number): string {
  if (offset % 60 !== 0) return 'LMT'
  const minutes = Math.trunc(Math.abs(offset) / 60)
  const hour = `${Math.trunc(minutes / 60)}`.padStart(2, '0')
  const minute = minutes % 60 === 0 ? '' : `${minutes % 60}`.padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${hour}${minute}`
}

const abbreviations: Readonly<Record<string, string>> = {
  'Alaska Daylight Time': 'AKDT',
  'Alaska Standard Time': 'AKST',
  'American Samoa Standard Time': 'SST',
  'Atlantic Daylight Time': 'ADT',
  'Atlantic Standard Time': 'AST',
  'Australian Central Daylight Time': 'ACDT',
  'Australian Central Standard Time': 'ACST',
  'Australian Eastern Daylight Time': 'AEDT',
  'Australian Eastern Standard Time': 'AEST',
  'Australian Western Standard Time': 'AWST',
  'British Summer Time': 'BST',
  'Central Africa Time': 'CAT',
  'Central Daylight Time': 'CDT',
  'Central European Standard Time': 'CET',
  'Central European Summer Time': 'CEST',
  'Central Indonesia Time': 'WITA',
  'Central Standard Time': 'CST',
  'Chamorro Standard Time': 'ChST',
  'China Standard Time': 'CST',
  'Coordinated Universal Time': 'UTC',
  'Cuba Daylight Time': 'CDT',
  'Cuba Standard Time': 'CST',
  'East Africa Time': 'EAT',
  'Eastern Daylight Time': 'EDT',
  'Eastern European Standard Time': 'EET',
  'Eastern European Summer Time': 'EEST',
  'Eastern Indonesia Time': 'WIT',
  'Eastern Standard Time': 'EST',
  'Greenwich Mean Time': 'GMT',
  'Hawaii-Aleutian Daylight Time': 'HDT',
  'Hawaii-Aleutian Standard Time': 'HST',
  'Hong Kong Standard Time': 'HKT',
  'Hong Kong Summer Time': 'HKST',
  'India Standard Time': 'IST',
  'Irish Standard Time': 'IST',
  'Israel Daylight Time': 'IDT',
  'Israel Standard Time': 'IST',
  'Japan Standard Time': 'JST',
  'Korean Daylight Time': 'KDT',
  'Korean Standard Time': 'KST',
  'Mexican Pacific Daylight Time': 'MDT',
  'Mexican Pacific Standard Time': 'MST',
  'Moscow Standard Time': 'MSK',
  'Moscow Summer Time': 'MSD',
  'Mountain Daylight Time': 'MDT',
  'Mountain Standard Time': 'MST',
  'New Zealand Daylight Time': 'NZDT',
  'New Zealand Standard Time': 'NZST',
  'Newfoundland Daylight Time': 'NDT',
  'Newfoundland Standard Time': 'NST',
  'Pacific Daylight Time': 'PDT',
  'Pacific Standard Time': 'PST',
  'Pakistan Standard Time': 'PKT',
  'Philippine Standard Time': 'PST',
  'South Africa Standard Time': 'SAST',
  'Taiwan Standard Time': 'CST',
  'West Africa Time': 'WAT',
  'Western European Standard Time': 'WET',
  'Western European Summer Time': 'WEST',
  'Western Indonesia Time': 'WIB',
  'Yukon Time': 'MST',
}

/** Zones that are not called as others with the same long name; `""` stands for any name. */
const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Africa/Casablanca': { 'Western European Standard Time': '+00', 'Western European Summer Time': '+01' },
  'Africa/El_Aaiun': { 'Western European Standard Time': '+00', 'Western European Summer Time': '+01' },
  'Antarctica/Casey': { '': '+08' },
  'Antarctica/Troll': { 'Greenwich Mean Time': '+00' },
  'Asia/Colombo': { '': '+0530' },
  'Etc/GMT': { '': 'GMT' },
  'Etc/GMT+0': { '': 'GMT' },
  'Etc/GMT-0': { '': 'GMT' },
  'Etc/GMT0': { '': 'GMT' },
  'Etc/Greenwich': { '': 'GMT' },
  'Europe/Guernsey': { 'GMT+01:00': 'BST' },
  'Europe/Isle_of_Man': { 'GMT+01:00': 'BST' },
  'Europe/Jersey': { 'GMT+01:00': 'BST' },
  'Europe/Minsk': { 'Moscow Standard Time': '+03' },
  GMT: { '': 'GMT' },
  'GMT+0': { '': 'GMT' },
  'GMT-0': { '': 'GMT' },
  GMT0: { '': 'GMT' },
  Greenwich: { '': 'GMT' },
  MET: { 'Central European Standard Time': 'MET', 'Central European Summer Time': 'MEST' },
}
