import { describe, expect, it } from 'vitest'
import { compose } from '../../src/policy/compose.ts'
import { ownersOf, ownership, storedOwnership } from '../../src/policy/ownership.ts'
import type { Fragment } from '../../src/policy/schema.ts'

const fragment = (source: string, paths: readonly string[], claims: Fragment['claims'] = []): Fragment => ({
  source,
  kind: 'git',
  commit: `${source}1`,
  revision: '',
  author: null,
  committedAt: null,
  files: paths.map((path) => ({ path, text: '{}', digest: path })),
  findings: [],
  claims,
})

const shownOf = (index: ReturnType<typeof ownership>) =>
  Object.fromEntries([...index].map(([key, owners]) => [key, owners.map(({ source, file }) => `${source} ${file}`)]))

const module = (source: string, id: string, path: readonly string[]) => ({
  source,
  commit: `${source}1`,
  author: null,
  id,
  file: { path: `${id}.rego`, text: '', digest: id },
  analysis: { regoVersion: 1 as const, package: path, packageLine: 1, rules: [], refs: [] },
})

describe('the ownership index', () => {
  it('of a composition names source, commit and file of every key, and the owners of each package', () => {
    const composed = compose({
      fragments: [
        fragment('platform', ['gaiax/x/1/policy.rego', 'rbac/core.rego', 'roles/data.json']),
        fragment('api', ['rbac/custom.rego'], [{ kind: 'module', key: 'rbac/shop', file: 'rules of shop' }]),
      ],
    })
    const modules = [module('platform', 'rbac/core', ['rbac']), module('api', 'rbac/custom', ['rbac'])]
    const index = ownership(composed, modules)
    expect(shownOf(index)).toEqual({
      'data:roles': ['platform roles/data.json'],
      'module:rbac/core': ['platform rbac/core.rego'],
      'module:rbac/custom': ['api rbac/custom.rego'],
      'module:rbac/shop': ['api rules of shop'],
      'package:rbac': ['platform rbac/core.rego', 'api rbac/custom.rego'],
      'policy:gaiax/x/1': ['platform gaiax/x/1/policy.rego'],
    })
    expect(index.get('module:rbac/shop')?.[0]).toMatchObject({ generated: true, commit: 'api1' })
  })

  it('of what is stored says the same, and answers for data below a document', () => {
    const stored = { repository: 'platform', commit: 'c1' }
    const index = storedOwnership({
      policies: [{ _id: 'gaiax/x/1', ...stored }],
      modules: [
        { kind: 'module', id: 'rbac/core', path: 'rbac/core.rego', package: ['rbac'], ...stored },
        { kind: 'data', id: 'roles', path: 'roles/data.json', ...stored },
      ],
      claims: [{ kind: 'module', key: 'rbac/shop', file: 'rules', source: 'api', commit: 'a1' }],
    })
    expect(shownOf(index)).toEqual({
      'data:roles': ['platform roles/data.json'],
      'module:rbac/core': ['platform rbac/core.rego'],
      'module:rbac/shop': ['api rules'],
      'package:rbac': ['platform rbac/core.rego'],
      'policy:gaiax/x/1': ['platform gaiax/x/1/policy.rego'],
    })
    expect(ownersOf(index, 'data:roles/admin/x')?.[0]?.file).toBe('roles/data.json')
    expect(ownersOf(index, 'data:other')).toBeUndefined()
    expect(ownersOf(index, 'policy:gaiax/x')).toBeUndefined()
  })
})
