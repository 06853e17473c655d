/**
 * What a cycle compares with: the documents in force, what is damaged among them, and the revision they belong to. A
 * document that somebody edited, or whose blobs are gone, counts as broken and is made anew.
 */
import { artifactDigest } from '../src/policy/artifact.ts'
import type {
  Fragment,
  ModuleDocument,
  PackageDocument,
  PolicyDocument,
  PolicyMeta,
  SourceDocument,
} from '../src/policy/schema.ts'
import { referencesOf } from '../src/store/blobs.ts'
import { collectionsOf } from '../src/store/collections.ts'
import type { Store } from '../src/store/store.ts'
import type { StoredContent } from './build/build.ts'

export interface StoredState {
  /** Read first: an apply that was made from this state is refused when the revision has moved since. */
  readonly revision: number
  readonly sources: ReadonlyMap<string, SourceDocument>
  /** Reads the documents; a Conflict among the fragments has been looked for by then. */
  readonly forBuild: (fragments: readonly Fragment[]) => Promise<StoredContent>
}

export interface ReadStoredOptions {
  readonly store: Store
  /** Names of the configured sources, retired ones too. */
  readonly configured: ReadonlySet<string>
  /** Compares the stored texts with the sources', too: reads every document whole. */
  readonly thorough: boolean
}

export async function readStored({ store, configured, thorough }: ReadStoredOptions): Promise<StoredState> {
  const { revision } = await store.head()
  const sources = await store.sources.list()
  const statuses = new Map(sources.items.map((document) => [document._id, document]))
  return {
    revision,
    sources: statuses,
    async forBuild(fragments) {
      const [policies, modules, packages] = await Promise.all([
        store.policies.stored(),
        store.policies.modules(),
        store.policies.packages(),
      ])
      const documents = [...policies.items, ...modules.items, ...packages.items]
      const inForce = fragments.filter(({ source, commit }) => statuses.get(source)?.commit === commit)
      const edited = thorough ? await editedTexts(store, inForce) : []
      return {
        policies: policies.items,
        modules: modules.items,
        packages: packages.items,
        dropped: new Set([...statuses.keys()].filter((name) => !configured.has(name))),
        broken: new Set([
          ...(await withoutBlobs(store, documents)),
          ...policies.items.filter(isEdited).map(({ _id }) => _id),
          ...edited,
        ]),
      }
    },
  }
}

/** A document that does not fit its schema is not listed at all and hence made anew. */
function isEdited({ _id, group, name, version, digest, artifact, status }: PolicyMeta): boolean {
  if (_id !== `${group}/${name}/${version}`) return true
  if (artifact === null) return status.phase === 'Ready'
  return digest !== artifactDigest(artifact.wasm, artifact.data, { kind: artifact.entry, rule: null })
}

async function withoutBlobs(
  store: Store,
  documents: readonly (PolicyMeta | ModuleDocument | PackageDocument)[],
): Promise<string[]> {
  const references = documents.map((document) => [document._id, referencesOf(document)] as const)
  const missing = new Set(await store.blobs.missing(references.flatMap(([, digests]) => digests)))
  return references.flatMap(([id, digests]) => (digests.some((digest) => missing.has(digest)) ? [id] : []))
}

/** Good policies whose Rego or data is not what their source says at the very commit that is in force. */
function editedTexts(store: Store, fragments: readonly Fragment[]): Promise<string[]> {
  const files = new Map(
    fragments.flatMap(({ source, files: all }) => all.map((file) => [`${source}:${file.path}`, file] as const)),
  )
  const isAsWritten = (source: string, path: string, text: PolicyDocument['data'] | undefined): boolean => {
    const file = files.get(`${source}:${path}`)
    if (text == null || file === undefined) return (text ?? undefined) === file
    return typeof text === 'string' ? text === file.text : text.blob === file.digest
  }
  return store.connection.run(async (db) => {
    const edited: string[] = []
    const sources = fragments.map(({ source }) => source)
    const good = { repository: { $in: sources }, 'status.phase': 'Ready' as const }
    const projection = { repository: 1, rego: 1, data: 1 } as const
    for await (const { _id, repository, rego, data } of collectionsOf(db).policies.find(good, { projection })) {
      const isWhole =
        isAsWritten(repository, `${_id}/policy.rego`, rego) && isAsWritten(repository, `${_id}/data.json`, data)
      if (!isWhole) edited.push(_id)
    }
    return edited
  })
}
