/** Plans in the console: what waits, who must let it through, and what becomes of it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { call, evaluate, newDatabase, runEdict, startEdict, temporaryFolder, type Edict } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const price = (value: number, expected = value) => ({
  'shop/price/1.0/policy.rego': rego('shop', 'price', `value := ${value}`),
  'shop/price/1.0/policy.tests.yaml': `cases:\n  - { name: the price, expect: { exact: { value: ${expected} } } }\n`,
})

/** From the list to the plan that waits. */
const openWaiting = async (page: Page): Promise<void> => {
  await page.getByRole('row').filter({ hasText: 'Waiting' }).getByRole('link').first().click()
  await page.getByRole('heading', { name: 'Who must approve' }).waitFor()
}

describe.skipIf(browser === undefined)('plans of a repository whose changes are approved', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    served = await serveRepo({ files: price(1), env: { EDICT_MODE: 'plan' } })
    base = `${served.edict.url}/console`
  })

  it('show the diff, the tests and who must approve; approving changes the decision', async () => {
    const { page, complaints } = await show(`${base}/plans`)
    await openWaiting(page)
    await page.getByText('+value := 1').waitFor()
    await page.getByText('Whoever reaches this server').waitFor()
    await page.getByRole('region', { name: 'Tests' }).getByText('1 passed').first().waitFor()
    expect(await violations(page)).toEqual([])
    expect((await evaluate(served.edict, 'shop/price/1.0')).status).toBe(404)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('Approved: 1 created.').waitFor()
    await page.getByText('Applied').waitFor()
    expect((await evaluate(served.edict, 'shop/price/1.0')).json).toEqual({ value: 1 })
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('show what changes side by side, too', async () => {
    await served.release(price(2))
    const { page } = await show(`${base}/plans?status=Waiting`)
    await openWaiting(page)
    await page.getByRole('button', { name: 'Side by side' }).click()
    const row = page.getByRole('row').filter({ hasText: '+value := 2' })
    expect(await row.innerText()).toContain('-value := 1')
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it('are rejected with a reason, and nothing of them is applied', async () => {
    const { page } = await show(`${base}/plans?status=Waiting`)
    await openWaiting(page)
    await page.getByRole('button', { name: 'Reject …' }).click()
    await page.getByText('is held at what is in force').waitFor()
    await page.getByLabel('Reason, for people').fill('too dear')
    await page.getByRole('button', { name: 'Reject', exact: true }).click()
    await page.getByText('too dear').first().waitFor()
    await page.getByText('Rejected').first().waitFor()
    expect((await evaluate(served.edict, 'shop/price/1.0')).json).toEqual({ value: 1 })
    await page.goto(`${base}/sources/platform`)
    await page.getByText('Held').first().waitFor()
    await page.context().close()
  })

  it('name the test that fails, and what stays in force', async () => {
    await served.release(price(3, 4))
    const { page } = await show(`${base}/policies/shop/price/1.0`)
    await page.getByText('the price: at value: expected 4, got 3').first().waitFor()
    await page.context().close()
  })

  it('keep to 360 px', async () => {
    const { page } = await show(`${base}/plans`, 360)
    await page.getByRole('row').filter({ hasText: 'Applied' }).getByRole('link').first().click()
    await page.getByRole('heading', { name: 'Changes' }).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })
})

const authz = `
rules:
  - { id: everybody, roles: [author, approver], actions: [read, change], scope: any }
  - { id: approvers, roles: [author, approver], actions: [approve], target_scope: any }
  - { id: admins, roles: [superuser], actions: [token, read], scope: any }
  - { id: admin, roles: [superuser], actions: [admin] }
four_eyes: ['rbac/**', 'edict/**']
`

describe.skipIf(browser === undefined)('a change that somebody else must approve', () => {
  const tokens = new Map<string, string>()
  let edict: Edict
  beforeAll(async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'authz.yaml'), authz)
    const sources = 'sources: [{ name: api, api: {}, mode: plan }]'
    await writeFile(join(folder, 'edict.yaml'), `${sources}\npolicy: { file: ${join(folder, 'authz.yaml')} }\n`)
    const env = { ...newDatabase(), EDICT_CONFIG: join(folder, 'edict.yaml') }
    const create = async (actor: string, role: string, ...as: readonly string[]) => {
      const args = [...as, 'token', 'create', '--actor', actor, '--roles', role]
      const { stdout } = await runEdict(args, env)
      tokens.set(actor, stdout.trim().split(/\s/)[0] ?? '')
    }
    await create('root', 'superuser')
    edict = await startEdict(env)
    await create('ann', 'author', '--as', 'root')
    await create('olaf', 'approver', '--as', 'root')
    const upload = {
      module_name: 'rbac/custom',
      rego_code: 'package rbac\n\nrole_check(assignment) if assignment.role == "custom"\n',
    }
    const headers = { authorization: `Bearer ${tokens.get('ann')}`, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(upload) }
    expect((await call(`${edict.url}/api/policies/upload`, init)).status).toBe(202)
  })

  const signedIn = async (actor: string): Promise<Page> => {
    const { page } = await show(`${edict.url}/console/plans`)
    await page.getByLabel('Token').fill(tokens.get(actor) ?? '')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await openWaiting(page)
    return page
  }

  it('is refused to who made it, with the reason, and who may is named', async () => {
    const page = await signedIn('ann')
    const approve = page.getByRole('button', { name: 'Approve' })
    await page.getByText('who made it must not be who lets it through').first().waitFor()
    expect(await approve.getAttribute('aria-disabled')).toBe('true')
    const who = page.getByRole('region', { name: 'Who must approve' })
    expect(await who.innerText()).toContain('roles author, approver by the rule approvers')
    expect(await who.innerText()).toContain('Not ann, who made it')
    expect(await violations(page)).toEqual([])
    expect(await page.getByRole('button', { name: 'Reject …' }).getAttribute('aria-disabled')).toBe('false')
    await page.context().close()
  })

  it('is approved by another', async () => {
    const page = await signedIn('olaf')
    await page.getByText('You may.').waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('Approved: 1 created.').waitFor()
    const headers = { authorization: `Bearer ${tokens.get('olaf')}` }
    expect((await call(`${edict.url}/api/policies/rbac/custom`, { headers })).status).toBe(200)
    await page.context().close()
  })
})
