/** The page of one policy: its lock, what broke it, its tests, its history and what it cost. */
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { evaluate } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const hello = (answer: number) => ({
  'example/hello/1.0/policy.rego': rego('example', 'hello', `answer := ${answer}`),
  'example/hello/1.0/policy.tests.yaml': `cases:\n  - { name: it greets, expect: { exact: { answer: ${answer} } } }\n`,
})

describe.skipIf(browser === undefined)('the page of a policy', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    served = await serveRepo({
      files: { ...hello(1), 'example/second/1.0/policy.rego': rego('example', 'second', 'answer := 2') },
      env: { EDICT_API: 'true' },
    })
    base = `${served.edict.url}/console`
  })

  it('locks a policy with a reason, for which evaluations are 403, and unlocks it', async () => {
    const { page } = await show(`${base}/policies/example/hello/1.0`)
    await page.getByRole('button', { name: 'Lock …' }).click()
    await page.getByLabel('Reason, for people').fill('incident 7')
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Lock', exact: true }).click()
    await page.getByText('incident 7').waitFor()
    const locked = await evaluate(served.edict, 'example/hello/1.0')
    expect([locked.status, locked.json]).toMatchObject([403, { code: 'policy_locked' }])
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('button', { name: 'Lock …' }).waitFor()
    expect((await evaluate(served.edict, 'example/hello/1.0')).json).toEqual({ answer: 1 })
    await page.context().close()
  })

  it('says which commit, file and line quarantined a policy, and what stays in force', async () => {
    await served.release({ 'example/second/1.0/policy.rego': rego('example', 'second', 'answer := := 2') })
    const { page } = await show(`${base}/policies/example/second/1.0`)
    await page.getByText('does not validate').waitFor()
    await page.getByText('example/second/1.0/policy.rego:3').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('link', { name: 'example/second/1.0' }).waitFor()
    await served.release({ 'example/second/1.0/policy.rego': rego('example', 'second', 'answer := 2') })
    await page.getByText('No policy is quarantined or locked.').waitFor()
    await page.context().close()
  })

  it('shows what each of its tests came to, with its file and cost', async () => {
    const { page } = await show(`${base}/policies/example/hello/1.0`)
    await page.getByRole('tab', { name: 'Tests (1)' }).click()
    const row = page.getByRole('row').filter({ hasText: 'it greets' })
    expect(await row.innerText()).toMatch(/passed\s+it greets\s+policy.tests.yaml:2\s+[\d,]+ units/)
    await page.waitForURL(/tab=tests/)
    expect(await violations(page)).toEqual([])
    await page.goto(`${base}/policies/example/second/1.0?tab=tests`)
    await page.getByText('It has no tests').waitFor()
    await page.context().close()
  })

  it('says which revision changed it, from which commit and by whom, and what going back does', async () => {
    const { commit } = await served.release(hello(7), 'seven')
    await served.release({ 'example/third/1.0/policy.rego': rego('example', 'third', 'answer := 3') })
    const { page } = await show(`${base}/policies/example/hello/1.0?tab=history`)
    const rows = page.getByRole('row')
    await rows.filter({ hasText: commit.slice(0, 12) }).waitFor()
    const told = await rows.allInnerTexts()
    expect(told.map((text) => /created|replaced/.exec(text)?.[0])).toEqual([undefined, 'replaced', 'created'])
    expect(told[1]).toContain('in force')
    await page.getByRole('button', { name: 'Roll back …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Everything goes back, not this policy alone').waitFor()
    const said = await dialog.innerText()
    expect(said).toMatch(/Policies turned back \(\d\)[^]*example\/hello\/1\.0/)
    expect(said).toMatch(/Policies removed \(1\)[^]*example\/third\/1\.0/)
    expect(await violations(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.locator('.toast').filter({ hasText: 'Rolled back' }).waitFor()
    expect((await evaluate(served.edict, 'example/hello/1.0')).json).toEqual({ answer: 1 })
    expect((await evaluate(served.edict, 'example/third/1.0')).status).toBe(404)
    await page.getByRole('tab', { name: 'Tests (1)' }).waitFor()
    await page.context().close()
  })

  it('shows decisions, time and cost, over an hour, a day or a week', async () => {
    const { page } = await show(`${base}/policies/example/hello/1.0?tab=decisions`)
    await page.getByRole('img', { name: /Cost of a decision, mean per minute: [\d.,]+ units/ }).waitFor()
    await page.getByLabel('How far back').selectOption('The last seven days')
    await page.getByRole('img', { name: /Decisions per two hours: [1-9]/ }).waitFor()
    await page.waitForURL(/range=week/)
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it.each(['tests', 'history', 'decisions'])('its tab %s keeps to 360 px, light and dark', async (tab) => {
    const { page } = await show(`${base}/policies/example/hello/1.0?tab=${tab}`, 360)
    await page.getByRole('tabpanel').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })
})
