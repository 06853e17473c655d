import { beforeAll, expect, test } from 'vitest'
import type { CachedOpa } from '../../../src/opa/cached.ts'
import { cachedOpa } from '../../opa/opa-for-tests.ts'
import { createWorld, fragment, type Files, type World } from './built-world.ts'

let opa: CachedOpa
beforeAll(async () => {
  opa = await cachedOpa()
})

const files: Files = {
  'rbac/core.rego': 'package rbac\n\nallow if data.lib.admin(input.user)\n',
  'rbac/more.rego': 'package rbac\n\nreason := data.texts.reason\n',
  'lib/users.rego': 'package lib\n\nadmin(user) if user == data.roles.admin\n',
  'roles/data.json': '{"admin": "alice"}',
  'texts/data.json': '{"reason": 1.50}',
}

async function worldOf(content: Files): Promise<World> {
  const world = createWorld(opa)
  await world.apply([fragment('main', content)])
  return world
}

test('each shared package has an artifact, and all shared data stands at the root', async () => {
  const world = await worldOf(files)
  expect([...world.packages.keys()].sort()).toEqual(['data', 'data.lib', 'data.rbac'])
  const rbac = world.packages.get('data.rbac')
  expect(rbac).toMatchObject({ path: ['rbac'], repository: 'main', sources: ['main'], status: { phase: 'Ready' } })
  expect(world.blobs.has(rbac?.artifact?.wasm ?? '')).toBe(true)
  const root = world.packages.get('data')
  expect(Buffer.from(world.blobs.get(root?.sharedData ?? '') ?? '').toString()).toBe(
    '{"roles":{"admin": "alice"},"texts":{"reason": 1.50}}',
  )
})

test('only the packages that reach a changed module or data are built again', async () => {
  const world = await worldOf(files)
  const before = new Map([...world.packages].map(([id, { digest }]) => [id, digest]))
  const changed = { ...files, 'texts/data.json': '{"reason": 2}' }
  const built = await world.apply([fragment('main', changed, 'c2')])
  expect(built.documents.packages.put.map(({ _id }) => _id)).toEqual(['data', 'data.rbac'])
  expect(world.packages.get('data.lib')?.digest).toBe(before.get('data.lib'))
  const again = await world.build([fragment('main', changed, 'c2')])
  expect(again.plan.empty).toBe(true)
})

test('a package goes with its last module, and the root with the last shared data', async () => {
  const world = await worldOf(files)
  const { 'rbac/core.rego': core, 'lib/users.rego': users } = files
  const built = await world.apply([fragment('main', { 'rbac/core.rego': core ?? '', 'lib/users.rego': users ?? '' })])
  expect([...built.documents.packages.remove]).toEqual(['data'])
  await world.apply([fragment('main', { 'lib/users.rego': users ?? '' }, 'c3')])
  expect([...world.packages.keys()]).toEqual(['data.lib'])
})
