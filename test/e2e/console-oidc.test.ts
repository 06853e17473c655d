/** Signing in to the console at a real identity provider, in a real browser. */
import { createServer } from 'node:http'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { audience, consoleClient, startProvider, type TestProvider } from '../setup/oidc.ts'
import { browser, show as showPage, violations } from './console.ts'
import { answering, createPolicies } from './deployment.ts'
import { afterwards, call, type Edict, newDatabase, runEdict, startEdict } from './edict.ts'

const policy = '/console/policies/example/one/1.0?tab=versions'

const variables = (provider: TestProvider) => ({
  EDICT_OIDC_ISSUER: provider.issuer,
  EDICT_OIDC_AUDIENCE: audience,
  EDICT_OIDC_CLOCK_SKEW: '0s',
  EDICT_OIDC_CONSOLE_CLIENT_ID: consoleClient,
  EDICT_OIDC_CONSOLE_SCOPES: 'openid, edict',
  EDICT_OIDC_CONSOLE_PARAMETERS: `resource=${audience}`,
})

const providerOf = async (...options: Parameters<typeof startProvider>): Promise<TestProvider> => {
  const provider = await startProvider(...options)
  afterwards(provider.stop)
  return provider
}

/** The provider's own pages ask for a font of another host. */
const show = async (url: string) => {
  const shown = await showPage(url)
  await shown.page.route('https://**', (route) => route.abort())
  return shown
}

const goToProvider = (page: Page): Promise<void> => page.getByRole('button', { name: /^Sign in at 127/ }).click()

