/** The whole of OPA's own suite. `UPDATE=1` raises the floor in `floor.json` and writes `docs/conformance.md`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CasesUnavailableError, loadCases, type Suite } from './cases.ts'
import { documentFile, settleDocument } from './document.ts'
import { closingLine, conformanceMarkdown, failures, scoresOf } from './report.ts'
import { runCases, type Verdict } from './run.ts'

const isCi = Boolean(process.env['CI'])
const update = process.env['UPDATE'] === '1'
const floorFile = join(import.meta.dirname, 'floor.json')
const floorSchema = z.object({ v1: z.number(), v0: z.number() })

async function casesIfAny(): Promise<Suite | undefined> {
  try {
    return await loadCases({ env: process.env, log: (line) => console.error(line) })
  } catch (error) {
    if (isCi || !(error instanceof CasesUnavailableError)) throw error
    console.error(`\n!!! OPA'S CONFORMANCE SUITE IS SKIPPED: ${error.message} !!!\n`)
    return undefined
  }
}

const suite = await casesIfAny()
const verdicts: readonly Verdict[] = suite === undefined ? [] : await runCases(suite)

describe.skipIf(suite === undefined)("OPA's own conformance suite", () => {
  it('is there as a whole', () => {
    const { v1, v0 } = scoresOf(verdicts)
    expect([v1.total, v0.total]).toEqual([2400, 2027])
  })

  it('passes as many cases as it did before', () => {
    const floor = floorSchema.parse(JSON.parse(readFileSync(floorFile, 'utf8')))
    const scores = scoresOf(verdicts)
    const passed = { v1: scores.v1.passed, v0: scores.v0.passed }
    if (update) {
      const raised = { v1: Math.max(floor.v1, passed.v1), v0: Math.max(floor.v0, passed.v0) }
      writeFileSync(floorFile, `{ "v1": ${raised.v1}, "v0": ${raised.v0} }\n`)
    }
    const isBelow = passed.v1 < floor.v1 || passed.v0 < floor.v0
    expect(isBelow ? `${closingLine(scores)}\n${failures(verdicts)}` : '').toBe('')
  })

  it('is told of in docs/conformance.md as it is (otherwise: npm run conformance)', () => {
    const state = settleDocument(conformanceMarkdown(verdicts), update ? 'write' : 'check')
    expect(state, documentFile).not.toBe('out of date')
  })
})
