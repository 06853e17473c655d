/**
 * The API as a source: its truth is what the store holds in force. What callers want changed comes with a cycle's
 * requests (settle.ts), never from here.
 */
import type { ApiContent } from '../../src/policy/api-draft.ts'
import { apiFragment } from '../../src/policy/api-fragment.ts'
import type { Fragment, ModuleDocument, SourceFile } from '../../src/policy/schema.ts'
import type { Policies } from '../../src/store/policies.ts'
import type { Rules } from '../../src/store/rules.ts'
import type { Source } from './source.ts'

export interface ApiSourceStore {
  readonly policies: Pick<Policies, 'modules' | 'readText'>
  readonly rules: Pick<Rules, 'all'>
}

export interface ApiSource extends Source {
  readonly kind: 'api'
  /** What one of its fragments was made of. */
  readonly contentOf: (fragment: Fragment) => ApiContent
}

export const isApiSource = (source: Source): source is ApiSource => source.kind === 'api'

export function createApiSource(name: string, store: ApiSourceStore): ApiSource {
  const contents = new WeakMap<Fragment, ApiContent>()
  let current: Fragment | undefined
  /** Texts that are blobs, by digest. */
  const texts = new Map<string, string>()

  async function fileOf({ path, digest, text }: ModuleDocument): Promise<SourceFile> {
    if (typeof text === 'string') return { path, digest, text }
    const known = texts.get(digest) ?? (await store.policies.readText(text))
    texts.set(digest, known)
    return { path, digest, text: known }
  }

  return {
    name,
    kind: 'api',
    describe: () => 'the API',
    blame: async () => null,
    contentOf(fragment) {
      const content = contents.get(fragment)
      if (content === undefined) throw new Error(`this is no fragment of ${name}`)
      return content
    },
    async load() {
      const { items } = await store.policies.modules()
      const own = items.filter(({ repository, kind }) => repository === name && kind === 'module')
      const files = await Promise.all(own.map(async (document) => [document.id, await fileOf(document)] as const))
      const modules = new Map(files)
      for (const digest of texts.keys()) if (!files.some(([, file]) => file.digest === digest)) texts.delete(digest)
      const content = { modules, rules: await store.rules.all() }
      const fragment = apiFragment(name, content)
      // The same files, so that what is known of them is found; rules that are not active make none.
      current = fragment.commit === current?.commit ? { ...current } : fragment
      contents.set(current, content)
      return current
    },
  }
}
