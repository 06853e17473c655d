/** `edict sources`, `edict plans`, `edict revisions`: what there is, a line each, or as the API says it in JSON. */
import { EdictError } from '../errors.ts'
import { type AddCommand, asJson } from './context.ts'
import { operationsOf } from './operations.ts'

type Shown = Readonly<Record<string, unknown>>

/** Columns of a line; what is missing is a dash. */
const line = (item: Shown, columns: readonly string[]): string => columns.map((column) => text(item[column])).join('  ')

const text = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(text).join(',') || '-'
  return typeof value === 'string' || typeof value === 'number' ? String(value) || '-' : '-'
}

const limitOf = (written: string): number => {
  const limit = Number(written)
  if (Number.isSafeInteger(limit) && limit > 0 && limit <= 200) return limit
  throw new EdictError('config_invalid', `--limit ${written} is not a number from 1 to 200.`)
}

export const addLists: AddCommand = (program, context) => {
  const { print, tell } = context
  const show = (
    items: readonly Shown[],
    columns: readonly string[],
    { json, none }: { json?: boolean; none: string },
  ) => print(json ? asJson(items) : items.length === 0 ? none : items.map((item) => line(item, columns)).join('\n'))

  program
    .command('sources')
    .description('list the sources and how their last cycle went')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) =>
      show(await operationsOf(context).sources(), ['name', 'phase', 'reason', 'revision', 'message'], {
        none: 'no sources',
        ...(json && { json }),
      }),
    )

  const plans = program.command('plans').description('plans: what was applied, and what waits to be approved')
  plans
    .command('list', { isDefault: true })
    .description('the newest plans')
    .option('--status <status>', 'only these, as Waiting')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'print JSON')
    .action(async ({ status, limit, json }: { status?: string; limit: string; json?: boolean }) =>
      show(
        await operationsOf(context).plans({ status, limit: limitOf(limit) }),
        ['id', 'status', 'kind', 'baseRevision', 'revision', 'subject', 'createdAt', 'decidedBy'],
        { none: 'no plans', ...(json && { json }) },
      ),
    )
  plans
    .command('show')
    .description('one plan with its differences, as JSON')
    .argument('<id>')
    .option('--json', 'as it is')
    .action(async (id: string) => print(asJson(await operationsOf(context).plan(id))))
  plans
    .command('reject')
    .description('reject a plan that waits; approve it with `edict apply --plan <id>`')
    .argument('<id>')
    .option('--reason <text>', 'why, for people')
    .option('--json', 'print JSON')
    .action(async (id: string, { reason, json }: { reason?: string; json?: boolean }) => {
      await operationsOf(context).reject(id, reason ?? null)
      if (json) print(asJson({ id, status: 'Rejected', reason: reason ?? null }))
      else tell(`plan ${id} is rejected`)
    })

  program
    .command('revisions')
    .description('list the revisions that are kept; go back to one with `edict rollback <revision>`')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'print JSON')
    .action(async ({ limit, json }: { limit: string; json?: boolean }) =>
      show(
        await operationsOf(context).revisions({ limit: limitOf(limit) }),
        ['revision', 'at', 'policies', 'created', 'replaced', 'removed'],
        { none: 'no revisions', ...(json && { json }) },
      ),
    )
}
