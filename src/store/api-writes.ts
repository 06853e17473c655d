/** What a plan changes through the API, written in its transaction: audit entries, rules, and the callers' answers. */
import type { ClientSession } from 'mongodb'
import { EdictError } from '../errors.ts'
import type { CycleOutcome } from '../policy/schema.ts'
import type { EntryInfo } from './audit-chain.ts'
import type { ChangeContext } from './change.ts'
import { type RuleWrites, writeRules } from './rules.ts'

export interface ApiWrites {
  /** One for each change. */
  readonly entries: readonly (EntryInfo & {
    /** Its request, answered by this; null: nobody waits for an answer. */
    readonly request: string | null
    readonly counts: NonNullable<CycleOutcome['counts']>
  })[]
  readonly rules: RuleWrites
}

/** Rejects with `conflict` when a request was answered or withdrawn meanwhile: then it must not be done. */
export async function writeApi(
  { entries, rules }: ApiWrites,
  at: { readonly session: ClientSession; readonly context: ChangeContext },
): Promise<void> {
  const { session, context } = at
  await writeRules(rules, at)
  const answers = entries.flatMap(({ request, counts }, index) => {
    if (request === null) return []
    const done = { at: context.at, ok: true, revision: context.revision, message: 'applied', findings: [] }
    const outcome = { ...done, counts, ...context.entries[index] }
    return [{ updateOne: { filter: { _id: request, outcome: null }, update: { $set: { outcome, waits: null } } } }]
  })
  if (answers.length === 0) return
  const { matchedCount } = await context.collections.requests.bulkWrite(answers, { session })
  if (matchedCount !== answers.length)
    throw new EdictError('conflict', 'a request was answered by another worker, or withdrawn')
}
