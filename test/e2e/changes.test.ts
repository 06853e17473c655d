import { describe, expect, it } from 'vitest'
import { evaluate, type Edict } from './edict.ts'
import { rego, serveRepo, showPolicy, showSource } from './served-repo.ts'

const policies = async (edict: Edict): Promise<readonly string[]> => {
  const response = await fetch(`${edict.url}/api/catalog`)
  const { policies: all } = (await response.json()) as { policies: { group: string; name: string; version: string }[] }
  return all.map(({ group, name, version }) => `${group}/${name}/${version}`)
}

const first = {
  'shop/price/1.0/policy.rego': rego('shop', 'price', 'allow := input.total < 10'),
  'shop/tax/1.0/policy.rego': rego('shop', 'tax', 'rate := data.rate'),
  'shop/tax/1.0/data.json': '{"rate": 19}',
}

const login = { user: 'reader', password: 's3cret/ of @ reader' }

/** Without a password: all other end-to-end tests. */
describe('a branch on a Git server with a password', () => {
  it('is followed: commit, change, delete, rename, force push, each is a decision after the sync', async () => {
    const { edict, repo, git, release, sync } = await serveRepo({ files: first, login })
    expect(git.requests.at(-1)?.authorization).toMatch(/^Basic /)
    const base = await repo.git(['rev-parse', 'HEAD'])
    const answered = await evaluate(edict, 'shop/price/1.0', { total: 5 })
    expect([answered.text, answered.headers.get('x-policy-commit')]).toEqual(['{"allow":true}', base])
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"rate":19}')

    // Rego and data change.
    const { commit, outcome } = await release({
      'shop/price/1.0/policy.rego': rego('shop', 'price', 'allow := input.total < 3'),
      'shop/tax/1.0/data.json': '{"rate": 7}',
    })
    expect(outcome).toMatchObject({ ok: true, revision: 2, findings: [] })
    const changed = await evaluate(edict, 'shop/price/1.0', { total: 5 })
    expect([changed.text, changed.headers.get('x-policy-commit')]).toEqual(['{"allow":false}', commit])
    expect(changed.headers.get('x-policy-revision')).toBe('2')
    expect(changed.headers.get('x-policy-digest')).not.toBe(answered.headers.get('x-policy-digest'))
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"rate":7}')

    // A deleted policy is gone; the other stays as it was.
    await release({ 'shop/tax/1.0': null })
    expect(await policies(edict)).toEqual(['shop/price/1.0'])
    expect(await evaluate(edict, 'shop/tax/1.0')).toMatchObject({ status: 404, json: { code: 'policy_not_found' } })
    expect((await evaluate(edict, 'shop/price/1.0')).headers.get('x-policy-commit')).toBe(commit)

    // A rename is a removal and an addition.
    await repo.rename('shop/price/1.0/policy.rego', 'shop/price/2.0/policy.rego')
    await release({})
    expect(await policies(edict)).toEqual(['shop/price/2.0'])
    expect((await evaluate(edict, 'shop/price/1.0')).status).toBe(404)
    expect((await evaluate(edict, 'shop/price/2.0', { total: 2 })).text).toBe('{"allow":true}')

    // A force push that rewrites the branch is an ordinary change.
    await repo.git(['reset', '-q', '--hard', base])
    await repo.write({ 'shop/tax/1.0/data.json': '{"rate": 21}' })
    const forced = await repo.commit('another history')
    await repo.forcePush()
    expect(await sync()).toMatchObject({ ok: true, revision: 5 })
    expect(await policies(edict)).toEqual(['shop/price/1.0', 'shop/tax/1.0'])
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"rate":21}')
    expect((await showPolicy(edict, 'shop/tax/1.0')).json).toMatchObject({ commit: forced, data: '{"rate": 21}' })
  })
})

describe('a branch that is not there', () => {
  it('keeps what is in force, and is followed again when it is back', async () => {
    const { edict, repo, sync } = await serveRepo({ files: first })
    await repo.git(['--git-dir', repo.bare, 'update-ref', '-d', 'refs/heads/main'])
    expect(await sync()).toMatchObject({
      ok: false,
      message: expect.stringContaining('what was read last stays in force'),
    })
    expect((await showSource(edict)).json).toMatchObject({ reason: 'FetchFailed', counts: { policies: 2 } })
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"rate":19}')
    await repo.publish({ 'shop/tax/1.0/data.json': '{"rate": 8}' })
    expect(await sync()).toMatchObject({ ok: true })
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"rate":8}')
  })
})
