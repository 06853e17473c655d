/** Changes of rules through a running server: many at once, or only rehearsed; what came of them, for people and programs. */
import { z } from 'zod'
import type { RuleInput } from '../policy/rule-list.ts'
import type { Client } from './client.ts'

const changed = z.object({ rules: z.object({ created: z.number(), updated: z.number(), removed: z.number() }) })
/** What a server says whose changes are approved first. */
const waits = z.object({ message: z.string(), plan: z.object({ id: z.string() }) })
const rehearsed = z.object({ ok: z.boolean(), message: z.string(), plan: changed.nullable() })

/** The server takes so many in one change. */
const chunk = 20_000

const chunks = (rules: readonly RuleInput[]): readonly (readonly RuleInput[])[] =>
  Array.from({ length: Math.ceil(rules.length / chunk) }, (_, n) => rules.slice(n * chunk, (n + 1) * chunk))

type Counts = z.infer<typeof changed>['rules']

export interface Outcome {
  readonly rules: Counts
  /** The plan that waits with it. */
  readonly plan: string | null
  /** For people. */
  readonly message: string
}

const nothing: Counts = { created: 0, updated: 0, removed: 0 }

export const outcomeOf = (answer: unknown): Outcome => {
  const waiting = waits.safeParse(answer).data
  if (waiting !== undefined) return { rules: nothing, plan: waiting.plan.id, message: waiting.message }
  const { rules } = changed.parse(answer)
  return { rules, plan: null, message: counts(rules) }
}

export const upsert = async (client: Client, rules: readonly RuleInput[]): Promise<Outcome> => {
  let waiting: Outcome | undefined
  const total = { ...nothing }
  for (const part of chunks(rules)) {
    // oxlint-disable-next-line no-await-in-loop
    const done = outcomeOf(await client.json('POST', '/api/rules/bulk', { rules: part }))
    if (done.plan !== null) waiting = done
    total.created += done.rules.created
    total.updated += done.rules.updated
  }
  return waiting ?? { rules: total, plan: null, message: counts(total) }
}

type Rehearsal = z.infer<typeof rehearsed>

export const rehearse = async (client: Client, rules: readonly RuleInput[]): Promise<readonly Rehearsal[]> => {
  const all: Rehearsal[] = []
  for (const part of chunks(rules)) {
    // oxlint-disable-next-line no-await-in-loop
    all.push(rehearsed.parse(await client.json('POST', '/api/rules/bulk?dry_run=true', { rules: part })))
  }
  return all
}

export const rehearsalLines = ({ message, plan }: Rehearsal): readonly string[] =>
  plan === null ? [message] : [message, counts(plan.rules)]

const counts = ({ created, updated, removed }: Counts): string =>
  `${created} created, ${updated} updated, ${removed} removed`
