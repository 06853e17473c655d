/** The playground: a policy tried out in a browser, on a real server, as one types. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { call, evaluate, newDatabase, runEdict, startEdict, temporaryFolder } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const policy = `package shop.discount

default allow := false

allow if {
	input.total >= data.least
	get_header("X-Tenant") == "north"
}
`

const files = {
  'example/hello/1.0/policy.rego': rego('example', 'hello', 'answer := 1'),
  'shop/discount/1.0/policy.rego': policy,
  'shop/discount/1.0/data.json': '{"least": 100, "currency": "EUR"}\n',
}

const resultOf = (page: Page): Locator => page.getByRole('region', { name: 'Result' })
const whyOf = (page: Page): Locator => page.getByRole('region', { name: 'Why' })
const editorOf = (page: Page, name: string): Locator => page.getByRole('textbox', { name, exact: true })
const discount = 'playground?policy=shop%2Fdiscount%2F1.0'

describe.skipIf(browser === undefined)('the playground', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    served = await serveRepo({ files, env: { EDICT_API: 'true' } })
    base = `${served.edict.url}/console`
  })

  it('evaluates as one types, and shows a syntax error at its line', async () => {
    const { page, complaints } = await show(`${base}/playground?policy=example%2Fhello%2F1.0`)
    const result = resultOf(page)
    await result.getByText('"answer"').waitFor()
    const editor = editorOf(page, 'Rego')
    await editor.fill('package example.hello\n\nlong := 12345678901234567890123\n')
    await result.getByText('12345678901234567890123').waitFor()
    await editor.fill('package example.hello\n\nanswer := := 1\n')
    await page.getByText('policy.rego:3:11').waitFor()
    await page.locator('.cm-lintRange-error').waitFor()
    await page.getByRole('list', { name: 'Lines of the Rego' }).waitFor({ state: 'detached' })
    expect(await page.locator('.cm-reach .reach').filter({ visible: true }).count()).toBe(0)
    // Chrome itself tries to keep the look of a word that `fill` replaces.
    expect(complaints.filter((text) => !text.startsWith('Applying inline style'))).toEqual([])
    await page.context().close()
  })

  it('marks what was reached, and explains a denial with lines to go to', async () => {
    const { page } = await show(`${base}/${discount}`)
    await editorOf(page, 'Input').fill('{ "total": 99.000000000000000001 }')
    const why = whyOf(page)
    await why.getByText('99.000000000000000001').waitFor()
    expect(await why.getByRole('listitem').first().innerText()).toMatch(/^Default\s+allow\s+false\s+line 3/)
    await why.getByText('get_header("X-Tenant") == "north"').waitFor()
    const lines = page.getByRole('list', { name: 'Lines of the Rego' })
    await lines.getByText('1 line did not hold: 6').waitFor()
    await lines.getByText('2 lines not reached: 5, 7').waitFor()
    expect(await page.locator('.cm-reach .reach.failed').count()).toBe(1)
    expect(await page.locator('.cm-reach .cm-gutterElement .reach.missed').count()).toBe(2)
    await why.getByRole('button', { name: 'line 7' }).click()
    expect(await page.locator('.cm-activeLine').first().innerText()).toContain('get_header("X-Tenant")')

    await editorOf(page, 'Input').fill('{ "total": 100 }')
    await page.getByLabel('Headers, one a line').fill('X-Tenant: north')
    await why.getByText('Matched').waitFor()
    await lines.getByText('3 lines held').waitFor()
    await lines.getByText('1 line not reached: 3').waitFor()
    await page.context().close()
  })

  it('says what is not asked outside, and that there are other ways', async () => {
    const { page } = await show(`${base}/playground`)
    await editorOf(page, 'Rego').fill(`package example.playground

allow if http.send({"method": "GET", "url": "https://example.org"}).status_code == 200

allow if open(input.hour)

open(hour) if hour > 8
`)
    const why = whyOf(page)
    await why.getByText('nothing outside is asked').waitFor()
    await why.getByText('1 other way').waitFor()
    await page.context().close()
  })

  it('is accessible with all that it shows, light, dark and 360 px wide', async () => {
    const { page, complaints } = await show(`${base}/${discount}`, 360)
    await whyOf(page).getByText('Default').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    expect(await violations(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await violations(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it('copies a case that passes beside the policy, with the data that was changed', async () => {
    const { page } = await show(`${base}/${discount}`)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const copied = async (): Promise<string> => {
      const toasts = page.getByText('Copied: paste it')
      const before = await toasts.count()
      await page.getByRole('button', { name: 'Copy as test case' }).click()
      await toasts.nth(before).waitFor()
      return page.evaluate<string>('navigator.clipboard.readText()')
    }
    const shows = (text: string): Promise<void> => resultOf(page).getByText(text).waitFor()
    await shows('false')
    const denied = await copied()
    await editorOf(page, 'Input').fill('{ "total": 7.000000000000000001, "note": "it\'s: {fine} # so" }')
    await page.getByLabel('Headers, one a line').fill('X-Tenant: north')
    await editorOf(page, 'Data').fill('{ "least": 7, "currency": "EUR", "a.b": [1e400] }')
    await shows('true')
    const allowed = (await copied()).replace('from the playground', 'another')
    await editorOf(page, 'Input').fill('')
    await shows('false')
    const without = (await copied()).replace('from the playground', 'a third')
    expect(allowed).toContain('    data: {"least":7,"[\\"a.b\\"]":[1e400]}\n')
    expect(without).not.toContain('input')

    const folder = await temporaryFolder()
    const place = join(folder, 'shop/discount/1.0')
    await mkdir(place, { recursive: true })
    await writeFile(join(place, 'policy.rego'), policy)
    await writeFile(join(place, 'data.json'), files['shop/discount/1.0/data.json'])
    await writeFile(join(place, 'policy.tests.yaml'), `cases:\n${denied}\n${allowed}\n${without}`)
    const tested = await runEdict(['policy', 'test', folder], {}, folder)
    expect(tested).toMatchObject({ code: 0, stdout: expect.stringContaining('3 passed, 0 failed') })
    await page.context().close()
  })

  it('copies a case in which the outside is as silent as in the playground', async () => {
    const { page } = await show(`${base}/playground`)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const asking = `package example.playground

status := http.send({"method": "GET", "url": "https://example.org"}).status_code

silent if not status
`
    await editorOf(page, 'Rego').fill(asking)
    await whyOf(page).getByText('nothing outside is asked').waitFor()
    await page.getByRole('button', { name: 'Copy as test case' }).click()
    await page.getByText('Copied: paste it').waitFor()
    const text = await page.evaluate<string>('navigator.clipboard.readText()')
    const place = join(await temporaryFolder(), 'example/playground/1.0')
    await mkdir(place, { recursive: true })
    await writeFile(join(place, 'policy.rego'), asking)
    await writeFile(join(place, 'policy.tests.yaml'), `cases:\n${text}`)
    const folder = join(place, '../../..')
    const tested = await runEdict(['policy', 'test', folder], {}, folder)
    expect(tested).toMatchObject({ code: 0, stdout: expect.stringContaining('1 passed, 0 failed') })
    await page.context().close()
  })

  it('says so to whom no rule lets try policies, and asks for nothing', async () => {
    const env = { ...newDatabase(), EDICT_DIRECTORY: `${process.cwd()}/policies-example`, EDICT_SOURCE: 'local' }
    const create = async (...args: readonly string[]): Promise<string> =>
      (await runEdict(args, env)).stdout.trim().split(/\s/)[0] ?? ''
    await create('token', 'create', '--actor', 'root', '--roles', 'superuser')
    const edict = await startEdict(env)
    const viewer = await create('--as', 'root', 'token', 'create', '--actor', 'vera', '--roles', 'viewer')
    const { page } = await show(`${edict.url}/console/playground?policy=shop%2Fdiscount%2F2.0`)
    await page.getByLabel('Token').fill(viewer)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await resultOf(page).getByText('No rule lets vera (viewer) change anything').waitFor()
    expect(await editorOf(page, 'Rego').innerText()).toContain('package shop.discount')
    await editorOf(page, 'Input').fill('{ "total": 1 }')
    await page.getByRole('button', { name: 'Reset' }).click()
    expect(edict.log()).not.toContain('/api/dry-run')
    expect(await violations(page)).toEqual([])
    await page.context().close()
  })

  it('keeps the draft through a reload of the tab, for each policy by itself, until it is reset', async () => {
    const { page } = await show(`${base}/${discount}`)
    await editorOf(page, 'Input').fill('{ "mine": 1 }')
    await page.reload()
    await page.getByText('A copy of shop/discount/1.0').waitFor()
    expect(await editorOf(page, 'Input').innerText()).toContain('"mine"')
    await page.getByRole('link', { name: 'Playground' }).click()
    await resultOf(page).getByText('asked_by').waitFor()
    await page.goBack()
    await page.getByText('A copy of shop/discount/1.0').waitFor()
    expect(page.url()).toBe(`${base}/${discount}`)
    expect(await editorOf(page, 'Input').innerText()).toContain('"mine"')
    await page.getByRole('button', { name: 'Reset' }).click()
    await page.getByText('Nothing was changed').waitFor()
    await page.reload()
    await page.getByText('Nothing was changed').waitFor()
    expect(await editorOf(page, 'Input').innerText()).not.toContain('"mine"')
    await page.context().close()
  })

  it('makes a module of a draft: says that its package is taken, gives it another, and it is in force', async () => {
    const { page } = await show(`${base}/${discount}`)
    await editorOf(page, 'Rego').fill(`${policy}\nword := "from the playground"\n`)
    await page.getByRole('button', { name: 'Make it a module' }).click()
    await page.getByRole('heading', { name: 'Upload a module' }).waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('shop/discount')
    await page.getByText('package_overlap').waitFor()
    await page.getByText('It does not hold: see above').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Make its package' }).click()
    await page.getByText('It can be saved').waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe('lib/discount')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('heading', { name: 'lib/discount' }).waitFor()
    await served.release({
      'shop/uses/1.0/policy.rego': rego('shop', 'uses', 'word := data.lib.discount.word'),
    })
    expect((await evaluate(served.edict, 'shop/uses/1.0')).json).toEqual({ word: 'from the playground' })
    const { json } = await call(`${served.edict.url}/api/policies`)
    expect(json).toMatchObject({ policies: expect.arrayContaining(['lib/discount']) })
    await page.context().close()
  })
})
