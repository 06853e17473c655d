/**
 * The audit log as a hash chain: each entry's hash covers the one before, so none can be altered, taken out or moved
 * unseen. Who acted and from where stand beside a salted commitment that the hash covers: they can be erased, and the
 * chain still verifies. Pure but for the salt.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { AuditDocument, TextChange } from '../policy/schema.ts'

export const firstHash = ''

/** What is to be written down. */
export interface EntryInfo {
  readonly actor: string
  /** An address, a host, a command: where the actor was. */
  readonly from?: string | null
  /** `policy.lock`, `sync.apply`, … */
  readonly action: string
  readonly resource: string
  /** Anything JSON can say. */
  readonly details?: Readonly<Record<string, unknown>>
  /** What the change made of which text. */
  readonly changes?: readonly TextChange[]
}

const personalFields = ['actor', 'from'] as const

export function auditHash(previous: string, entry: Omit<AuditDocument, 'hash'>): string {
  const { _id, at, action, resource, details, changes, sealed } = entry
  const text = canonicalJson({ _id, at: at.toISOString(), action, resource, details, changes, sealed })
  return createHash('sha256').update(previous).update('\0').update(text).digest('hex')
}

export function entryOf(info: EntryInfo, { _id, at }: { readonly _id: number; readonly at: Date }) {
  const { actor, from = null, action, resource, details = {}, changes = [] } = info
  const salts = { actor: newSalt(), from: from === null ? null : newSalt() }
  const sealed = {
    actor: commitment(salts.actor, actor),
    from: salts.from && from ? commitment(salts.from, from) : null,
  }
  return { _id, at, actor, from, action, resource, details: plainDetails(details), changes, salts, sealed }
}

const newSalt = (): string => randomBytes(16).toString('hex')

const commitment = (salt: string, value: string): string =>
  createHash('sha256').update(salt).update('\0').update(value).digest('hex')

/** What does not hold of one entry; undefined when it holds. */
export function entryProblem(entry: AuditDocument, previous: string): string | undefined {
  const { hash, salts, sealed } = entry
  for (const field of personalFields) {
    const [value, salt] = [entry[field], salts[field]]
    // Erased: nothing is left to compare.
    if (value === null && salt === null) continue
    if (value === null || salt === null || commitment(salt, value) !== sealed[field])
      return `its ${field} is not what was written`
  }
  return auditHash(previous, entry) === hash ? undefined : 'it does not match its hash'
}

/** JSON with sorted keys and no white space; dates as ISO text, undefined left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

/** Details as they read back from the store: plain JSON, so that their hash can be computed again. */
const plainDetails = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  JSON.parse(canonicalJson(details))

/** `12:ab…`: the entry that a change wrote; whoever keeps it can tell later whether the log still has it. */
export interface AuditMark {
  readonly sequence: number
  readonly hash: string
}

export const markText = ({ sequence, hash }: AuditMark): string => `${sequence}:${hash}`

/** undefined when it is no mark. */
export function parseMark(text: string): AuditMark | undefined {
  const [, sequence, hash] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  return sequence === undefined || hash === undefined ? undefined : { sequence: Number(sequence), hash }
}
