/** Rules in the console: the grid, what a tick would do, and what it does. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { call, newDatabase, startEdict, temporaryFolder, type Edict } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

describe.skipIf(browser === undefined)('the grid of rules', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    const files = { 'example/hello/1.0/policy.rego': rego('example', 'hello', 'answer := 1') }
    served = await serveRepo({ files, env: { EDICT_API: 'true' } })
    base = `${served.edict.url}/console`
  })

  it('turns a tick in the grid of rules into a decision', async () => {
    const { page } = await show(`${base}/rules`)
    const add = async (what: string, name: string): Promise<void> => {
      await page.getByLabel(`New ${what}`, { exact: true }).fill(name)
      await page.getByRole('button', { name: `Add ${what}`, exact: true }).click()
    }
    await add('service', 'shop')
    await add('resource type', 'order')
    await add('role', 'clerk')
    await add('action', 'read')
    const input = {
      user: { status: 'active', assignments: [{ role: 'clerk', resource_type: 'project', resource_id: 'p' }] },
      resource: { type: 'order', project_id: 'p' },
      action: 'read',
    }
    const ask = () =>
      call(`${served.edict.url}/v1/data/rbac/allow`, { method: 'POST', body: JSON.stringify({ input }) })
    expect((await ask()).json).toMatchObject({ result: false })
    await page.getByRole('checkbox', { name: 'clerk may read' }).check()
    await page.getByText('Plan: 1 rule is added').waitFor()
    const rego = page.getByRole('region', { name: 'Rego', exact: true })
    await rego.getByText('+\tassignment.role == "clerk"').waitFor()
    expect((await ask()).json).toMatchObject({ result: false })
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Save 1 change' }).click()
    await page.getByText('1 rule is in force.').waitFor()
    expect((await ask()).json).toMatchObject({ result: true })
    await page.getByRole('heading', { name: 'As Rego: rbac/shop' }).waitFor()
    await page.context().close()
  })

  it('shows what unticking takes away, marks what is changed, and forgets it when discarded', async () => {
    const { page } = await show(`${base}/rules`)
    await page.getByRole('checkbox', { name: 'clerk may read' }).uncheck()
    await page.getByText('No longer allow clerk to read').waitFor()
    await page.getByText('Plan: 1 rule is switched').waitFor()
    await page.getByText('-\tassignment.role == "clerk"').waitFor()
    expect(await page.locator('td.changed').count()).toBe(1)
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(await page.getByRole('checkbox', { name: 'clerk may read' }).isChecked()).toBe(true)
    await page.context().close()
  })

  it('shows the plan and the Rego of a CSV file before it is imported, and what is wrong with one', async () => {
    const { page } = await show(`${base}/rules`)
    const choose = async (text: string): Promise<void> => {
      const buffer = Buffer.from(`service_name,resource_type,role,action,is_active\n${text}`)
      await page.getByLabel('File').setInputFiles({ name: 'rules.csv', mimeType: 'text/csv', buffer })
    }
    await page.getByRole('button', { name: 'Import CSV …' }).click()
    await choose('shop,order,,read,true\n')
    await page.getByRole('alert').getByText('line 2').first().waitFor()
    await choose('shop,order,manager,read,true\nshop,order,manager,delete,true\n')
    await page.getByText('Plan: 2 rules are added').waitFor()
    await page.getByText('+\tassignment.role == "manager"').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Import', exact: true }).click()
    await page.getByRole('checkbox', { name: 'manager may delete' }).waitFor()
    expect(await page.getByRole('checkbox', { name: 'manager may delete' }).isChecked()).toBe(true)
    await page.context().close()
  })
})

describe.skipIf(browser === undefined)('rules that are approved first', () => {
  let edict: Edict
  beforeAll(async () => {
    const config = join(await temporaryFolder(), 'edict.yaml')
    await writeFile(config, 'sources: [{ name: api, api: {}, mode: plan }]\n')
    edict = await startEdict({ ...newDatabase(), EDICT_CONFIG: config })
  })

  const add = async (page: Page, what: string, name: string): Promise<void> => {
    await page.getByLabel(`New ${what}`, { exact: true }).fill(name)
    await page.getByRole('button', { name: `Add ${what}`, exact: true }).click()
  }

  it('are said to wait with their plan', async () => {
    const { page } = await show(`${edict.url}/console/rules`)
    await add(page, 'service', 'shop')
    await add(page, 'resource type', 'order')
    await add(page, 'role', 'clerk')
    await add(page, 'action', 'read')
    await page.getByRole('checkbox', { name: 'clerk may read' }).check()
    await page.getByRole('button', { name: 'Save 1 change' }).click()
    await page.getByText(/It waits to be approved with plan/).waitFor()
    expect((await call(`${edict.url}/api/rules`)).json).toMatchObject({ total: 0 })
    await page.context().close()
  })
})
