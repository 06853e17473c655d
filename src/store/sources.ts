/** The stored status of each source. */
import { type SourceDocument, sourceDocumentSchema } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { type Readable, readable, readableOne } from './readable.ts'

export interface Sources {
  readonly get: (name: string) => Promise<SourceDocument | null>
  readonly list: () => Promise<Readable<SourceDocument>>
  /** What a cycle saw, when it changed nothing else: no transaction, no sequence. */
  readonly putStatus: (documents: readonly SourceDocument[]) => Promise<void>
  /** Of sources that are configured no more and have nothing in force. */
  readonly forget: (names: readonly string[]) => Promise<void>
}

export const createSources = (connection: Connection): Sources => ({
  get: (name) =>
    connection.run(async (db) =>
      readableOne(sourceDocumentSchema, 'sources', await collectionsOf(db).sources.findOne({ _id: name })),
    ),
  list: () =>
    connection.run(async (db) =>
      readable(sourceDocumentSchema, 'sources', await collectionsOf(db).sources.find().sort({ _id: 1 }).toArray()),
    ),
  putStatus: (documents) =>
    connection.run(async (db) => {
      const operations = documents.map(({ _id, ...replacement }) => ({
        replaceOne: { filter: { _id }, replacement, upsert: true },
      }))
      if (operations.length > 0) await collectionsOf(db).sources.bulkWrite(operations)
    }),
  forget: async (names) => {
    if (names.length === 0) return
    await connection.run((db) => collectionsOf(db).sources.deleteMany({ _id: { $in: [...names] } }))
  },
})
