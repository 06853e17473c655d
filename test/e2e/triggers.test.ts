import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually, evaluate, newDatabase, startEdict, temporaryFolder } from './edict.ts'
import { rego, serveRepo } from './served-repo.ts'

const policy = (value: number) => rego('shop', 'price', `limit := ${value}`)

describe('nobody asks for a cycle, and yet', () => {
  it('a branch that is polled is followed', async () => {
    const { edict, repo } = await serveRepo({
      files: { 'shop/price/1.0/policy.rego': policy(1) },
      env: { SYNC_INTERVAL: '300ms' },
    })
    await repo.publish({ 'shop/price/1.0/policy.rego': policy(2) })
    const limit = async () => (await evaluate(edict, 'shop/price/1.0')).text
    expect(await eventually(limit, (text) => text === '{"limit":2}')).toBe('{"limit":2}')
  })

  it('a file that is edited in a watched directory decides anew', async () => {
    const directory = await temporaryFolder()
    const folder = join(directory, 'shop/price/1.0')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'policy.rego'), policy(1))
    const edict = await startEdict({
      ...newDatabase(),
      EDICT_DIRECTORY: directory,
      EDICT_SOURCE: 'local',
      SYNC_INTERVAL: '1h',
    })
    const answer = async () => (await evaluate(edict, 'shop/price/1.0')).text
    expect(await answer()).toBe('{"limit":1}')

    await writeFile(join(folder, 'policy.rego'), policy(2))
    expect(await eventually(answer, (text) => text === '{"limit":2}')).toBe('{"limit":2}')

    // As editors save: written beside it, then renamed over it.
    await writeFile(join(folder, '.policy.rego.swp'), policy(3))
    await rename(join(folder, '.policy.rego.swp'), join(folder, 'policy.rego'))
    expect(await eventually(answer, (text) => text === '{"limit":3}')).toBe('{"limit":3}')

    await writeFile(join(folder, 'data.json'), '{"x": 1}')
    await writeFile(join(folder, 'policy.rego'), rego('shop', 'price', 'x := data.x'))
    expect(await eventually(answer, (text) => text === '{"x":1}')).toBe('{"x":1}')

    await rm(join(directory, 'shop'), { recursive: true })
    expect(await eventually(answer, (text) => text.includes('policy_not_found'))).toContain('policy_not_found')
  })
})
