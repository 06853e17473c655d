/** What a change would do, by name. */
import type { Preview } from '../src/policy/schema.ts'
import type { RuleWrites } from '../src/store/rules.ts'
import type { Built } from './build/build.ts'

export function previewOf({ plan }: Built, { put, remove }: RuleWrites): Preview {
  const named = ({ create, replace, remove: gone }: Built['plan']['policies']) => {
    return { create: [...create], replace: [...replace], remove: [...gone] }
  }
  const created = put.filter(({ created_at, updated_at }) => created_at === updated_at).length
  return {
    policies: named(plan.policies),
    modules: named(plan.modules),
    rules: { created, updated: put.length - created, removed: remove.length },
  }
}
