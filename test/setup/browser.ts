/**
 * A real Chromium for tests: EDICT_CHROMIUM, one of the system, or the one that the package @sparticuz/chromium ships.
 * undefined where none can be had; in CI that is an error. One for each test file, closed after it.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const onPath = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => existsSync(file))

const chosen = (): string | undefined => process.env['EDICT_CHROMIUM'] ?? onPath()

export const openBrowser = async (): Promise<Browser | undefined> => {
  try {
    const own = chosen()
    const executablePath = own ?? (await chromium.executablePath())
    // In one process with its pages, it ends when a page's context does.
    const args = own === undefined ? chromium.args.filter((arg) => arg !== '--single-process') : ['--no-sandbox']
    return await playwright.launch({ executablePath, args, headless: true })
  } catch (error) {
    if (process.env['CI'] !== undefined && process.env['CI'] !== '') throw error
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    process.stderr.write(`\n  SKIPPED: the console is not tested, there is no browser here: ${why}\n\n`)
    return undefined
  }
}
