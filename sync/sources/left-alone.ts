/** Says, for each source with a scope, what is in force of it outside of that scope: nobody answers for it any more. Pure. */
import type { Composition } from '../../src/policy/compose.ts'
import type { Finding } from '../../src/policy/schema.ts'
import type { BuildOptions, StoredContent } from '../build/built.ts'

const mostNamed = 5

export function leftAlone(
  { unclaimed }: Composition,
  managed: Pick<StoredContent, 'policies'>,
  { configured, scopes = new Map(), stored }: Pick<BuildOptions, 'configured' | 'scopes' | 'stored'>,
): readonly Finding[] {
  if (configured === undefined) return []
  const kept = new Set(managed.policies.map(({ _id }) => _id))
  return [...scopes.keys()].flatMap((source) => {
    const policies = stored.policies.filter(({ _id, repository }) => repository === source && !kept.has(_id))
    const modules = stored.modules.filter(({ _id, repository }) => repository === source && unclaimed.has(_id))
    const keys = [...policies.map(({ _id }) => _id), ...modules.map(({ path }) => path)]
    if (keys.length === 0) return []
    const more = keys.length > mostNamed ? ` and ${keys.length - mostNamed} more` : ''
    const named = `${keys.slice(0, mostNamed).join(', ')}${more}`
    const message = `outside of its scope and in force from before: ${named}; left alone until another source declares it`
    return [{ code: 'left_alone', severity: 'warning' as const, message, source }]
  })
}
