/** `edict policy test [DIR]`: runs the tests beside the policies, on what they compile to, and those of who may do what. */
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { caretText } from '../../findings/caret-text.ts'
import { coverageTable, lcov } from '../../testing/coverage.ts'
import { junit } from '../../testing/junit.ts'
import { countTests, type TestReport } from '../../testing/test-result.ts'
import { countsText, reportText, type ShownPath } from '../../testing/test-text.ts'
import { type AddCommand, asJson, type Context, exit } from '../context.ts'
import { authorizationIn, plural, shownPathIn, testsFileIn } from './folder.ts'
import { testAuthorization, type Tested, testFolder } from './tested.ts'

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

const textReport = ({ reports, broken, untested, textOf }: Tested, shownPath: ShownPath, isFiltered: boolean) => {
  const errors = broken.length > 0 ? `; ${plural(broken.length, 'error')}` : ''
  const rest = isFiltered || untested <= 0 ? '' : `; ${plural(untested, 'policy')} without tests`
  return [
    ...broken.map((finding) => caretText(finding, shownPath, textOf)),
    ...(reports.length > 0 ? [reportText(reports, shownPath)] : []),
    `${countsText(countTests(reports))}${errors}${rest}`,
  ].join('\n')
}

const tellCoverage = async (
  { print }: Context,
  { coverage }: Tested,
  { json, lcov: file, shownPath }: Options & { readonly shownPath: ShownPath },
): Promise<void> => {
  const lines = await coverage()
  if (!json) print(`\n${coverageTable(lines, shownPath)}`)
  if (file !== undefined) await writeFile(file, lcov(lines, shownPath))
}

const run = async (context: Context, written: string, options: Options): Promise<void> => {
  const { filter, update = false } = options
  const alone = testsFileIn(context, written)
  const directory = alone === undefined ? written : dirname(written)
  const shownPath = shownPathIn(context, directory)
  const tested =
    alone === undefined
      ? await testFolder(context, directory, { update, filter })
      : await testAuthorization(authorizationIn(context, directory, alone.config))
  const { broken } = tested
  const reports = filtered(tested.reports, filter)
  const counts = countTests(reports)
  if (options.junit !== undefined) await writeFile(options.junit, junit(reports, shownPath))
  context.print(
    options.json
      ? asJson({ counts, reports, findings: broken })
      : textReport({ ...tested, reports }, shownPath, filter !== undefined),
  )
  if (options.coverage || options.lcov !== undefined) await tellCoverage(context, tested, { ...options, shownPath })
  process.exitCode = counts.failed > 0 || broken.length > 0 ? exit.failed : exit.done
}

export const addTest: AddCommand = (policy, context) =>
  void policy
    .command('test')
    .description(
      'run policy.tests.yaml and *_test.rego on what the policies compile to, and the tests of who may do what (policy.tests in edict.yaml)',
    )
    .argument('[dir]', 'the directory, or a file with tests of who may do what', '.')
    .option('--filter <text>', 'only tests whose name, or whose policy, holds this')
    .option('--junit <file>', 'write the results as JUnit XML, too')
    .option('--json', 'print JSON')
    .option('--coverage', 'print which lines of Rego the tests reach')
    .option('--lcov <file>', 'write that as LCOV, too')
    .option('--update', 'write what came into the tests files where something else is expected, then test again')
    .action((written: string, options: Options) => run(context, written, options))
