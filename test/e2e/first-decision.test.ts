import { describe, expect, it } from 'vitest'
import { createRepo } from '../setup/git-repo.ts'
import { startGitServer } from '../setup/git-http.ts'
import { evaluate, startEdict, syncNow } from './edict.ts'

describe('from a commit to a decision', () => {
  it('serves what was pushed to a Git server, and the next commit after a sync', async () => {
    const repo = await createRepo()
    await repo.write({ 'shop/price/1.0/policy.rego': 'package shop.price\n\nallow := input.total < 10\n' })
    await repo.commit('first')
    await repo.push()
    const git = await startGitServer({ root: repo.root })
    const edict = await startEdict({ POLICY_REPO: `${git.url}/${repo.name}`, EDICT_SOURCE: 'shop' })
    expect((await evaluate(edict, 'shop/price/1.0', { total: 5 })).json).toEqual({ allow: true })

    await repo.write({ 'shop/price/1.0/policy.rego': 'package shop.price\n\nallow := input.total < 3\n' })
    await repo.commit('second')
    await repo.push()
    const synced = await syncNow(edict, 'shop')
    expect(synced.status).toBe(200)
    expect((await evaluate(edict, 'shop/price/1.0', { total: 5 })).json).toEqual({ allow: false })
    expect(await edict.stop()).toBe(0)
    await git.close()
    await repo.dispose()
  })
})
