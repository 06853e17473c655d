/** What is declared in a cycle: the fragments, and for a source that is away or held back what is in force of it. */
import { compose, type Composition, type DeclaredModule } from '../src/policy/compose.ts'
import { moduleKey } from '../src/policy/documents.ts'
import { heldSources, type HeldSource } from '../src/policy/plan.ts'
import type { ModuleDocument, PolicyKey, PolicyMeta } from '../src/policy/schema.ts'
import type { BuildOptions } from './built.ts'
import { standingFragment, type StoredReader } from './standing-source.ts'

export interface Declared {
  readonly composition: Composition
  readonly held: readonly HeldSource[]
  /** Sources whose stored content stands in for them. */
  readonly standing: ReadonlySet<string>
}

/** Composes; a source that is held back is then replaced by what is in force of it. */
export async function declare(deps: StoredReader, options: BuildOptions): Promise<Declared> {
  const { fragments, absent = new Set<string>(), stored, confirmed = new Map<string, string>(), signal } = options
  const known = new Map<string, PolicyMeta[]>()
  for (const policy of stored.policies) known.set(policy.repository, [...(known.get(policy.repository) ?? []), policy])
  const names = new Map(
    [...known].map(([source, policies]) => [
      source,
      policies.map((policy) => ({ ...policy, key: policy._id as PolicyKey })),
    ]),
  )
  const stand = (sources: Iterable<string>) =>
    Promise.all([...sources].map((source) => standingFragment({ ...deps, ...stored, source, signal })))
  const present = fragments.filter(({ source }) => !absent.has(source))
  const away = await stand(absent)
  const first = compose({ fragments: [...present, ...away], known: names })
  if (first.conflict) return { composition: first, held: [], standing: absent }
  const held = heldSources({ fragments: present, declared: first.policies, stored: stored.policies, confirmed })
  const standing = new Set([...absent, ...held.map(({ source }) => source)])
  const rest = present.filter(({ source }) => !standing.has(source))
  const second =
    held.length === 0
      ? first
      : compose({ fragments: [...rest, ...away, ...(await stand(held.map(({ source }) => source)))], known: names })
  return { composition: withStoredOrigins(second, standing, options), held, standing }
}

/** What stands in keeps the commit and author it was applied with. */
function withStoredOrigins(
  composition: Composition,
  standing: ReadonlySet<string>,
  { stored }: BuildOptions,
): Composition {
  if (standing.size === 0) return composition
  const policies = new Map(stored.policies.map((document) => [document._id, document]))
  const modules = new Map(stored.modules.map((document) => [document._id, document]))
  const originOf = (document: PolicyMeta | ModuleDocument | undefined) =>
    document === undefined ? {} : { commit: document.commit, author: document.author }
  const module = <T extends DeclaredModule>(all: ReadonlyMap<string, T>) =>
    new Map(
      [...all].map(([id, item]): [string, T] => [
        id,
        standing.has(item.source) ? { ...item, ...originOf(modules.get(moduleKey(item.source, item.path))) } : item,
      ]),
    )
  return {
    ...composition,
    policies: new Map(
      [...composition.policies].map(([key, policy]) => [
        key,
        standing.has(policy.source) ? { ...policy, ...originOf(policies.get(key)) } : policy,
      ]),
    ),
    modules: module(composition.modules),
    data: module(composition.data),
  }
}
