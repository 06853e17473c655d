/** Tokens made, used and revoked from the console; and the console and Swagger UI, which link to each other. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { answering, createPolicies } from './deployment.ts'
import { call, type Edict, newDatabase, runEdict, startEdict } from './edict.ts'

const whoami = (edict: Edict, token?: string) =>
  call(`${edict.url}/api/whoami`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

const make = async (page: Page, actor: string, fill: () => Promise<void> = async () => undefined): Promise<string> => {
  await page.getByRole('button', { name: 'Make a token …' }).click()
  await page.getByLabel('Name of who acts').fill(actor)
  await fill()
  await page.getByRole('button', { name: 'Make it' }).click()
  const shown = page.getByRole('dialog', { name: `The token for ${actor}` })
  await shown.waitFor()
  await page.keyboard.press('Escape')
  expect(await violations(page)).toEqual([])
  const token = await shown.getByText(/^edict_\w+$/).innerText()
  await shown.getByRole('button', { name: 'I have copied it' }).click()
  await shown.waitFor({ state: 'detached' })
  expect(await page.locator('body').innerText()).not.toContain(token)
  return token
}

describe.skipIf(browser === undefined)('tokens in the console', () => {
  let edict: Edict
  let env: Readonly<Record<string, string>>
  let admin = ''

  beforeAll(async () => {
    const policies = await createPolicies(answering('example/one/1.0', 1))
    env = { ...newDatabase(), ...policies.env }
    edict = await startEdict(env)
  })

  const signedIn = async (token: string, width?: number): Promise<Page> => {
    const { page } = await show(`${edict.url}/console/tokens`, width)
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Tokens', exact: true }).waitFor()
    return page
  }

  it('say what the first one does; it is made, shown, and signed in with', async () => {
    const { page } = await show(`${edict.url}/console/`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await page.getByText('No token yet').waitFor()
    expect(await violations(page)).toEqual([])
    admin = await make(page, 'root', async () => {
      await page.getByText('asks everybody for a credential, for good').waitFor()
      await page.getByLabel('superuser').uncheck()
      await page.getByText('The first token needs the role superuser').waitFor()
      await page.getByLabel('superuser').check()
      expect(await violations(page)).toEqual([])
    })
    expect((await whoami(edict)).status).toBe(401)
    expect((await whoami(edict, admin)).json).toMatchObject({ id: 'root', roles: ['superuser'], mode: 'required' })
    await page.getByRole('row', { name: /root/ }).getByText('active').waitFor()
    await page.getByText('1 of 1 tokens').waitFor()
    await page.context().close()
  })

  it('are made with roles, groups and an end; used; revoked once the name was typed; and refused', async () => {
    const page = await signedIn(admin)
    const token = await make(page, 'ci-payments', async () => {
      await page.getByLabel('author').check()
      await page.getByLabel('Other roles').fill('auditor')
      await page.getByRole('textbox', { name: 'Groups' }).fill('payments, shop')
      await page.getByLabel('Ends').selectOption('30d')
    })
    const who = await whoami(edict, token)
    expect(who.json).toMatchObject({ id: 'ci-payments', roles: ['author', 'auditor'], groups: ['payments', 'shop'] })
    const row = page.getByRole('row', { name: /ci-payments/ })
    for (const text of ['active', 'author, auditor', 'payments, shop', 'in 30 days', 'by root'])
      await row.getByText(text).waitFor()
    await row.getByRole('button', { name: 'Revoke …' }).click()
    const revoke = page.getByRole('button', { name: 'Revoke', exact: true })
    expect(await revoke.getAttribute('aria-disabled')).toBe('true')
    await page.getByLabel('Type ci-payments to confirm').fill('ci-payments')
    expect(await violations(page)).toEqual([])
    await revoke.click()
    await row.getByText('revoked').waitFor()
    expect(await whoami(edict, token)).toMatchObject({ status: 401, json: { message: 'the token was revoked' } })
    await page.getByLabel('Filter tokens').fill('payments revoked')
    await page.getByText('1 of 2 tokens').waitFor()
    await page.waitForURL(/q=payments/)
    await page.context().close()
  })

  it('say why a viewer may neither see nor make them', async () => {
    const args = ['--as', 'root', 'token', 'create', '--actor', 'vera', '--roles', 'viewer']
    const viewer = (await runEdict(args, env)).stdout.trim()
    const page = await signedIn(viewer, 360)
    await page.getByText('No rule lets vera (viewer) make or revoke tokens').first().waitFor()
    const button = page.getByRole('button', { name: 'Make a token …' })
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    await button.click({ force: true })
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await violations(page)).toEqual([])
    }
    await page.context().close()
  })

  it('are listed at 360 px, light and dark', async () => {
    const page = await signedIn(admin, 360)
    await page.getByRole('row', { name: /vera/ }).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await violations(page)).toEqual([])
    }
    await page.context().close()
  })

  it('cannot be revoked so that nobody is left, and the console says so', async () => {
    const page = await signedIn(admin)
    await page.getByRole('button', { name: /^Revoke … the token \w+ of root$/ }).click()
    await page.getByText('It is one of your own').waitFor()
    await page.getByLabel('Type root to confirm').fill('root')
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
    expect((await whoami(edict, admin)).status).toBe(200)
    await page.context().close()
  })

  it('and all that can be asked: the console and Swagger UI link to each other', async () => {
    const page = await signedIn(admin)
    await page.getByRole('link', { name: 'API' }).click()
    await page.waitForURL(`${edict.url}/swagger-ui/`)
    const link = page.getByRole('link', { name: 'Open the console' })
    const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()])
    await opened.waitForURL(`${edict.url}/console/`)
    await page.context().close()
  })
})
