/** The browser of tests: undefined where none can be had, said loudly; in CI that is an error. */
import type { Browser } from 'playwright-core'
import { openBrowser } from '../../scripts/browser.mjs'

export const openTestBrowser = async (): Promise<Browser | undefined> => {
  try {
    return await openBrowser()
  } catch (error) {
    if (process.env['CI'] !== undefined && process.env['CI'] !== '') throw error
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    process.stderr.write(`\n  SKIPPED: the console is not tested, there is no browser here: ${why}\n\n`)
    return undefined
  }
}
