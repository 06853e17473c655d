/**
 * Content by its sha256: WASM modules, data roots, large texts. Written before any transaction and never changed; a
 * blob exists once its document does, and that is written after its content was verified.
 */
import { type Db, GridFSBucket, type ObjectId } from 'mongodb'
import { EdictError } from '../errors.ts'
import { sha256 } from '../policy/digest.ts'
import { type BlobDocument, bucketName, collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { isDuplicate } from './failure.ts'

/** Beyond this a blob goes to GridFS: a document holds 16 MB at most. */
const inlineBytes = 12 * 1024 * 1024
/** Bytes sent in one insert. */
const batchBytes = 16 * 1024 * 1024
const hourMs = 3_600_000

export interface Blob {
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface Blobs {
  /** Stores what is not stored yet and keeps all of them from being collected for the next hour. */
  readonly put: (blobs: readonly Blob[]) => Promise<{ readonly written: number }>
  /** Verified bytes; rejects when the blob is missing or damaged. */
  readonly get: (digest: string, signal?: AbortSignal) => Promise<Uint8Array>
  /** Which of these are not stored. */
  readonly missing: (digests: Iterable<string>) => Promise<readonly string[]>
  /** Removes what neither `referenced` nor a stored document names and nobody put for `olderThanMs` (an hour). */
  readonly collectGarbage: (options?: GarbageOptions) => Promise<{ readonly removed: number }>
}

export interface GarbageOptions {
  readonly referenced?: Iterable<string>
  readonly olderThanMs?: number
}

export function createBlobs(connection: Connection): Blobs {
  const bucketOf = (db: Db) => new GridFSBucket(db, { bucketName, writeConcern: { w: 'majority' } })
  return {
    put: (blobs) => connection.run((db) => put(db, bucketOf(db), blobs)),
    get: (digest, signal) => connection.run((db) => get(db, bucketOf(db), { digest, signal })),
    missing: (digests) => connection.run((db) => missingBlobs(db, digests)),
    collectGarbage: (options = {}) => connection.run((db) => collect(db, bucketOf(db), options)),
  }
}

export async function missingBlobs(db: Db, digests: Iterable<string>): Promise<readonly string[]> {
  const wanted = [...new Set(digests)]
  const found = await collectionsOf(db)
    .blobs.find({ _id: { $in: wanted } }, { projection: { _id: 1 } })
    .toArray()
  const present = new Set(found.map(({ _id }) => _id))
  return wanted.filter((digest) => !present.has(digest))
}

async function put(db: Db, bucket: GridFSBucket, blobs: readonly Blob[]): Promise<{ readonly written: number }> {
  const unique = new Map(blobs.map((blob) => [blob.digest, blob.bytes]))
  const collection = collectionsOf(db).blobs
  // Touched first: what is found below cannot be collected before the transaction that names it.
  await collection.updateMany({ _id: { $in: [...unique.keys()] } }, { $currentDate: { touched: true } })
  const absent = new Set(await missingBlobs(db, unique.keys()))
  let batch: BlobDocument[] = []
  let size = 0
  const flush = async () => {
    if (batch.length > 0) await insertAll(db, batch)
    batch = []
    size = 0
  }
  for (const [digest, bytes] of unique) {
    if (!absent.has(digest)) continue
    if (sha256(bytes) !== digest)
      throw new EdictError('internal_error', `the bytes of blob ${digest} have another digest`)
    if (bytes.length > inlineBytes) {
      await putLarge(db, bucket, { digest, bytes })
      continue
    }
    if (size + bytes.length > batchBytes) await flush()
    batch.push({ _id: digest, size: bytes.length, bytes, file: null, touched: new Date() })
    size += bytes.length
  }
  await flush()
  return { written: absent.size }
}

/** Another process may write the same content at the same time: that is no fault. */
async function insertAll(db: Db, documents: BlobDocument[]): Promise<void> {
  try {
    await collectionsOf(db).blobs.insertMany(documents, { ordered: false })
  } catch (error) {
    if (!isDuplicate(error)) throw error
  }
}

async function putLarge(db: Db, bucket: GridFSBucket, { digest, bytes }: Blob): Promise<void> {
  const upload = bucket.openUploadStream(digest, { chunkSizeBytes: 4 * 1024 * 1024, metadata: { digest } })
  await new Promise<void>((resolve, reject) => {
    upload.once('finish', resolve).once('error', reject).end(bytes)
  })
  const stored = await readFile(bucket, upload.id)
  if (sha256(stored) !== digest) {
    await bucket.delete(upload.id)
    throw new EdictError('internal_error', `blob ${digest} was not stored as it was sent`)
  }
  const file = upload.id.toHexString()
  await insertAll(db, [{ _id: digest, size: bytes.length, bytes: null, file, touched: new Date() }])
}

interface Wanted {
  readonly digest: string
  readonly signal: AbortSignal | undefined
}

async function get(db: Db, bucket: GridFSBucket, { digest, signal }: Wanted): Promise<Uint8Array> {
  const document = await collectionsOf(db).blobs.findOne(
    { _id: digest },
    { promoteBuffers: true, ...(signal && { signal }) },
  )
  if (document === null) throw new EdictError('internal_error', `blob ${digest} is missing from the store`)
  const bytes = document.bytes ?? (await readLarge(bucket, document))
  if (sha256(bytes) !== digest) throw new EdictError('internal_error', `blob ${digest} is damaged in the store`)
  return bytes
}

async function readLarge(bucket: GridFSBucket, { _id, file }: BlobDocument): Promise<Uint8Array> {
  const found = await bucket.find({ filename: _id }).toArray()
  const id = found.find((candidate) => candidate._id.toHexString() === file)?._id
  if (id === undefined) throw new EdictError('internal_error', `blob ${_id} is missing its content in the store`)
  return readFile(bucket, id)
}

async function readFile(bucket: GridFSBucket, id: ObjectId): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bucket.openDownloadStream(id)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function collect(db: Db, bucket: GridFSBucket, options: GarbageOptions): Promise<{ readonly removed: number }> {
  const { referenced = [], olderThanMs = hourMs } = options
  const { blobs } = collectionsOf(db)
  const used = [...new Set([...referenced, ...(await storedReferences(db))])]
  const old = { $expr: { $lt: ['$touched', { $subtract: ['$$NOW', olderThanMs] }] } }
  const candidates = await blobs.find({ _id: { $nin: used }, ...old }, { projection: { _id: 1 } }).toArray()
  // The age is asked again: a put may have touched it since.
  const { deletedCount } = await blobs.deleteMany({ _id: { $in: candidates.map(({ _id }) => _id) }, ...old })
  await collectFiles(db, bucket, olderThanMs)
  return { removed: deletedCount }
}

/** Files that no blob document points at: collected above, or never completed. */
async function collectFiles(db: Db, bucket: GridFSBucket, olderThanMs: number): Promise<void> {
  const kept = await collectionsOf(db)
    .blobs.find({ file: { $ne: null } }, { projection: { file: 1 } })
    .toArray()
  const files = new Set(kept.map(({ file }) => file))
  const before = new Date(Date.now() - olderThanMs)
  for await (const { _id } of bucket.find({ uploadDate: { $lt: before } })) {
    if (!files.has(_id.toHexString())) await bucket.delete(_id)
  }
}

/** Every digest that a stored policy, module, package, version, plan or audit entry names. */
async function storedReferences(db: Db): Promise<readonly string[]> {
  const { policies, modules, packages, versions, plans, audit } = collectionsOf(db)
  const used: string[] = []
  const texts = { 'rego.blob': 1, 'data.blob': 1, 'files.text.blob': 1, artifact: 1 } as const
  for await (const policy of policies.find({}, { projection: texts })) used.push(...referencesOf(policy))
  for await (const { text } of modules.find({}, { projection: { 'text.blob': 1 } }))
    used.push(...referencesOf({ text }))
  for await (const found of packages.find({}, { projection: { artifact: 1, sharedData: 1 } }))
    used.push(...referencesOf(found))
  const ofVersion = Object.fromEntries([...Object.keys(texts), 'text.blob'].map((path) => [`document.${path}`, 1]))
  for await (const { document } of versions.find({}, { projection: ofVersion })) used.push(...referencesOf(document))
  for await (const { diffs } of plans.find({}, { projection: { 'diffs.blob': 1 } }))
    used.push(...referencesOf({ text: diffs }))
  for await (const { changes } of audit.find({ 'changes.0': { $exists: true } }, { projection: { changes: 1 } }))
    for (const { before, after } of changes) used.push(...[before, after].filter((digest) => digest !== null))
  return used
}

/** The digests in a document's StoredText values and artifact; tolerant, because it may read a projection. */
export function referencesOf(document: {
  readonly artifact?: { readonly wasm: string; readonly data: string } | null
  readonly sharedData?: string | null
  readonly rego?: unknown
  readonly data?: unknown
  readonly text?: unknown
  readonly files?: readonly { readonly text?: unknown }[]
}): readonly string[] {
  const { artifact, sharedData, rego, data, text, files = [] } = document
  const texts = [rego, data, text, ...files.map((file) => file.text)]
  const blobs = texts.flatMap((value) =>
    typeof value === 'object' && value !== null && 'blob' in value && typeof value.blob === 'string'
      ? [value.blob]
      : [],
  )
  return [...(artifact ? [artifact.wasm, artifact.data] : []), ...(sharedData ? [sharedData] : []), ...blobs]
}
