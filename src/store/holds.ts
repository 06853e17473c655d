/** Sources that stand still because somebody decided so: a commit was rejected, or a revision was gone back to. */
import { EdictError } from '../errors.ts'
import { type HoldDocument, holdDocumentSchema } from '../policy/revision-document.ts'
import type { Change } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { readable } from './readable.ts'

export interface Holds {
  readonly list: () => Promise<readonly HoldDocument[]>
  /** The next cycle takes the source's newest commit again. Rejects with `conflict` when nothing holds it. */
  readonly release: (source: string, actor: string) => Promise<{ readonly sequence: number; readonly hash: string }>
}

export const createHolds = ({ connection, change }: { connection: Connection; change: Change }): Holds => ({
  list: () =>
    connection.run(
      async (db) => readable(holdDocumentSchema, 'holds', await collectionsOf(db).holds.find().toArray()).items,
    ),
  release: async (source, actor) => {
    const info = { actor, action: 'source.release', resource: source }
    const { sequence, hash } = await change(info, async (session, { collections }) => {
      const { deletedCount } = await collections.holds.deleteOne({ _id: source }, { session })
      if (deletedCount === 0) throw new EdictError('conflict', `nothing holds ${source}`)
    })
    return { sequence, hash }
  },
})
