/**
 * `npm run conformance`: OPA's own test suite through this engine. The last line on stdout tells the numbers; a full
 * run also writes `docs/conformance.md`. `--only <part of a category>` and `--tenth` run less, `--failures` prints each
 * failing case, `--check` writes nothing and fails when the document is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadCases } from './cases.ts'
import { closingLine, conformanceMarkdown, failures, scoresOf, table } from './report.ts'
import { runCases } from './run.ts'
import { tenthOf } from './selection.ts'

const document = 'docs/conformance.md'
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
  if (readText(document) === text) return
  if (values.check) {
    log(`${document} is out of date: run npm run conformance`)
    process.exitCode = 1
  } else {
    writeFileSync(document, text)
    log(`wrote ${document}`)
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
