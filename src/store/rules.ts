/** The rules that are stored: all of them as of one revision for a cycle, a page for people. Written by apply alone. */
import type { ClientSession, Db, Filter } from 'mongodb'
import { EdictError } from '../errors.ts'
import { ruleKey, ruleSchema, type Rule, type RuleQuery } from '../policy/rules.ts'
import type { ChangeContext } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import { rulesAt } from './past-rules.ts'
import { readable } from './readable.ts'
import { sleep } from './wait.ts'

export interface Rules {
  /** By `ruleKey`; the same object as long as nothing has changed. `thorough` reads all anew. */
  readonly all: (options?: { readonly thorough?: boolean }) => Promise<ReadonlyMap<string, Rule>>
  /** Those of a revision that is kept. Who applies something by it is refused when the store has moved on since. */
  readonly at: (revision: number) => Promise<readonly Rule[]>
  readonly list: (query: RuleQuery) => Promise<{ readonly items: readonly Rule[]; readonly total: number }>
  readonly get: (id: string) => Promise<Rule | null>
  readonly ofService: (service: string) => Promise<readonly Rule[]>
  /** Names of services that have rules, sorted. */
  readonly services: () => Promise<readonly string[]>
}

export function createRules({ connection, log }: { connection: Connection; log: StoreLog }): Rules {
  const parsed = (documents: readonly unknown[]): readonly Rule[] => {
    const { items, problems } = readable(ruleSchema, 'rules', documents)
    for (const { id, message } of problems) log.error({ rule: id }, message)
    return items
  }
  let known: Loaded | null = null
  return {
    all: ({ thorough = false } = {}) =>
      connection.run(async (db) => {
        known = await load(db, thorough ? null : known, parsed)
        return known.rules
      }),
    at: (revision) =>
      connection.run(async (db) => {
        known = await load(db, known, parsed)
        return rulesAt(db, known.rules.values(), revision)
      }),
    list: ({ limit, skip, ...query }) =>
      connection.run(async (db) => {
        const { rules } = collectionsOf(db)
        const filter = filterOf(query)
        const [found, total] = await Promise.all([
          rules.find(filter).sort(order).skip(skip).limit(limit).toArray(),
          rules.countDocuments(filter),
        ])
        return { items: parsed(found), total }
      }),
    get: (id) =>
      connection.run(async (db) => parsed(await collectionsOf(db).rules.find({ _id: id }).toArray())[0] ?? null),
    ofService: (service_name) =>
      connection.run(async (db) => parsed(await collectionsOf(db).rules.find({ service_name }).sort(order).toArray())),
    services: () => connection.run(async (db) => (await collectionsOf(db).rules.distinct('service_name')).sort()),
  }
}

const order = { service_name: 1, resource_type: 1, role: 1, action: 1 } as const

function filterOf({ q, ...exact }: Omit<RuleQuery, 'limit' | 'skip'>): Filter<Rule> {
  const given = Object.fromEntries(Object.entries(exact).filter(([, value]) => value !== undefined))
  if (q === undefined || q === '') return given
  const part = { $regex: q.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`), $options: 'i' }
  return { ...given, $or: [{ service_name: part }, { resource_type: part }, { role: part }, { action: part }] }
}

interface Loaded {
  readonly rules: ReadonlyMap<string, Rule>
  /** The newest revision among them. */
  readonly newest: number
}

type Parse = (documents: readonly unknown[]) => readonly Rule[]

/** Reads between two looks at the head: rules change with the revision only, so that nothing is seen by half. */
async function load(db: Db, known: Loaded | null, parsed: Parse): Promise<Loaded> {
  const { head } = collectionsOf(db)
  const revision = async () => (await head.findOne({ _id: 'head' }))?.revision ?? 0
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const before = await revision()
    const loaded = (known === null ? null : await changed(db, known, parsed)) ?? (await whole(db, parsed))
    if ((await revision()) === before) return loaded
    await sleep(5 * attempt)
  }
  throw new EdictError('store_unavailable', 'the rules change faster than they can be read')
}

async function whole(db: Db, parsed: Parse): Promise<Loaded> {
  const all = parsed(await collectionsOf(db).rules.find({}, { batchSize: 10_000 }).toArray())
  return loadedOf(all.map((rule) => [ruleKey(rule), rule]))
}

/** What was written since, and without what is gone; null when that does not add up. */
async function changed(db: Db, known: Loaded, parsed: Parse): Promise<Loaded | null> {
  const { rules } = collectionsOf(db)
  const [newer, count] = await Promise.all([
    rules.find({ revision: { $gt: known.newest } }).toArray(),
    rules.countDocuments({}),
  ])
  if (newer.length === 0 && count === known.rules.size) return known
  const written = new Map(parsed(newer).map((rule) => [rule._id, rule]))
  const kept = [...known.rules.values()].filter(({ _id }) => !written.has(_id))
  const all = [...kept, ...written.values()]
  if (all.length === count) return loadedOf(all.map((rule) => [ruleKey(rule), rule]))
  const ids = await rules.find({}, { projection: { _id: 1 }, batchSize: 50_000 }).toArray()
  const present = new Set(ids.map(({ _id }) => _id))
  const standing = all.filter(({ _id }) => present.has(_id))
  return standing.length === present.size ? loadedOf(standing.map((rule) => [ruleKey(rule), rule])) : null
}

function loadedOf(entries: readonly (readonly [string, Rule])[]): Loaded {
  const newest = entries.reduce((most, [, { revision }]) => Math.max(most, revision), 0)
  return { rules: new Map(entries), newest }
}

/** Rules that a change puts and takes away. Names may pass from one rule to another, so all that is touched goes first. */
export interface RuleWrites {
  readonly put: readonly Rule[]
  readonly remove: readonly string[]
}

export async function writeRules(
  { put, remove }: RuleWrites,
  { session, context }: { readonly session: ClientSession; readonly context: ChangeContext },
): Promise<void> {
  const { rules } = context.collections
  const touched = [...put.map(({ _id }) => _id), ...remove]
  for (let from = 0; from < touched.length; from += 5_000)
    await rules.deleteMany({ _id: { $in: touched.slice(from, from + 5_000) } }, { session })
  const documents = put.map((rule) => ({ ...rule, revision: context.revision }))
  if (documents.length > 0) await rules.insertMany(documents, { session })
}
