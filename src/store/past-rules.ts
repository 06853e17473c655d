/**
 * Rules as they were before they were changed or deleted: with the table itself, the rules of every revision that is
 * kept. What is kept grows with the changes, not with the table. Written before the transaction that changes the table:
 * of a rule that is still in it, what stands here does not count, so that a transaction that failed leaves nothing wrong.
 */
import type { Db } from 'mongodb'
import { pastRuleSchema } from '../policy/revision-document.ts'
import type { Rule } from '../policy/rules.ts'
import { collectionsOf } from './collections.ts'
import { isDuplicate } from './failure.ts'
import { readable } from './readable.ts'

const chunk = 5_000

/** `ids` are about to be changed or deleted by revision `to`. */
export async function keepPast(db: Db, ids: readonly string[], to: number): Promise<void> {
  const { rules, pastRules } = collectionsOf(db)
  for (let start = 0; start < ids.length; start += chunk) {
    const touched = { _id: { $in: ids.slice(start, start + chunk) }, revision: { $lt: to } }
    // oxlint-disable-next-line no-await-in-loop
    const found = await rules.find(touched, { batchSize: chunk }).toArray()
    const past = found.map((rule) => ({ _id: `${rule._id}@${rule.revision}`, from: rule.revision, to, rule }))
    if (past.length === 0) continue
    // oxlint-disable-next-line no-await-in-loop
    await pastRules.insertMany(past, { ordered: false }).catch((error: unknown) => {
      // Put here by a try that came to nothing, or by another process.
      if (!isDuplicate(error)) throw error
    })
    // A later end is the true one: who was slower has changed nothing.
    const same = { _id: { $in: past.map(({ _id }) => _id) }, to: { $lt: to } }
    // oxlint-disable-next-line no-await-in-loop
    await pastRules.updateMany(same, { $set: { to } })
  }
}

/** By id; `table` is what the table holds. Rejects nothing: what was changed by hand and does not fit is left out. */
export async function rulesAt(db: Db, table: Iterable<Rule>, revision: number): Promise<readonly Rule[]> {
  const found = await collectionsOf(db)
    .pastRules.find({ from: { $lte: revision }, to: { $gt: revision } }, { batchSize: 10_000 })
    .toArray()
  const past = readable(pastRuleSchema, 'pastRules', found).items.map(({ rule }) => rule)
  const standing = [...table].filter((rule) => rule.revision <= revision)
  return [...new Map([...past, ...standing].map((rule) => [rule._id, rule])).values()]
}
