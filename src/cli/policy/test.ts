/** `edict policy test [DIR]`: runs the tests beside the policies, on what they compile to. */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { caretText } from '../../findings/caret-text.ts'
import { evaluateCases } from '../../main/policy-cases.ts'
import { coverageOf } from '../../main/policy-coverage.ts'
import { openFolder, type FolderOptions, type PolicyFolder } from '../../main/policy-folder.ts'
import { isError } from '../../policy/analysis.ts'
import { coverageTable, lcov } from '../../testing/coverage.ts'
import { junit } from '../../testing/junit.ts'
import { countTests, type TestReport } from '../../testing/test-result.ts'
import { countsText, reportText } from '../../testing/test-text.ts'
import { updatedTests } from '../../testing/update.ts'
import { type AddCommand, asJson, exit, runOptions } from '../context.ts'
import { plural, shownPathIn, textOf } from './folder.ts'

interface Options {
  readonly filter?: string
  readonly junit?: string
  readonly json?: boolean
  readonly update?: boolean
  readonly coverage?: boolean
  readonly lcov?: string
}

/** Those whose policy's key, or whose own name, holds the text. */
const filtered = (reports: readonly TestReport[], text: string | undefined): readonly TestReport[] =>
  text === undefined
    ? reports
    : reports.flatMap((report) => {
        const results = report.results.filter(({ name }) => report.key.includes(text) || name.includes(text))
        return results.length === 0 ? [] : [{ ...report, results }]
      })

const untested = ({ counts, subjects }: PolicyFolder): string => {
  const count = counts.policies - [...subjects.keys()].filter((key) => !key.startsWith('module:')).length
  return count > 0 ? `; ${plural(count, 'policy')} without tests` : ''
}

/** The files that were written. */
const update = async (
  folder: PolicyFolder,
  { config, directory }: FolderOptions,
  filter = '',
): Promise<readonly string[]> => {
  const written: string[] = []
  const wanted = (key: string, name: string) => key.includes(filter) || name.includes(filter)
  for await (const { file, text, cases } of evaluateCases({ folder, config, wanted })) {
    const next = updatedTests(
      text,
      cases.map(({ test, evaluated: [evaluated] }) => ({ test, evaluated })),
    )
    if (next === text) continue
    await writeFile(join(resolve(directory), file), next)
    written.push(file)
  }
  return written
}

export const addTest: AddCommand = (policy, context) =>
  void policy
    .command('test')
    .description('run policy.tests.yaml and *_test.rego on what the policies compile to')
    .argument('[dir]', 'the directory', '.')
    .option('--filter <text>', 'only tests whose name, or whose policy, holds this')
    .option('--junit <file>', 'write the results as JUnit XML, too')
    .option('--json', 'print JSON')
    .option('--coverage', 'print which lines of Rego the tests reach')
    .option('--lcov <file>', 'write that as LCOV, too')
    .option('--update', 'write what came into the tests files where something else is expected, then test again')
    .action(async (directory: string, options: Options) => {
      const run = { ...runOptions(context), directory, tests: true }
      const shownPath = shownPathIn(context, directory)
      const first = await openFolder(run)
      const updated = options.update ? await update(first, run, options.filter) : []
      for (const file of updated) context.tell(`updated ${shownPath(file)}`)
      const folder = updated.length === 0 ? first : await openFolder(run)
      const reports = filtered(folder.built.tests, options.filter)
      // Those of tests stand in the report.
      const broken = folder.findings.filter((finding) => isError(finding) && finding.code !== 'test_failed')
      const counts = countTests(reports)
      if (options.junit !== undefined) await writeFile(options.junit, junit(reports, shownPath))
      if (options.json) context.print(asJson({ counts, reports, findings: broken }))
      else {
        for (const finding of broken) context.print(caretText(finding, shownPath, textOf(folder)))
        if (reports.length > 0) context.print(reportText(reports, shownPath))
        const errors = broken.length > 0 ? `; ${plural(broken.length, 'error')}` : ''
        const rest = options.filter === undefined ? untested(folder) : ''
        context.print(`${countsText(counts)}${errors}${rest}`)
      }
      if (options.coverage || options.lcov !== undefined) {
        const lines = await coverageOf({ folder, config: run.config, signal: run.signal })
        if (!options.json) context.print(`\n${coverageTable(lines, shownPath)}`)
        if (options.lcov !== undefined) await writeFile(options.lcov, lcov(lines, shownPath))
      }
      process.exitCode = counts.failed > 0 || broken.length > 0 ? exit.failed : exit.done
    })
