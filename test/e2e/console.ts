/** A real browser at the console of a real server: what the tests of each area of the console share. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll } from 'vitest'
import { buildConsole, isConsoleBuilt } from '../../scripts/console.mjs'
import { openTestBrowser } from '../setup/browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

if (!isConsoleBuilt()) {
  const problem = await buildConsole()
  if (problem !== undefined) throw new Error(problem)
}
export const browser: Browser | undefined = await openTestBrowser()
afterAll(() => browser?.close())

const opened = (): Browser => {
  if (browser === undefined) throw new Error('no browser')
  return browser
}

export interface Shown {
  readonly page: Page
  /** What the browser complained of: refused by the policy, not found, thrown. */
  readonly complaints: readonly string[]
}

export const show = async (url: string, width = 1280): Promise<Shown> => {
  const context = await opened().newContext({ viewport: { width, height: 800 } })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, complaints }
}

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}

/** What axe finds, one line each. */
export const violations = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(axe)
  const rules = JSON.stringify({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
  const { violations: found } = await page.evaluate<{ violations: readonly Violation[] }>(`axe.run(${rules})`)
  return found.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  )
}
