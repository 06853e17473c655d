/**
 * The change stream of the database, cut into whole changes: a transaction's events are held until its `head` event,
 * the last one. What was written outside such a transaction is foreign: somebody's hand, not Edict's.
 */
import type { Document } from 'mongodb'
import {
  type HeadDocument,
  type LockDocument,
  type PackageDocument,
  type PolicyKey,
  type PolicyMeta,
  type SettingDocument,
  type TokenDocument,
  lockDocumentSchema,
  packageDocumentSchema,
  settingDocumentSchema,
  tokenDocumentSchema,
} from '../policy/schema.ts'
import { followed, watchedNames } from './collections.ts'
import { policyMetaSchema, type Problem, readable } from './readable.ts'

export interface StreamEvent extends Document {
  readonly _id: unknown
  readonly operationType: string
  readonly ns?: { readonly db: string; readonly coll?: string }
  readonly to?: { readonly coll?: string }
  readonly documentKey?: { readonly _id: unknown }
  readonly fullDocument?: Document
  /** Only on events of a transaction. */
  readonly lsid?: { readonly id: { toString(encoding: 'hex'): string } }
  readonly txnNumber?: { toString(): string }
}

export interface StoreChange {
  readonly policies: readonly PolicyMeta[]
  readonly removed: readonly PolicyKey[]
  readonly packages: { readonly set: readonly PackageDocument[]; readonly removed: readonly string[] }
  readonly locks: { readonly set: readonly LockDocument[]; readonly removed: readonly PolicyKey[] }
  readonly tokens: { readonly set: readonly TokenDocument[]; readonly removed: readonly string[] }
  readonly settings: readonly SettingDocument[]
  readonly sequence: number
  /** The sequence before it: a change has as many numbers as audit entries. */
  readonly previous: number
  readonly revision: number
}

const lossTypes = ['drop', 'rename', 'dropDatabase', 'invalidate']

/** Texts stay in the store: a replica answers from artifacts. */
export const pipeline: Document[] = [
  { $match: { $or: [{ operationType: { $in: lossTypes } }, { 'ns.coll': { $in: [...followed] } }] } },
  { $unset: ['fullDocument.rego', 'fullDocument.data', 'fullDocument.files', 'updateDescription'] },
]

export type Cut =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'change'; readonly change: StoreChange; readonly problems: readonly Problem[] }
  | { readonly kind: 'foreign'; readonly what: string }
  | { readonly kind: 'lost'; readonly what: string }

const nothing: Cut = { kind: 'nothing' }

export interface Cutter {
  readonly push: (event: StreamEvent) => Cut
  /** True between the first event of a transaction and its last. */
  readonly isInside: () => boolean
}

export function createCutter(): Cutter {
  let transaction = ''
  let held: StreamEvent[] = []
  const push = (event: StreamEvent): Cut => {
    const coll = event.ns?.coll ?? ''
    if (lossTypes.includes(event.operationType)) return lossOf(event)
    const owner = transactionOf(event)
    if (owner === null) return coll === 'head' && event.operationType !== 'delete' ? nothing : foreign(event)
    const orphans = owner === transaction ? [] : held
    if (owner !== transaction) held = []
    transaction = owner
    if (coll !== 'head') {
      held.push(event)
      return orphans[0] ? foreign(orphans[0]) : nothing
    }
    const events = held
    held = []
    return cut(events, event)
  }
  return { push, isInside: () => held.length > 0 }
}

function transactionOf({ lsid, txnNumber }: StreamEvent): string | null {
  return lsid === undefined || txnNumber === undefined ? null : `${lsid.id.toString('hex')}:${txnNumber.toString()}`
}

const foreign = ({ operationType, ns, documentKey }: StreamEvent): Cut => ({
  kind: 'foreign',
  what: `${operationType} of ${ns?.coll ?? '?'}/${String(documentKey?._id)}`,
})

function lossOf({ operationType, ns, to }: StreamEvent): Cut {
  const names = [ns?.coll, to?.coll].filter((name) => name !== undefined)
  const isOurs = names.length === 0 || names.some((name) => watchedNames.includes(name))
  return isOurs ? { kind: 'lost', what: [operationType, ...names].join(' ') } : nothing
}

function cut(events: readonly StreamEvent[], headEvent: StreamEvent): Cut {
  const head = headOf(headEvent.fullDocument)
  if (head === null) return foreign(headEvent)
  const last = lastOfEach(events)
  const of = (coll: string) => last.filter(({ ns }) => ns?.coll === coll)
  const policies = readable(policyMetaSchema, 'policies', documents(of('policies')))
  const packages = readable(packageDocumentSchema, 'packages', documents(of('packages')))
  const locks = readable(lockDocumentSchema, 'locks', documents(of('locks')))
  const tokens = readable(tokenDocumentSchema, 'tokens', documents(of('tokens')))
  const settings = readable(settingDocumentSchema, 'settings', documents(of('settings')))
  return {
    kind: 'change',
    change: {
      policies: policies.items,
      removed: deletedKeys(of('policies')),
      packages: { set: packages.items, removed: deletedKeys(of('packages')) },
      locks: { set: locks.items, removed: deletedKeys(of('locks')) },
      // One that does not fit is none: it lets nobody in.
      tokens: { set: tokens.items, removed: [...deletedKeys(of('tokens')), ...tokens.problems.map(({ id }) => id)] },
      settings: settings.items,
      ...head,
    },
    problems: [policies, packages, locks, tokens, settings].flatMap((found) => found.problems),
  }
}

function headOf(
  document: Document | undefined,
): (Pick<HeadDocument, 'sequence' | 'revision'> & { readonly previous: number }) | null {
  const sequence: unknown = document?.['sequence']
  const revision: unknown = document?.['revision']
  const previous: unknown = document?.['previous']
  if (typeof sequence !== 'number' || typeof revision !== 'number') return null
  return { sequence, revision, previous: typeof previous === 'number' ? previous : sequence - 1 }
}

/** A document written twice in one transaction counts as it was left. */
const lastOfEach = (events: readonly StreamEvent[]): readonly StreamEvent[] => [
  ...new Map(events.map((event) => [`${event.ns?.coll}/${String(event.documentKey?._id)}`, event])).values(),
]

const documents = (events: readonly StreamEvent[]) =>
  events
    .filter(({ operationType }) => operationType !== 'delete')
    .map(({ fullDocument, documentKey }) => fullDocument ?? documentKey)

const deletedKeys = (events: readonly StreamEvent[]) =>
  events
    .filter(({ operationType }) => operationType === 'delete')
    .map(({ documentKey }) => String(documentKey?._id) as PolicyKey)
