/** What `edict policy test` runs: the tests of a directory's policies with those of who may do what, or the latter alone. */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { TextOf } from '../../findings/caret-text.ts'
import type { Authorization } from '../../main/authorization.ts'
import { evaluateCases } from '../../main/policy-cases.ts'
import { coverageOf } from '../../main/policy-coverage.ts'
import { openFolder, type FolderOptions, type PolicyFolder } from '../../main/policy-folder.ts'
import { isError } from '../../policy/analysis.ts'
import type { Finding } from '../../policy/schema.ts'
import type { FileCoverage } from '../../testing/coverage.ts'
import type { TestReport } from '../../testing/test-result.ts'
import { updatedTests } from '../../testing/update.ts'
import type { Context } from '../context.ts'
import { authorizationIn, folderOptions, shownPathIn, textOf } from './folder.ts'

export interface Tested {
  readonly reports: readonly TestReport[]
  /** Errors, but for those of tests, which stand in the reports. */
  readonly broken: readonly Finding[]
  readonly textOf: TextOf
  /** Policies without tests. */
  readonly untested: number
  readonly coverage: () => Promise<readonly FileCoverage[]>
}

export interface TestFolderOptions {
  readonly update: boolean
  readonly filter: string | undefined
}

export const testFolder = async (
  context: Context,
  directory: string,
  { update, filter }: TestFolderOptions,
): Promise<Tested> => {
  const run = { ...folderOptions(context, directory), tests: 'run' as const }
  const first = await openFolder(run)
  const updated = update ? await updateFiles(first, run, filter) : []
  for (const file of updated) context.tell(`updated ${shownPathIn(context, directory)(file)}`)
  const folder = updated.length === 0 ? first : await openFolder(run)
  const ofPolicies = textOf(folder)
  const authorization = await testAuthorization(authorizationIn(context, directory, run.config))
  const broken = folder.findings.filter((finding) => isError(finding) && finding.code !== 'test_failed')
  return {
    reports: [...folder.built.tests, ...authorization.reports],
    broken: [...broken, ...authorization.broken],
    textOf: (file) => ofPolicies(file) ?? authorization.textOf(file),
    untested: folder.counts.policies - [...folder.subjects.keys()].filter((key) => !key.startsWith('module:')).length,
    coverage: () => coverageOf({ folder, config: run.config, signal: run.signal }),
  }
}

export const testAuthorization = async ({ test, findings, textOf: text }: Authorization): Promise<Tested> => ({
  reports: await test(),
  broken: findings,
  textOf: text,
  untested: 0,
  coverage: async () => [],
})

/** The files that were written. */
const updateFiles = async (
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
