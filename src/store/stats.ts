/**
 * Decisions per minute, per policy and over all (`*`), added up over all processes: one document an hour, gone after a
 * week. What is lost of it is no harm: nothing waits for it, and it stands in no transaction.
 */
import type { Db } from 'mongodb'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'

/** Of one minute. */
export interface MinuteCounts {
  readonly decisions: number
  readonly failed: number
  readonly seconds: number
  readonly cost: number
}

/** `_id` is `<policy>@<hour>`; `minutes` by their number. */
export interface StatsDocument {
  readonly _id: string
  readonly policy: string
  readonly at: Date
  readonly minutes: Readonly<Record<string, MinuteCounts>>
}

export interface CountedMinute extends MinuteCounts {
  readonly policy: string
  /** Milliseconds since the epoch, a whole minute. */
  readonly at: number
}

export interface Stats {
  readonly add: (counted: readonly CountedMinute[]) => Promise<void>
  /** From the one minute to the other, those without a decision left out. */
  readonly read: (policy: string, from: number, to: number) => Promise<ReadonlyMap<number, MinuteCounts>>
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const keptMs = 7 * 24 * hourMs
/** Counted from where an hour begins: its last minute is kept as long as any other. */
const expireAfterSeconds = (keptMs + hourMs) / 1000

export const createStats = (connection: Connection): Stats => {
  let isIndexed = false
  return {
    add: (counted) =>
      connection.run(async (db) => {
        const { stats } = collectionsOf(db)
        if (!isIndexed) await ensureExpiry(db)
        isIndexed = true
        await stats.bulkWrite(counted.map(increment), { ordered: false, writeConcern: { w: 1 } })
      }),
    read: (policy, from, to) =>
      connection.run(async (db) => {
        const at = { $gte: new Date(from - (from % hourMs)), $lte: new Date(to) }
        const hours = await collectionsOf(db).stats.find({ policy, at }).toArray()
        const minutes = hours.flatMap((hour) =>
          Object.entries(hour.minutes).map(
            ([number, counts]) => [hour.at.getTime() + Number(number) * minuteMs, counts] as const,
          ),
        )
        return new Map(minutes.filter(([minute]) => minute >= from && minute <= to))
      }),
  }
}

/** Changes the time of an index that is there already. */
const ensureExpiry = async (db: Db): Promise<void> => {
  const key = { at: 1 } as const
  try {
    await collectionsOf(db).stats.createIndex(key, { name: 'age', expireAfterSeconds })
  } catch (error) {
    if (!(error instanceof Error && 'codeName' in error && error.codeName === 'IndexOptionsConflict')) throw error
    await db.command({ collMod: 'stats', index: { keyPattern: key, expireAfterSeconds } })
  }
}

const increment = ({ policy, at, ...counts }: CountedMinute) => {
  const hour = at - (at % hourMs)
  const minute = (at - hour) / minuteMs
  const added = Object.entries(counts).map(([name, value]) => [`minutes.${minute}.${name}`, value] as const)
  return {
    updateOne: {
      filter: { _id: `${policy}@${new Date(hour).toISOString()}` },
      update: { $inc: Object.fromEntries(added), $setOnInsert: { policy, at: new Date(hour) } },
      upsert: true,
    },
  }
}
