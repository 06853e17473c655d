/**
 * Who had a hand in what a plan changes: of each policy, module and data document, whoever wrote or committed a change of
 * it since the version in force. By e-mail address, as Git has it: a claim that nobody has checked.
 */
import type { ModuleDocument, PolicyMeta } from '../../src/policy/schema.ts'
import type { Built, StoredContent } from '../build/built.ts'
import type { Seen } from '../sources/source-status.ts'

export interface AuthorsOptions {
  readonly built: Pick<Built, 'documents'>
  readonly seen: readonly Seen[]
  /** Sources whose newest content is no part of the plan. */
  readonly standing: ReadonlySet<string>
  readonly stored: Pick<StoredContent, 'policies' | 'modules'>
}

type Document = Pick<PolicyMeta | ModuleDocument, '_id' | 'repository' | 'commit' | 'status'>

/** Sorted, each once. Rejects when a history cannot be read: then it is not known who must not approve. */
export async function commitAuthors(options: AuthorsOptions): Promise<readonly string[]> {
  const { seen, standing } = options
  const changed = changedOf(options)
  const asked = seen.flatMap(({ source, fragment }) => {
    if (fragment === null || source.authors === undefined || standing.has(source.name)) return []
    const own = changed.filter(({ repository }) => repository === source.name)
    const { authors } = source
    return [...new Set(own.map(({ base }) => base))].map((from) => {
      const paths = own.flatMap(({ base, path }) => (base === from ? [path] : []))
      return authors({ from, to: fragment.commit, paths })
    })
  })
  return [...new Set((await Promise.all(asked)).flat())].sort()
}

interface Changed {
  readonly repository: string
  readonly path: string
  /** The commit that the version in force is of; null: none is. */
  readonly base: string | null
}

function changedOf({ built: { documents }, stored }: AuthorsOptions): readonly Changed[] {
  const { create, replace, remove, modules } = documents
  const policies = new Map<string, Document>(stored.policies.map((document) => [document._id, document]))
  const shared = new Map(stored.modules.map((document) => [document._id, document]))
  const one = (document: Document, before: Document | undefined, path: string): Changed => {
    const isSame = before?.repository === document.repository && before.status.phase === 'Ready'
    return { repository: document.repository, path, base: isSame ? before.commit : null }
  }
  const gone = <T extends Document>(keys: readonly string[], known: ReadonlyMap<string, T>): readonly T[] =>
    keys.flatMap((key) => known.get(key) ?? [])
  return [
    ...[...create, ...replace].map((document) => one(document, policies.get(document._id), document._id)),
    ...gone(remove, policies).map((document) => one(document, document, document._id)),
    ...modules.put.map((document) => one(document, shared.get(document._id), document.path)),
    ...gone(modules.remove, shared).map((document) => one(document, document, document.path)),
  ]
}
