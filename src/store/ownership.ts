/** The ownership index over what is stored; made anew only when the store has changed. */
import { storedOwnership, type OwnershipIndex } from '../policy/ownership.ts'
import type { HeadDocument } from '../policy/schema.ts'
import type { Policies } from './policies.ts'

export interface OwnershipDeps {
  readonly head: () => Promise<Pick<HeadDocument, 'sequence'>>
  readonly policies: Pick<Policies, 'stored' | 'modules'>
}

export function createOwnership({ head, policies }: OwnershipDeps): () => Promise<OwnershipIndex> {
  let known: { readonly sequence: number; readonly index: OwnershipIndex } | null = null
  return async () => {
    const { sequence } = await head()
    if (known?.sequence === sequence) return known.index
    const [stored, modules] = await Promise.all([policies.stored(), policies.modules()])
    const index = storedOwnership({ policies: stored.items, modules: modules.items, claims: [] })
    known = { sequence, index }
    return index
  }
}
