/** Sources that stand still because somebody decided so: a commit was rejected, or a revision was gone back to. */
import { sourceResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import { type HoldDocument, holdDocumentSchema } from '../policy/revision-document.ts'
import type { Change } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { readable } from './readable.ts'

export interface Holds {
  readonly list: () => Promise<readonly HoldDocument[]>
  /** The next cycle takes the source's newest commit again. Rejects with `forbidden`, with `conflict` when nothing holds it. */
  readonly release: (
    source: string,
    actor: Actor | null,
  ) => Promise<{ readonly sequence: number; readonly hash: string }>
}

export const createHolds = ({
  connection,
  change,
  enforce,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
}): Holds => ({
  list: () =>
    connection.run(
      async (db) => readable(holdDocumentSchema, 'holds', await collectionsOf(db).holds.find().toArray()).items,
    ),
  release: async (source, asking) => {
    const { id: actor } = await enforce(asking, 'source', sourceResource(source))
    const info = { actor, action: 'source.release', resource: source }
    const { sequence, hash } = await change(info, async (session, { collections }) => {
      const { deletedCount } = await collections.holds.deleteOne({ _id: source }, { session })
      if (deletedCount === 0) throw new EdictError('conflict', `nothing holds ${source}`)
    })
    return { sequence, hash }
  },
})
