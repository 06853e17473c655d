import { expect, test } from 'vitest'
import type { PackageDocument } from '../../src/policy/schema.ts'
import { createCatalog } from '../../src/registry/catalog.ts'
import { meta } from '../http/fixture.ts'

export const packageDocument = (path: readonly string[], options: Partial<PackageDocument> = {}): PackageDocument => ({
  _id: ['data', ...path].join('.'),
  path: [...path],
  repository: 'main',
  sources: ['main'],
  digest: 'digest',
  inputs: 'inputs',
  artifact: { wasm: 'echo', data: '{}', entry: 'package' },
  sharedData: null,
  commit: 'c0ffee',
  status: { phase: 'Ready', findings: [], since: new Date(0) },
  updated: new Date(0),
  revision: 1,
  ...options,
})

test('the newest version is the greatest by numbers, and goes back when it is removed', () => {
  const catalog = createCatalog()
  for (const key of ['g/a/1.9', 'g/a/1.10', 'g/b/2']) catalog.put(meta(key))
  expect(catalog.newest('g', 'a')?.version).toBe('1.10')
  catalog.remove('g/a/1.10')
  expect(catalog.newest('g', 'a')?.version).toBe('1.9')
  expect(catalog.newest('g', 'c')).toBeUndefined()
})

test('a path belongs to the shared package with the longest path above it', () => {
  const catalog = createCatalog()
  for (const path of [['rbac'], ['rbac', 'lib'], ['other']]) catalog.putPackage(packageDocument(path))
  expect(catalog.packageAt(['rbac', 'allow'])?._id).toBe('data.rbac')
  expect(catalog.packageAt(['rbac', 'lib', 'x', 'y'])?._id).toBe('data.rbac.lib')
  expect(catalog.packageAt(['rbacx'])).toBeUndefined()
  expect(catalog.packagesBelow([]).map(({ _id }) => _id)).toEqual(['data.other', 'data.rbac', 'data.rbac.lib'])
  catalog.remove('data.rbac.lib')
  expect(catalog.packageAt(['rbac', 'lib', 'x'])?._id).toBe('data.rbac')
})

test('all shared data stands at the root, which is no package', () => {
  const catalog = createCatalog()
  expect(catalog.sharedData()).toBeNull()
  catalog.putPackage(packageDocument([], { artifact: null, sharedData: 'd1' }))
  expect(catalog.sharedData()).toBe('d1')
  expect(catalog.packageAt(['x'])).toBeUndefined()
  expect(catalog.packagesBelow([])).toEqual([])
})