const logIn = async (page: Page, name: string): Promise<void> => {
  await page.getByPlaceholder('Enter any login').fill(name)
  await page.getByPlaceholder('and password').fill('anything')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

/** Every address that the page was at, and every one it asked. */
const addresses = (page: Page): readonly string[] => {
  const all: string[] = []
  page.on('request', (request) => all.push(request.url()))
  page.on('framenavigated', (frame) => all.push(frame.url()))
  return all
}

describe.skipIf(browser === undefined)('the console at an identity provider', () => {
  let provider: TestProvider
  let edict: Edict
  let env: Readonly<Record<string, string>>
  let admin = ''

  beforeAll(async () => {
    provider = await providerOf({ roles: ['operator'] })
    const policies = await createPolicies(answering('example/one/1.0', 1))
    env = { ...newDatabase(), ...policies.env }
    admin = (await runEdict(['token', 'create', '--actor', 'root', '--roles', 'superuser'], env)).stdout.trim()
    edict = await startEdict({ ...env, ...variables(provider) })
  })

  it('signs in, comes back to the view, and changes things as that user', async () => {
    const { page, complaints } = await show(`${edict.url}${policy}`)
    const seen = addresses(page)
    await page.getByRole('heading', { name: 'Sign in to Edict' }).waitFor()
    expect(await violations(page)).toEqual([])
    await goToProvider(page)
    await logIn(page, 'dora')
    await page.getByRole('heading', { name: 'example/one/1.0' }).waitFor()
    expect(page.url()).toBe(`${edict.url}${policy}`)
    await page.getByText('dora').waitFor()
    await page.getByRole('button', { name: 'Lock …' }).click()
    await page.getByLabel('Reason, for people').fill('signed in')
    await page.getByRole('button', { name: 'Lock', exact: true }).click()
    await page.getByText('signed in', { exact: false }).first().waitFor()
    const headers = { authorization: `Bearer ${admin}` }
    const audit = await call(`${edict.url}/api/audit?action=policy.lock&limit=1`, { headers })
    expect(audit.json).toMatchObject({ entries: [{ actor: 'dora', resource: 'example/one/1.0' }] })
    const token = await page.evaluate<string>(`sessionStorage.getItem('edict.token')`)
    expect(token.split('.')).toHaveLength(3)
    for (const address of seen) expect(address).not.toContain(token)
    const withCode = seen.filter((address) => address.startsWith(edict.url) && /[?&]code=/.test(address))
    expect(new Set(withCode).size).toBe(1)
    await page.reload()
    await page.getByRole('heading', { name: 'example/one/1.0' }).waitFor()
    expect(await page.evaluate<string>('JSON.stringify(localStorage) + document.cookie')).not.toContain(token)
    expect(await page.evaluate<string | null>(`sessionStorage.getItem('edict.sign-in')`)).toBeNull()
    expect(complaints.filter((text) => /Content Security Policy|TypeError/.test(text))).toEqual([])
    await page.context().close()
  })

  it('signs out, and has who comes next say who they are', async () => {
    const { page } = await show(`${edict.url}/console/policies`)
    await goToProvider(page)
    await logIn(page, 'dora')
    await page.getByRole('heading', { name: 'Policies' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Edict' }).waitFor()
    expect(await page.evaluate<string | null>(`sessionStorage.getItem('edict.token')`)).toBeNull()
    await goToProvider(page)
    await logIn(page, 'emil')
    await page.getByText('emil').waitFor()
    await page.context().close()
  })

  it('refuses an answer that is not to a sign-in of this tab', async () => {
    const { page } = await show(`${edict.url}/console/signed-in?code=stolen&state=guessed`)
    const seen = addresses(page)
    await page.getByText('not the answer to a sign-in of this tab').waitFor()
    expect(page.url()).toBe(`${edict.url}/console/`)
    await goToProvider(page)
    await page.getByPlaceholder('Enter any login').waitFor()
    const back = `${edict.url}/console/signed-in?code=stolen&state=guessed&iss=${encodeURIComponent(provider.issuer)}`
    await page.goto(back)
    await page.getByText('not the answer to a sign-in of this tab').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate<string | null>(`sessionStorage.getItem('edict.token')`)).toBeNull()
    expect(seen.filter((address) => address.endsWith('/token'))).toEqual([])
    await page.context().close()
  })

  it('says what to do when the provider lets somebody not in', async () => {
    const { page } = await show(`${edict.url}/console/policies`)
    await goToProvider(page)
    await page.getByText('[ Cancel ]').click()
    await page.getByText('refused, access_denied').waitFor()
    await page.getByText('ask for access').waitFor()
    expect(page.url()).toBe(`${edict.url}/console/policies`)
    await page.context().close()
  })

  it('says that a session has ended, does not go on guessing, and comes back to the view', async () => {
    const { page } = await show(`${edict.url}/console/policies`)
    let refused = 0
    page.on('response', (response) => {
      if (response.status() === 401) refused += 1
    })
    provider.lifetime(4)
    await goToProvider(page)
    await logIn(page, 'dora')
    await page.getByRole('heading', { name: 'Policies' }).waitFor()
    await page.getByText('Your session has ended').waitFor()
    provider.lifetime(600)
    await page.reload()
    await page.getByText('Your session has ended').waitFor()
    await page.waitForTimeout(1_000)
    const before = refused
    await page.waitForTimeout(4_500)
    expect(refused).toBe(before)
    await goToProvider(page)
    await page
      .getByRole('button', { name: 'Continue' })
      .click({ timeout: 3_000 })
      .catch(() => undefined)
    await page.getByRole('heading', { name: 'Policies' }).waitFor()
    expect(page.url()).toBe(`${edict.url}/console/policies`)
    await page.context().close()
  })

  it('takes a pasted token as well', async () => {
    const { page } = await show(`${edict.url}/console/policies`)
    await page.getByText('With a token').click()
    await page.getByLabel('Token').fill(admin)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('root', { exact: false }).first().waitFor()
    await page.getByRole('heading', { name: 'Policies' }).waitFor()
    await page.context().close()
  })

  it('says what to do when the provider is down', async () => {
    const away = await providerOf()
    const other = await startEdict({ ...env, ...variables(away) })
    await away.stop()
    const { page } = await show(`${other.url}/console/policies`)
    await goToProvider(page)
    await page.getByText('cannot be asked').waitFor()
    await page.getByText(`allow this origin`).waitFor()
    await page.context().close()
    await away.start()
  })

  it('tells the redirect address to who has to register it, where the provider does not know it', async () => {
    const strict = await providerOf({ redirectUri: 'http://127.0.0.1/elsewhere' })
    const other = await startEdict({ ...env, ...variables(strict) })
    const { page } = await show(`${other.url}/console/policies`)
    await page.getByText('The provider shows an error').click()
    await page.getByText(`${other.url}/console/signed-in`).waitFor()
    await goToProvider(page)
    await page.getByText('redirect_uri').first().waitFor()
    await page.context().close()
  })

  it('asks no other address than the issuer’s, and says so when the provider has its token endpoint elsewhere', async () => {
    const elsewhere = 'https://tokens.example.org'
    const server = createServer((_, response) => {
      response.setHeader('access-control-allow-origin', '*').setHeader('content-type', 'application/json')
      const found = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${elsewhere}/token` }
      response.end(JSON.stringify(found))
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    afterwards(async () => server.close())
    const address = server.address()
    const issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const other = await startEdict({ ...env, ...variables(provider), EDICT_OIDC_ISSUER: issuer })
    const { page, complaints } = await show(`${other.url}/console/policies`)
    await goToProvider(page)
    await page.getByText(`has its token endpoint elsewhere, at ${elsewhere}`).waitFor()
    await page.getByText('Paste a token, or have the provider').waitFor()
    const asked = await page.evaluate<string>(`fetch('${elsewhere}/token').then(() => 'answered', () => 'refused')`)
    expect(asked).toBe('refused')
    expect(complaints.join()).toContain(`connect-src 'self' ${issuer}`)
    await page.context().close()
  })

  it('takes nothing from a bare redirect address, and nothing for later from a link that is followed with a session', async () => {
    const { page } = await show(`${edict.url}/console/signed-in`)
    await page.getByRole('button', { name: /^Sign in at/ }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await page.getByText('With a token').click()
    await page.getByLabel('Token').fill(admin)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.goto(`${edict.url}/console/signed-in?code=stolen&state=guessed`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(page.url()).toBe(`${edict.url}/console/`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: /^Sign in at/ }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await page.context().close()
  })

  it('says so when the provider has no token for this server', async () => {
    const other = await startEdict({ ...env, ...variables(provider), EDICT_OIDC_AUDIENCE: 'https://other.example.org' })
    const { page } = await show(`${other.url}/console/policies`)
    await goToProvider(page)
    await logIn(page, 'dora')
    await page.getByText('no token for the audience https://other.example.org').waitFor()
    await page.context().close()
  })
})
