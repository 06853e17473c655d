/** The ownership index over what is stored; made anew only when the store has changed. */
import { storedOwnership, type OwnershipIndex, type StoredOwnership } from '../policy/ownership.ts'
import { generatedModule, rulesDataPath } from '../policy/rules.ts'
import type { HeadDocument, ModuleDocument } from '../policy/schema.ts'
import type { Policies } from './policies.ts'
import type { Rules } from './rules.ts'

export interface OwnershipDeps {
  readonly head: () => Promise<Pick<HeadDocument, 'sequence'>>
  readonly policies: Pick<Policies, 'stored' | 'modules'>
  readonly rules: Pick<Rules, 'services'>
}

/** The rules belong to the source that has their table. */
function generatedClaims(services: readonly string[], modules: readonly ModuleDocument[]): StoredOwnership['claims'] {
  const table = modules.find(({ path }) => path === rulesDataPath)
  if (table === undefined) return []
  const { repository: source, commit } = table
  return services.map((service) => {
    const key = generatedModule(service)
    return { kind: 'module', key, file: `${key}.rego`, source, commit }
  })
}

export function createOwnership({ head, policies, rules }: OwnershipDeps): () => Promise<OwnershipIndex> {
  let known: { readonly sequence: number; readonly index: OwnershipIndex } | null = null
  return async () => {
    const { sequence } = await head()
    if (known?.sequence === sequence) return known.index
    const [stored, modules, services] = await Promise.all([policies.stored(), policies.modules(), rules.services()])
    const claims = generatedClaims(services, modules.items)
    const index = storedOwnership({ policies: stored.items, modules: modules.items, claims })
    known = { sequence, index }
    return index
  }
}
