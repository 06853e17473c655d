/**
 * `npm run conformance`: OPA's own test suite through this engine. The last line on stdout tells the numbers; a full
 * run also writes `docs/conformance.md`. `--only <part of a category>` and `--tenth` run less, `--failures` prints each
 * failing case, `--check` writes nothing and fails when the document is out of date.
 */
import { parseArgs } from 'node:util'
import { loadCases } from './cases.ts'
import { documentFile, settleDocument } from './document.ts'
import { closingLine, conformanceMarkdown, failures, scoresOf, table } from './report.ts'
import { runCases } from './run.ts'
import { tenthOf } from './selection.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    tenth: { type: 'boolean', default: false },
    failures: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const log = (line: string): void => void process.stderr.write(`edict: ${line}\n`)

const { folder, cases: all } = await loadCases({ env: process.env, log })
const some = values.tenth ? tenthOf(all) : all
const cases = some.filter(({ category }) => category.includes(values.only ?? ''))

const started = Date.now()
const verdicts = await runCases({ folder, cases }, (done) => {
  if (done % 1000 === 0) log(`${done} of ${cases.length} cases`)
})
log(`${cases.length} cases after ${((Date.now() - started) / 1000).toFixed(1)} s`)

if (cases.length === all.length) settle(conformanceMarkdown(verdicts))
console.log(table(verdicts))
if (values.failures) console.log(`\n${failures(verdicts)}`)
console.log(closingLine(scoresOf(verdicts)))

function settle(text: string): void {
  const state = settleDocument(text, values.check ? 'check' : 'write')
  if (state === 'written') log(`wrote ${documentFile}`)
  if (state !== 'out of date') return
  log(`${documentFile} is out of date: run npm run conformance`)
  process.exitCode = 1
}
