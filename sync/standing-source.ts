/**
 * What is in force of a source, as a fragment: it stands in for a source that cannot be read or whose commit is held
 * back, so that the rest of the cycle need not know the difference.
 */
import { sha256 } from '../src/policy/digest.ts'
import type {
  Claim,
  Fragment,
  ModuleDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  SourceFile,
  StoredText,
} from '../src/policy/schema.ts'

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
  const files = await Promise.all(
    own.map(async ({ _id }) => {
      const document = await readPolicy(_id as PolicyKey)
      return document === null ? [] : policyFiles(document, (text) => readText(text, signal))
    }),
  )
  const ownModules = modules.filter(({ repository }) => repository === source)
  const shared = ownModules.map((module) => storedFile(module, (text) => readText(text, signal)))
  return {
    source,
    kind: 'git',
    commit: '',
    revision: '',
    author: null,
    committedAt: null,
    files: [...files.flat(), ...(await Promise.all(shared))],
    findings: [],
    claims: claims?.get(source) ?? [],
    origins: new Map([
      ...own.map((document) => [`${document._id}/policy.rego`, originOf(document)] as const),
      ...ownModules.map((document) => [document.path, originOf(document)] as const),
    ]),
  }
}

function originOf({ commit, author }: PolicyMeta | ModuleDocument): Pick<Fragment, 'commit' | 'author'> {
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
