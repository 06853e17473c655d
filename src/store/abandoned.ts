/**
 * A process that was killed leaves its transaction open at the server, which keeps what that wrote from everybody else
 * for a minute. Whoever meets such a one ends it. A process that lives never pauses so long inside of a transaction; if
 * one did, it would be told so and run its own again.
 */
import type { MongoClient } from 'mongodb'
import { appName } from './connection.ts'

const abandonedMs = 2_000

/** Answers how many there were. Sees what its own user may see, which needs no privilege. */
export async function endAbandoned(client: MongoClient): Promise<number> {
  const admin = client.db('admin')
  const abandoned = {
    type: 'idleSession',
    appName,
    'transaction.timeInactiveMicros': { $gt: abandonedMs * 1000 },
  }
  const stages = [{ $currentOp: { idleSessions: true } }, { $match: abandoned }, { $project: { id: '$lsid.id' } }]
  const sessions = await admin
    .aggregate<{ readonly id: unknown }>(stages, { readConcern: { level: 'local' } })
    .map(({ id }) => ({ id }))
    .toArray()
  if (sessions.length > 0) await admin.command({ killSessions: sessions })
  return sessions.length
}
