/** Sources, webhooks, the audit log and revisions in the console. */
import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { call, evaluate } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const secret = 'a secret that the forge knows'

describe.skipIf(browser === undefined)('operations in the console', () => {
  let served: ServedRepo
  let base: string
  beforeAll(async () => {
    const files = { 'example/hello/1.0/policy.rego': rego('example', 'hello', 'answer := 1') }
    served = await serveRepo({ files, env: { EDICT_API: 'true', EDICT_WEBHOOK_SECRET: secret } })
    await served.release({ 'example/first/1.0/policy.rego': rego('example', 'first', 'answer := 2') })
    await served.release({ 'example/second/1.0/policy.rego': rego('example', 'second', 'answer := 2') })
    base = `${served.edict.url}/console`
  })

  it('syncs a source now, verifies the audit log, shows a plan, and rolls back', async () => {
    const { page } = await show(`${base}/sources`)
    await page.getByRole('button', { name: 'Sync now: platform' }).click()
    await page.locator('.toast').filter({ hasText: 'platform' }).waitFor()
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByRole('button', { name: 'Verify the log' }).click()
    await page.getByText('Nothing was altered, removed or reordered').waitFor()
    await page.getByRole('link', { name: 'Plans' }).click()
    await page.getByRole('link', { name: 'Revision 2', exact: true }).click()
    await page.getByText('+answer := 2').waitFor()
    await page.getByRole('link', { name: 'Revisions' }).click()
    await page.getByRole('button', { name: 'Roll back … to revision 2', exact: true }).click()
    await page.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.locator('.toast').filter({ hasText: 'Rolled back' }).waitFor()
    expect((await evaluate(served.edict, 'example/second/1.0')).status).toBe(404)
    await page.context().close()
  })

  it('says how each forge is told of the webhook, and when it last delivered', async () => {
    const { page } = await show(`${base}/sources/platform`)
    const url = `${served.edict.url}/api/sources/platform/webhook`
    await page.getByText('no delivery was taken in the last day').waitFor()
    await page.getByText(url).first().waitFor()
    const steps = { GitHub: 'Payload URL', GitLab: 'Trigger: push events', 'Gitea, Forgejo': 'Target URL' }
    for (const [forge, step] of Object.entries({ ...steps, 'Anything else': 'X-Hub-Signature-256' })) {
      await page.getByRole('tab', { name: forge }).click()
      await page.getByText(step).first().waitFor()
    }
    expect(await violations(page)).toEqual([])
    const body = '{"ref":"refs/heads/main"}'
    const signed = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const init = { method: 'POST', body, headers: { 'x-hub-signature-256': signed } }
    expect((await call(url, init)).status).toBe(202)
    await page.getByText('the last delivery was taken').waitFor()
    await page.context().close()
  })

  it('filters the audit log by actor, action and resource, each in the URL', async () => {
    await call(`${served.edict.url}/policy/example/hello/1.0/lock`, { method: 'POST' })
    await call(`${served.edict.url}/policy/example/hello/1.0/lock`, { method: 'DELETE' })
    const { page } = await show(`${base}/audit`)
    const rows = page.getByRole('group', { name: 'Entries' }).locator('tbody tr')
    await rows.filter({ hasText: 'policy.unlock' }).waitFor()
    await page.getByLabel('action').fill('policy.lock')
    await page.waitForURL(/action=policy.lock/)
    await expect.poll(() => rows.allInnerTexts()).toEqual([expect.stringContaining('policy.lock')])
    await page.getByLabel('resource').fill('example/other/1.0')
    await page.getByText('No entry matches').waitFor()
    await page.goto(`${base}/audit?action=sync.apply`)
    await rows
      .first()
      .getByText(/changed/)
      .click()
    await rows
      .first()
      .getByRole('link', { name: /^plan / })
      .click()
    await page.getByRole('heading', { name: 'Changes' }).waitFor()
    await page.context().close()
  })
})
