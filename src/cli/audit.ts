/** `edict audit list | verify | export | erase`: the audit log of this deployment. */
import { auditJson, auditLine, verdictText } from '../audit-text.ts'
import { EdictError } from '../errors.ts'
import { eraseFromAudit, exportAudit, listAudit, verifyAudit } from '../main/audit.ts'
import type { AuditQuery } from '../store/audit.ts'
import { markText } from '../store/audit-chain.ts'
import { type AddCommand, asJson, exit, runOptions } from './context.ts'

interface Filters {
  readonly actor?: string
  readonly action?: string
  readonly resource?: string
  readonly module?: string
  readonly since?: string
  readonly until?: string
}

const instant = (name: string, written: string | undefined): Date | undefined => {
  if (written === undefined) return undefined
  const date = new Date(written)
  if (!Number.isNaN(date.getTime())) return date
  throw new EdictError('config_invalid', `--${name} ${written} is no time: write 2026-11-23 or 2026-11-23T10:00:00Z.`)
}

const queryOf = ({ actor, action, resource, module, since, until }: Filters): AuditQuery => ({
  actor,
  action,
  resource,
  module,
  since: instant('since', since),
  until: instant('until', until),
})

export const addAudit: AddCommand = (program, context) => {
  const audit = program.command('audit').description('the audit log: who changed what, and whether it still says so')
  const filtered = (name: string, description: string) =>
    audit
      .command(name)
      .description(description)
      .option('--actor <name>', 'who')
      .option('--action <action>', 'what, as policy.lock')
      .option('--resource <key>', 'to what')
      .option('--module <id>', 'entries about this shared module')
      .option('--since <time>', 'from then on')
      .option('--until <time>', 'before then')

  filtered('list', 'the newest entries')
    .option('--limit <n>', 'how many', '50')
    .option('--json', 'print JSON')
    .action(async ({ json, limit, ...filters }: Filters & { limit: string; json?: boolean }) => {
      const most = Number(limit)
      if (!Number.isSafeInteger(most) || most < 1)
        throw new EdictError('config_invalid', `--limit ${limit} is not a number of entries.`)
      const entries = await listAudit({ ...runOptions(context), query: queryOf(filters), limit: most })
      context.print(json ? asJson(entries.map(auditJson)) : entries.map(auditLine).join('\n'))
    })

  filtered('export', 'every entry as a line of JSON, newest first').action(async (filters: Filters) => {
    const take = (entry: Parameters<typeof auditJson>[0]) => context.print(JSON.stringify(auditJson(entry)))
    await exportAudit({ ...runOptions(context), query: queryOf(filters), take })
  })

  audit
    .command('verify')
    .description('whether no entry was altered, removed or reordered; exit code 3 when one was')
    .option('--since <mark>', 'from the entry that a change answered with: <sequence>:<hash>')
    .option('--json', 'print JSON')
    .action(async ({ since, json }: { since?: string; json?: boolean }) => {
      const verdict = await verifyAudit({ ...runOptions(context), since: since ?? null })
      context.print(json ? asJson(verdict) : verdictText(verdict))
      process.exitCode = verdict.ok ? exit.done : exit.findings
    })

  audit
    .command('erase')
    .description('forget a person: an actor’s name or an address, wherever the log names it; the log still verifies')
    .argument('<subject>')
    .option('--json', 'print JSON')
    .action(async (subject: string, { json }: { json?: boolean }) => {
      const { erased, ...mark } = await eraseFromAudit({ ...runOptions(context), subject })
      context.print(
        json ? asJson({ erased, mark: markText(mark) }) : `erased from ${erased} entries; ${markText(mark)}`,
      )
    })
}
