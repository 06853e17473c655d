/** The shared modules and data in force, as a draft meets them: what its author may not read, it may not refer to. */
import { LRUCache } from 'lru-cache'
import type { Candidate } from '../explain/subject.ts'
import type { Opa } from '../opa/run.ts'
import type { ParsedModule } from '../policy/analysis.ts'
import { indexPackages, type PackageIndex, type SharedData, type SharedModule } from '../policy/packages.ts'
import { overlaps, type DataPath } from '../policy/paths.ts'
import { shippedSource } from '../policy/rbac.ts'
import type { Readable } from '../policy/readable.ts'
import type { ModuleDocument, SourceFile } from '../policy/schema.ts'
import type { JsonReader } from '../policy/validate.ts'
import type { Store } from '../store/store.ts'

export interface Shared {
  readonly index: PackageIndex
  readonly data: readonly SharedData[]
  readonly candidates: readonly Candidate[]
}

export type ReadShared = (opa: Opa, json: JsonReader) => Promise<Shared>

export const createReadShared = (store: Pick<Store, 'policies'>): ReadShared => {
  const parses = new LRUCache<string, Promise<ParsedModule>>({ max: 2_000 })
  const parsed = (opa: Opa, { text, digest }: SourceFile): Promise<ParsedModule> => {
    const known = parses.get(digest)
    if (known !== undefined) return known
    const parsing = opa.parse(text)
    parses.set(digest, parsing)
    parsing.catch(() => parses.delete(digest))
    return parsing
  }
  return async (opa, json) => {
    const { items } = await store.policies.modules()
    const files = await Promise.all(items.map((document) => fileOf(store, document)))
    const modules = (await Promise.all(files.map((one) => moduleOf(one, (file) => parsed(opa, file))))).flat()
    return {
      index: indexPackages(modules),
      data: files.flatMap((one) => dataOf(one, json)),
      candidates: modules.map(candidateOf),
    }
  }
}

export interface ReadableFor {
  /** The name under which the draft reads. */
  readonly source: string
  /** What it refers to. */
  readonly refs: readonly DataPath[]
  readonly shared: Shared
  /** Of a module, or of data by its path. */
  readonly mayRead: (id: string) => Promise<boolean>
  /** What modules that it uses may use in turn. */
  readonly others: Readable
}

/** Asks once about each that the draft refers to. */
export const readableFor = async ({ source, refs, shared, mayRead, others }: ReadableFor): Promise<Readable> => {
  const isMet = (path: readonly string[]): boolean => refs.some((ref) => overlaps(path, ref))
  const met = [
    ...shared.index.all.filter(({ path }) => isMet(path)).flatMap(({ modules }) => modules),
    ...shared.data.filter(({ at }) => isMet(at)),
  ]
  const ids = [...new Set(met.filter((one) => one.source !== shippedSource).map(({ id }) => id))]
  const answers = await Promise.all(ids.map(async (id) => [id, await mayRead(id)] as const))
  const hidden = new Set(answers.flatMap(([id, may]) => (may ? [] : [id])))
  const isFree = (owner: string, id: string): boolean => owner === shippedSource || !hidden.has(id)
  return {
    isLimited: (reader) => reader === source || others.isLimited(reader),
    module: (reader, module) => (reader === source ? isFree(module.source, module.id) : others.module(reader, module)),
    data: (reader, data) => (reader === source ? isFree(data.source, data.at.join('/')) : others.data(reader, data)),
  }
}

interface Stored {
  readonly document: ModuleDocument
  readonly file: SourceFile
}

const fileOf = async (store: Pick<Store, 'policies'>, document: ModuleDocument): Promise<Stored> => {
  const text = await store.policies.readText(document.text)
  return { document, file: { path: document.path, digest: document.digest, text } }
}

const originOf = ({ repository, commit, author, id }: ModuleDocument) => ({ source: repository, commit, author, id })

const moduleOf = async (
  { document, file }: Stored,
  parse: (file: SourceFile) => Promise<ParsedModule>,
): Promise<readonly SharedModule[]> => {
  if (document.kind !== 'module') return []
  const result = await parse(file)
  return result.ok ? [{ ...originOf(document), file, analysis: result.analysis }] : []
}

const dataOf = ({ document, file }: Stored, json: JsonReader): readonly SharedData[] => {
  if (document.kind !== 'data') return []
  const at = document.id === '' ? [] : document.id.split('/')
  return [{ ...originOf(document), at, file, tree: json(file).tree() }]
}

const candidateOf = ({ source, id, analysis, file }: SharedModule): Candidate => ({
  source,
  id,
  package: analysis.package,
  read: async () => file,
})
