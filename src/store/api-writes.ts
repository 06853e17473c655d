/** What a plan grants to callers of the API, written in its transaction: their audit entries, rules, and their answers. */
import type { ClientSession } from 'mongodb'
import { EdictError } from '../errors.ts'
import type { CycleOutcome } from '../policy/schema.ts'
import type { EntryInfo } from './audit-chain.ts'
import type { ChangeContext } from './change.ts'
import { type RuleWrites, writeRules } from './rules.ts'

export interface ApiWrites {
  /** One for each change. */
  readonly entries: readonly (EntryInfo & {
    /** Its request, answered by this. */
    readonly request: string
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
  const answers = entries.map(({ request, counts }, index) => {
    const done = { at: context.at, ok: true, revision: context.revision, message: 'applied', findings: [] }
    const outcome = { ...done, counts, ...context.entries[index] }
    return { updateOne: { filter: { _id: request, outcome: null }, update: { $set: { outcome, waits: null } } } }
  })
  if (answers.length === 0) return
  const { matchedCount } = await context.collections.requests.bulkWrite(answers, { session })
  if (matchedCount !== answers.length)
    throw new EdictError('conflict', 'a request was answered by another worker, or withdrawn')
}
