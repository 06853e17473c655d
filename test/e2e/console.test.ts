import { beforeAll, describe, expect, it } from 'vitest'
import { firstPage } from '../../scripts/console.mjs'
import { browser, show, violations } from './console.ts'
import { call, newDatabase, runEdict, startEdict } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const hello = { 'example/hello/1.0/policy.rego': rego('example', 'hello', 'answer := 1') }

describe.skipIf(browser === undefined)('the console in a browser', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    served = await serveRepo({ files: { 'README.md': 'policies' }, env: { EDICT_API: 'true' } })
    base = `${served.edict.url}/console`
  })

  it('teaches the first push in an empty installation, and turns into the overview when it arrives', async () => {
    const { page, complaints } = await show(`${base}/`)
    await page.getByRole('heading', { name: 'No policy yet: push the first one' }).waitFor()
    expect(await violations(page)).toEqual([])
    await served.release(hello)
    await page.getByRole('heading', { name: 'Needs attention' }).waitFor()
    expect(await page.locator('.tile').filter({ hasText: 'Policies' }).innerText()).toContain('1')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('shows a pushed policy in the table without a reload, and filters it', async () => {
    const { page } = await show(`${base}/policies`)
    await page.getByText('1 of 1 policies').waitFor()
    await served.release({ 'example/second/1.0/policy.rego': rego('example', 'second', 'answer := 2') })
    await page.getByRole('link', { name: 'example/second/1.0' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('hello')
    await page.getByText('1 of 2 policies').waitFor()
    await page.waitForURL(/q=hello/)
    await page.context().close()
  })

  it('shows on a phone where in the navigation one is', async () => {
    const { page } = await show(`${base}/audit`, 360)
    const here = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Audit' })
    await here.waitFor()
    await expect.poll(async () => (await here.boundingBox())?.x ?? -1).toBeLessThan(300)
    await page.context().close()
  })

  it('goes from page to page by keys alone', async () => {
    const { page } = await show(`${base}/`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.getByRole('heading', { name: 'Audit' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.context().close()
  })

  const paths = [
    '/',
    '/policies',
    '/policies/example/hello/1.0',
    '/policies/example/hello/1.0?tab=endpoint',
    '/policies/example/hello/1.0?tab=versions',
    '/playground',
    '/plans',
    '/revisions',
    '/rules',
    '/modules',
    '/new-module',
    '/module/lib/greet',
    '/sources',
    '/sources/platform',
    '/ownership',
    '/audit',
    '/nowhere',
  ]
  it.each(paths)('%s is accessible, light, dark and 360 px wide, and keeps to its policy', async (path) => {
    const { page, complaints } = await show(base + path, 360)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('load')
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    expect(await violations(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
    expect(complaints.filter((text) => /Content Security Policy|TypeError|not defined/.test(text))).toEqual([])
    await page.context().close()
  })
})

describe.skipIf(browser === undefined)('the console of a server that asks for credentials', () => {
  it('signs in with a token, says what a viewer may not, and asks again when the session has ended', async () => {
    const env = { ...newDatabase(), EDICT_DIRECTORY: 'policies-example', EDICT_SOURCE: 'local' }
    const options = [env, process.cwd()] as const
    const create = async (...args: readonly string[]): Promise<string> =>
      (await runEdict([...args], ...options)).stdout.trim().split(/\s/)[0] ?? ''
    const admin = await create('token', 'create', '--actor', 'root', '--roles', 'superuser')
    const edict = await startEdict({ ...env, EDICT_DIRECTORY: `${process.cwd()}/policies-example` })
    const viewer = await create('--as', 'root', 'token', 'create', '--actor', 'vera', '--roles', 'viewer')
    const { page } = await show(`${edict.url}/console/policies/shop/discount/1.0`)
    expect(await violations(page)).toEqual([])
    const signIn = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }
    await signIn('edict_wrong')
    await page.getByText('Sign in with a token that is valid').waitFor()
    await signIn(viewer)
    await page.getByRole('heading', { name: 'shop/discount/1.0' }).waitFor()
    const lock = page.getByRole('button', { name: 'Lock …' })
    await page.getByText('No rule lets vera (viewer) lock anything').waitFor()
    expect(await lock.getAttribute('aria-disabled')).toBe('true')
    expect(await violations(page)).toEqual([])
    const headers = { authorization: `Bearer ${admin}` }
    const { json } = await call(`${edict.url}/api/tokens`, { headers })
    const { tokens } = json as { tokens: readonly { id: string; actor: string }[] }
    const id = tokens.find(({ actor }) => actor === 'vera')?.id ?? ''
    expect((await call(`${edict.url}/api/tokens/${id}`, { method: 'DELETE', headers })).status).toBe(200)
    await page.getByText('Your session has ended').waitFor()
    await signIn(admin)
    await page.getByRole('heading', { name: 'shop/discount/1.0' }).waitFor()
    await page.locator('button[aria-disabled="false"]', { hasText: 'Lock …' }).waitFor()
    await page.context().close()
  })
})

describe('what a browser is sent first', () => {
  it('is at most 250 kB of compressed script', () => {
    const { script } = firstPage()
    expect(script).toBeGreaterThan(20_000)
    expect(script).toBeLessThanOrEqual(250_000)
  })
})
