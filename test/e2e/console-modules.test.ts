/** Shared modules in the console: uploaded, in conflict, checked as one types, deleted. */
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { call } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

describe.skipIf(browser === undefined)('modules in the console', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    const files = { 'example/hello/1.0/policy.rego': rego('example', 'hello', 'answer := 1') }
    served = await serveRepo({ files, env: { EDICT_API: 'true' } })
    base = `${served.edict.url}/console`
  })

  it('explains why a module cannot be uploaded, and takes it under another name', async () => {
    await served.release({ 'lib/greet.rego': 'package lib.greet\n\nword := "hello"\n' })
    const { page } = await show(`${base}/new-module`)
    await page.getByLabel('Name').fill('lib/greet')
    await page.getByText('It cannot be saved').waitFor()
    await page.getByText('shared module lib/greet is declared by platform').waitFor()
    await page.getByText('two sources cannot declare the same').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByLabel('Name').fill('rbac/custom')
    await page.getByText('It can be saved').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'rbac/custom' }).waitFor()
    const { json } = await call(`${served.edict.url}/api/policies`)
    expect(json).toMatchObject({ policies: expect.arrayContaining(['lib/greet', 'rbac/custom']) })
    await page.context().close()
  })

  it('says whose a generated module is, and that one of Edict is taken over', async () => {
    const rule = { service_name: 'shop', resource_type: 'order', role: 'clerk', action: 'read' }
    await call(`${served.edict.url}/api/rules`, { method: 'POST', body: JSON.stringify(rule) })
    const { page } = await show(`${base}/new-module`)
    await page.getByLabel('Name').fill('rbac/shop')
    await page.getByText('rbac/shop is generated from the rules of shop; change its rules').waitFor()
    await page.getByRole('link', { name: 'its rules' }).waitFor()
    await page.getByLabel('Name').fill('rbac/core')
    await page.getByText('rbac/core comes with Edict').waitFor()
    await page.getByLabel('Name').fill('a b')
    await page.getByText('is no module name').waitFor()
    await page.context().close()
  })

  it('names the policies that are built anew before it is saved', async () => {
    await served.release({
      'example/asks/1.0/policy.rego': rego('example', 'asks', 'import data.lib.greet\n\nanswer := greet.word'),
    })
    const { page } = await show(`${base}/new-module`)
    await page.getByRole('textbox', { name: /^Rego of/ }).fill('package lib.greet\n\nother := 1\n')
    await page.getByLabel('Name').fill('lib/more')
    await page.getByText('A policy is built anew with it').waitFor()
    await page.getByRole('link', { name: 'example/asks/1.0' }).waitFor()
    await page.context().close()
  })

  it('deletes a module once its name was typed', async () => {
    const { page } = await show(`${base}/module/rbac/custom`)
    await page.getByRole('button', { name: 'Delete …' }).click()
    const confirm = page.getByRole('button', { name: 'Delete', exact: true })
    expect(await confirm.getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('dialog').getByRole('textbox').fill('rbac/custom')
    await confirm.click()
    await page.getByRole('heading', { name: 'Modules' }).waitFor()
    expect((await call(`${served.edict.url}/api/policies/rbac/custom`)).status).toBe(404)
    await page.context().close()
  })
})
