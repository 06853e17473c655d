/** The lines of Rego that the tests of a directory reach, as `opa eval --coverage` tells them. */
import type { Config } from '../config.ts'
import { parseValue } from '../engine/value-text.ts'
import { askAll, coverageModule, type CoverageModule } from '../testing/coverage-module.ts'
import { mergeCoverage, type FileCoverage } from '../testing/coverage.ts'
import { parseTests } from '../testing/test-file.ts'
import type { TestSubject } from '../testing/tester.ts'
import type { PolicyFolder } from './policy-folder.ts'
import { strictOf } from './tester.ts'

export interface CoverageRun {
  readonly folder: PolicyFolder
  readonly config: Config
  readonly signal: AbortSignal
}

export const coverageOf = async (run: CoverageRun): Promise<readonly FileCoverage[]> => {
  const all = await Promise.all([...run.folder.subjects.values()].map((subject) => ofSubject(subject, run)))
  const isWanted = ({ file }: FileCoverage): boolean => !file.endsWith('_test.rego') && !file.startsWith('edict/')
  return mergeCoverage(all.flat().filter(isWanted))
}

/** All at once; one by one when one of them fails, because that ends the query. */
const ofSubject = async (subject: TestSubject, run: CoverageRun): Promise<readonly FileCoverage[]> => {
  const { opa } = run.folder
  const { signal } = run
  const { path, text, queries }: CoverageModule = moduleOf(subject, run)
  const files = [...subject.files, { path, text, regoVersion: 1 as const }]
  const data = subject.rules?.compiled.data ?? subject.policy.data
  const ask = (query: string) => opa.coverage({ files, data, query }, { signal })
  const together = await ask(askAll(queries))
  const each = await Promise.all(together.failed ? queries.map((query) => ask(askAll([query]))) : [])
  return [together, ...each].flatMap((one) => one.files)
}

const moduleOf = (subject: TestSubject, { folder, config }: CoverageRun): CoverageModule => {
  const { source, packagePath, policy, cases: file, rules } = subject
  const { extensions } = folder
  const names = new Set(extensions.map(({ name }) => name))
  const strict = strictOf(config, source)
  const parsed = file === null ? null : parseTests(file.text, { mockable: (name) => names.has(name), strict })
  const cases = parsed?.ok === true ? parsed.cases : []
  const data = parseValue(Buffer.from(policy.data))
  return coverageModule({ packagePath, cases, rules: rules?.tests ?? [], data, extensions })
}
