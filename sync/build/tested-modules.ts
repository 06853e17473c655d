/**
 * Shared modules and data in force once the tests beside the modules have been run: a fragment's part of a package whose
 * tests fail keeps its last good content, and the tests of all others are run again beside that.
 */
import { isError } from '../../src/policy/analysis.ts'
import type { Composition } from '../../src/policy/compose.ts'
import { moduleKey } from '../../src/policy/documents.ts'
import { indexPackages, type PackageIndex } from '../../src/policy/packages.ts'
import type { Finding } from '../../src/policy/schema.ts'
import type { TestReport } from '../../src/testing/test-result.ts'
import { mapLimit } from '../map-limit.ts'
import type { DataInForce } from './shared-data.ts'
import type { ModulesInForce } from './shared-modules.ts'
import { testedBy, testModule, type ModuleTests, type ModuleTestStage, type Neighbour } from './test-module.ts'

export interface TestedModules {
  readonly modules: ModulesInForce
  readonly index: PackageIndex
  readonly data: DataInForce
  /** Of tests that keep nothing back. */
  readonly findings: readonly Finding[]
  readonly reports: readonly TestReport[]
}

export interface TestedModulesOptions {
  readonly composition: Pick<Composition, 'modules' | 'moduleTests'>
  readonly stage: Omit<ModuleTestStage, 'index' | 'data'>
  /** `tell`: what fails keeps nothing back, and all reports are told, not those alone that were run now or fail. */
  readonly mode: 'hold' | 'tell'
  /** `failing`: what tests say, by the modules that they are about. */
  readonly modulesInForce: (failing: Failing) => Promise<ModulesInForce>
  readonly dataInForce: (index: PackageIndex) => Promise<DataInForce>
}

export type Failing = ReadonlyMap<string, readonly Finding[]>

interface Tested {
  readonly test: Neighbour
  readonly tests: ModuleTests
}

const concurrency = 4

export async function testedModules(options: TestedModulesOptions): Promise<TestedModules> {
  const { composition, stage, mode } = options
  const failing = new Map<string, readonly Finding[]>()
  const held: Tested[] = []
  const all = await analysed(composition.moduleTests.values(), stage)
  for (;;) {
    stage.signal?.throwIfAborted()
    const modules = await options.modulesInForce(failing)
    const index = indexPackages(modules.modules)
    const data = await options.dataInForce(index)
    const left = all.filter((test) => held.every((known) => known.test !== test))
    const tested = await testAll(left, { ...stage, index, data: data.data })
    const more = mode === 'tell' ? [] : await holdBack(tested, failing, options)
    held.push(...more)
    if (more.length > 0) continue
    const told = [...held, ...tested].filter(
      ({ tests }) => mode === 'tell' || tests.isNew || tests.findings.some(isError),
    )
    return {
      modules,
      index,
      data,
      findings: [...tested.flatMap(({ tests }) => tests.findings), ...held.flatMap(warningsOf)],
      reports: told.map(({ tests }) => tests.report),
    }
  }
}

const warningsOf = ({ tests }: Tested): readonly Finding[] => tests.findings.filter((finding) => !isError(finding))

async function testAll(tests: readonly Neighbour[], stage: ModuleTestStage): Promise<readonly Tested[]> {
  const all = await mapLimit(tests, concurrency, async (test) => {
    const result = await testModule(test.module, stage)
    return result === null ? [] : [{ test, tests: result }]
  })
  return all.flat()
}

/** Adds to `failing`; answers the tests that keep something back. */
async function holdBack(
  tested: readonly Tested[],
  failing: Map<string, readonly Finding[]>,
  { composition, stage }: TestedModulesOptions,
): Promise<readonly Tested[]> {
  const failed = tested.filter(({ tests }) => tests.findings.some(isError))
  if (failed.length === 0) return []
  const modules = await analysed(composition.modules.values(), stage)
  return failed.filter(({ test, tests: { findings } }) => {
    const keys = testedBy(test, modules).map(({ source, path }) => moduleKey(source, path))
    for (const key of keys) failing.set(key, [...(failing.get(key) ?? []), ...findings.filter(isError)])
    return keys.length > 0
  })
}

async function analysed(
  modules: Iterable<Neighbour['module']>,
  { parsed }: Pick<ModuleTestStage, 'parsed'>,
): Promise<readonly Neighbour[]> {
  const all = [...modules].map(async (module): Promise<readonly Neighbour[]> => {
    const result = module.file === null ? undefined : await parsed(module.file)
    return result?.ok === true ? [{ module, analysis: result.analysis }] : []
  })
  return (await Promise.all(all)).flat()
}
