/**
 * What is in force of a source, as a fragment: it stands in for a source that cannot be read or whose commit is held
 * back, so that the rest of the cycle need not know the difference.
 */
import { sha256 } from '../../src/policy/digest.ts'
import type {
  Claim,
  Fragment,
  ModuleDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  SourceFile,
  StoredText,
} from '../../src/policy/schema.ts'

export interface StoredReader {
  readonly readPolicy: (key: PolicyKey) => Promise<PolicyDocument | null>
  readonly readText: (text: StoredText, signal?: AbortSignal) => Promise<string>
}

export interface StandingOptions extends StoredReader {
  readonly source: string
  readonly policies: readonly PolicyMeta[]
  readonly modules: readonly ModuleDocument[]
  /** What it owns without a file, by source. */
  readonly claims?: ReadonlyMap<string, readonly Claim[]>
  readonly signal?: AbortSignal | undefined
}

export async function standingFragment(options: StandingOptions): Promise<Fragment> {
  const { source, policies, modules, claims, readPolicy, readText, signal } = options
  const own = policies.filter(({ repository }) => repository === source)
  const documents = await Promise.all(own.map(({ _id }) => readPolicy(_id as PolicyKey)))
  const fragment = await fragmentOf({
    source,
    policies: documents.filter((document) => document !== null),
    modules: modules.filter(({ repository }) => repository === source),
    readText: (text) => readText(text, signal),
  })
  return { ...fragment, claims: claims?.get(source) ?? [] }
}

export interface FragmentOfOptions {
  readonly source: string
  /** All of that source. */
  readonly policies: readonly PolicyDocument[]
  readonly modules: readonly ModuleDocument[]
  readonly readText: (text: StoredText) => Promise<string>
}

/** Documents as the files that they were made of. */
export async function fragmentOf({ source, policies, modules, readText }: FragmentOfOptions): Promise<Fragment> {
  const files = await Promise.all(policies.map((document) => policyFiles(document, readText)))
  const shared = await Promise.all(modules.map((module) => storedFile(module, readText)))
  return {
    source,
    kind: 'git',
    commit: '',
    revision: '',
    author: null,
    committedAt: null,
    files: [...files.flat(), ...shared],
    findings: [],
    origins: new Map([
      ...policies.map((document) => [`${document._id}/policy.rego`, originOf(document)] as const),
      ...modules.map((document) => [document.path, originOf(document)] as const),
    ]),
  }
}

function originOf({ commit, author }: PolicyDocument | ModuleDocument): Pick<Fragment, 'commit' | 'author'> {
  return { commit, author }
}

export async function storedFile(
  module: ModuleDocument,
  read: (text: StoredText) => Promise<string>,
): Promise<SourceFile> {
  return { path: module.path, digest: module.digest, text: await read(module.text) }
}

async function policyFiles(
  document: PolicyDocument,
  read: (text: StoredText) => Promise<string>,
): Promise<readonly SourceFile[]> {
  const parts: readonly (readonly [string, StoredText])[] = [
    ['policy.rego', document.rego],
    ...(document.data === null ? [] : [['data.json', document.data] as const]),
    ...document.files.map(({ path, text }) => [path, text] as const),
  ]
  return Promise.all(
    parts.map(async ([name, stored]) => {
      const text = await read(stored)
      return { path: `${document._id}/${name}`, digest: sha256(text), text }
    }),
  )
}
