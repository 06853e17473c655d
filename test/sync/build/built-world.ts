/** A store in memory and file maps for sources: what a test of a cycle's build needs, without Git or MongoDB. */
import { sha256 } from '../../../src/policy/digest.ts'
import type { Blob } from '../../../src/policy/documents.ts'
import type {
  Finding,
  Fragment,
  ModuleDocument,
  PackageDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  StoredText,
} from '../../../src/policy/schema.ts'
import type { CachedOpa } from '../../../src/opa/cached.ts'
import {
  createBuilder,
  type Builder,
  type BuildDeps,
  type BuildOptions,
  type Built,
} from '../../../sync/build/build.ts'
import type { Source } from '../../../sync/sources/source.ts'

export type Files = Readonly<Record<string, string>>

export function fragment(source: string, files: Files, commit = 'c1', findings: readonly Finding[] = []): Fragment {
  return {
    source,
    kind: 'git',
    commit,
    revision: `main@sha1:${commit}`,
    author: `author of ${commit}`,
    committedAt: null,
    files: Object.entries(files).map(([path, text]) => ({ path, text, digest: sha256(text) })),
    findings,
  }
}

export interface World {
  readonly policies: Map<string, PolicyDocument>
  readonly modules: Map<string, ModuleDocument>
  readonly packages: Map<string, PackageDocument>
  readonly blobs: Map<string, Uint8Array>
  readonly build: (fragments: readonly Fragment[], options?: Partial<BuildOptions>) => Promise<Built>
  /** Builds, then writes what it wants, as apply does. */
  readonly apply: (fragments: readonly Fragment[], options?: Partial<BuildOptions>) => Promise<Built>
}

export function createWorld(opa: CachedOpa, deps: Partial<BuildDeps> = {}): World {
  const policies = new Map<string, PolicyDocument>()
  const modules = new Map<string, ModuleDocument>()
  const packages = new Map<string, PackageDocument>()
  const blobs = new Map<string, Uint8Array>()
  const readText = async (text: StoredText): Promise<string> =>
    typeof text === 'string' ? text : Buffer.from(blobs.get(text.blob) ?? '').toString()
  const readPolicy = async (key: PolicyKey) => policies.get(key) ?? null
  const builder: Builder = createBuilder({ opa, readText, readPolicy, ...deps })
  const build: World['build'] = (fragments, options = {}) =>
    builder({
      fragments,
      stored: {
        policies: [...policies.values()].map(withoutTexts),
        modules: [...modules.values()],
        packages: [...packages.values()],
      },
      ...options,
    })
  const apply: World['apply'] = async (fragments, options) => {
    const built = await build(fragments, options)
    write({ policies, modules, packages, blobs }, built)
    return built
  }
  return { policies, modules, packages, blobs, build, apply }
}

function withoutTexts(document: PolicyDocument): PolicyMeta {
  const { rego: _rego, data: _data, files: _files, ...meta } = document
  return meta
}

function write(
  { policies, modules, packages, blobs }: Pick<World, 'policies' | 'modules' | 'packages' | 'blobs'>,
  { documents, blobs: made }: Built,
): void {
  for (const { digest, bytes } of made satisfies readonly Blob[]) blobs.set(digest, bytes)
  for (const document of [...documents.create, ...documents.replace]) policies.set(document._id, document)
  for (const key of documents.remove) policies.delete(key)
  for (const { key, status } of documents.statuses) {
    const document = policies.get(key)
    if (document !== undefined) policies.set(key, { ...document, status })
  }
  for (const document of documents.modules.put) modules.set(document._id, document)
  for (const key of documents.modules.remove) modules.delete(key)
  for (const document of documents.packages.put) packages.set(document._id, document)
  for (const key of documents.packages.remove) packages.delete(key)
}

/** `code file:line` of every finding of a source. */
export function shown(built: Built, source = 'main'): readonly string[] {
  return (built.findings.get(source) ?? []).map(({ code, file, line }) =>
    [code, [file, line].filter((part) => part !== undefined).join(':')].join(' ').trim(),
  )
}

/** A source in memory, at a commit that counts up. */
export const memorySource = (name: string, files: Files) => {
  let current = fragment(name, files, `${name}0`)
  let count = 0
  const source: Source = {
    name,
    kind: 'directory',
    describe: () => name,
    blame: async () => null,
    load: async () => current,
  }
  return { source, set: (next: Files) => (current = fragment(name, next, `${name}${(count += 1)}`)) }
}
