/**
 * What each revision consists of: every document as it was written, from the revision that wrote it to the one that
 * replaced it. Its texts are blobs, written before the transaction. A revision is answered for as long as it is listed.
 */
import type { ClientSession, Db } from 'mongodb'
import { sha256 } from '../policy/digest.ts'
import type { VersionDocument } from '../policy/revision-document.ts'
import type { ModuleDocument, PolicyDocument } from '../policy/schema.ts'
import type { ApplyPlan } from './apply.ts'
import type { Blob, Blobs } from './blobs.ts'
import { type Collections, collectionsOf } from './collections.ts'
import { isDuplicate } from './failure.ts'
import { moduleTexts, policyTexts, type TextMap } from './lighten.ts'

/** The documents that an apply writes, light enough to be written twice. */
export interface Archived {
  readonly policies: readonly PolicyDocument[]
  readonly modules: readonly ModuleDocument[]
}

export type ArchivedDocuments = Pick<ApplyPlan, 'create' | 'replace' | 'modules'>

/** Before the transaction: puts the texts away as blobs. What never had a good artifact is part of no revision. */
export async function archive(
  { create, replace, modules }: ArchivedDocuments,
  blobs: Pick<Blobs, 'put'>,
): Promise<Archived> {
  const made: Blob[] = []
  const toBlob: TextMap = (text) => {
    if (typeof text !== 'string') return text
    const bytes = new TextEncoder().encode(text)
    const digest = sha256(bytes)
    made.push({ digest, bytes })
    return { blob: digest, size: bytes.length }
  }
  const policies = [...create, ...replace].filter(({ artifact }) => artifact !== null)
  const archived = {
    // What its tests came to is told of what is in force alone.
    policies: policies.map((policy) => ({ ...policyTexts(policy, toBlob), tests: null })),
    modules: modules.put.map((module) => moduleTexts(module, toBlob)),
  }
  await blobs.put(made)
  return archived
}

export interface Succession {
  readonly session: ClientSession
  readonly collections: Collections
  readonly revision: number
  readonly archived: Archived
  readonly removed: { readonly policies: readonly string[]; readonly modules: readonly string[] }
}

/** In the transaction: what is replaced or removed ends here, what is written begins. */
export async function succeed({ session, collections, revision, archived, removed }: Succession): Promise<void> {
  const ends = (kind: VersionDocument['kind'], keys: readonly string[]) =>
    keys.length === 0
      ? undefined
      : collections.versions.updateMany(
          { kind, key: { $in: [...keys] }, to: null },
          { $set: { to: revision } },
          { session },
        )
  await ends('policy', [...removed.policies, ...archived.policies.map(({ _id }) => _id)])
  await ends('module', [...removed.modules, ...archived.modules.map(({ _id }) => _id)])
  const begun = versionsOf(archived, revision)
  if (begun.length > 0) await collections.versions.insertMany([...begun], { session })
}

function versionsOf({ policies, modules }: Archived, from: number): readonly VersionDocument[] {
  return [
    ...policies.map((document) => ({
      ...named('policy', document._id, from),
      kind: 'policy' as const,
      document: { ...document, revision: from },
    })),
    ...modules.map((document) => ({
      ...named('module', document._id, from),
      kind: 'module' as const,
      document: { ...document, revision: from },
    })),
  ]
}

const named = (kind: string, key: string, from: number) => ({ _id: `${kind}:${key}@${from}`, key, from, to: null })

/** Nothing is known of what was in force before now. */
export async function forgetRevisions(db: Db): Promise<number> {
  const { head, revisions } = collectionsOf(db)
  const revision = (await head.findOne({ _id: 'head' }))?.revision ?? 0
  if (revision > 0) await revisions.deleteMany({ _id: { $lte: revision } })
  return revision
}

/**
 * When the collection was lost nothing is known of earlier revisions any more: they are not listed, and what is in force
 * begins anew, to be part of the next ones.
 */
export async function reseedVersions(db: Db, blobs: Pick<Blobs, 'put'>): Promise<void> {
  const { versions, policies, modules } = collectionsOf(db)
  const revision = await forgetRevisions(db)
  if (revision === 0) return
  const stored = {
    create: await policies.find().toArray(),
    replace: [],
    modules: { put: await modules.find().toArray(), remove: [] },
  }
  const begun = versionsOf(await archive(stored, blobs), revision)
  if (begun.length === 0) return
  await versions.insertMany([...begun], { ordered: false }).catch((error: unknown) => {
    // Another process does the same.
    if (!isDuplicate(error)) throw error
  })
}
