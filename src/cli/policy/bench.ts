/** `edict policy bench [DIR]`: what each case costs, in units and in microseconds on this machine. */
import { evaluateCases, type EvaluatedCase } from '../../main/policy-cases.ts'
import { openFolder } from '../../main/policy-folder.ts'
import { type AddCommand, asJson, exit } from '../context.ts'
import { folderOptions } from './folder.ts'

interface Options {
  readonly filter?: string
  readonly json?: boolean
}

interface Measured {
  readonly policy: string
  readonly test: string
  /** null: nothing was evaluated. */
  readonly cost: number | null
  /** The median. */
  readonly microseconds: number
  readonly times: number
}

const forMicroseconds = 200_000

const measured = (policy: string, { test, evaluated }: EvaluatedCase): Measured => {
  const times = evaluated.map(({ microseconds }) => microseconds).toSorted((a, b) => a - b)
  const [{ outcome }] = evaluated
  const microseconds = Number((times[Math.floor(times.length / 2)] ?? 0).toFixed(1))
  return { policy, test: test.name, cost: 'cost' in outcome ? outcome.cost : null, microseconds, times: times.length }
}

const textOf = (all: readonly Measured[]): string => {
  const rows = all.map(({ policy, test, cost, microseconds }) => [policy, test, `${cost ?? '-'}`, `${microseconds}`])
  const table = [['policy', 'case', 'units', 'µs'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string =>
    column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return table.map((row) => row.map(cell).join('  ')).join('\n')
}

export const addBench: AddCommand = (policy, context) =>
  void policy
    .command('bench')
    .description('measure the cases of policy.tests.yaml: units of work, and microseconds on this machine')
    .argument('[dir]', 'the directory', '.')
    .option('--filter <text>', 'only cases whose name, or whose policy, holds this')
    .option('--json', 'print JSON')
    .action(async (directory: string, { filter = '', json = false }: Options) => {
      const options = folderOptions(context, directory)
      const folder = await openFolder({ ...options, tests: 'run' })
      const wanted = (key: string, name: string) => key.includes(filter) || name.includes(filter)
      const all: Measured[] = []
      for await (const { key, cases } of evaluateCases({ folder, config: options.config, wanted, forMicroseconds }))
        all.push(...cases.map((one) => measured(key, one)))
      context.print(json ? asJson(all) : textOf(all))
      process.exitCode = all.length === 0 ? exit.failed : exit.done
    })
