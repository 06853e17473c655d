/** The console while the server goes away and comes back. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { browser, show, violations } from './console.ts'
import { newDatabase, startEdict, temporaryFolder } from './edict.ts'
import { rego } from './served-repo.ts'

const put = async (folder: string, name: string): Promise<void> => {
  const file = join(folder, `shop/${name}/1.0/policy.rego`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, rego('shop', name, 'value := 1'))
}

describe.skipIf(browser === undefined)('a console whose server is killed', () => {
  it.each(['/policies', '/'])(
    'says so at %s, keeps what it shows, and goes on when the server is back',
    async (path) => {
      const folder = await temporaryFolder()
      await put(folder, 'price')
      const env = { ...newDatabase(), EDICT_DIRECTORY: folder, EDICT_SOURCE: 'local' }
      const edict = await startEdict(env)
      const { page } = await show(`${edict.url}/console${path}`)
      const shown = path === '/' ? page.getByRole('link', { name: 'local' }) : page.getByText('1 of 1 policies')
      await shown.waitFor()
      await page.getByText('Live', { exact: true }).waitFor()
      await page.evaluate('globalThis.stayed = true')
      await edict.kill()
      await page.getByText('The server cannot be reached').waitFor()
      await shown.waitFor()
      // Once, not for each thing that is shown.
      await page.waitForTimeout(3_000)
      expect(await page.getByText('cannot be reached').allInnerTexts()).toHaveLength(1)
      expect(await violations(page)).toEqual([])
      await put(folder, 'second')
      await startEdict({ ...env, PORT: new URL(edict.url).port })
      await page.getByText('Live', { exact: true }).waitFor()
      await page.getByText('The server cannot be reached').waitFor({ state: 'detached' })
      const now =
        path === '/'
          ? page.locator('.tile').filter({ hasText: 'Policies' }).getByText('2')
          : page.getByText('2 of 2 policies')
      await now.waitFor()
      expect(await page.evaluate('globalThis.stayed')).toBe(true)
      await page.context().close()
    },
  )
})
