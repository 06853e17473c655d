/** What four eyes mean for a question: patterns that deny it, and those that would if the actor made what is asked for. Asked of `edict.authz` itself. */
import { createAuthz, type Question } from '../auth/authz.ts'
import type { Rules } from '../auth/rules.ts'

export interface FourEyes {
  /** Places in the list of patterns. */
  readonly denying: readonly number[]
  /** Of those, where it is not known who made it. */
  readonly undecided: readonly number[]
}

export interface FourEyesOptions {
  readonly rules: Rules
  readonly protectedKeys: readonly string[]
  readonly question: Question
}

export async function fourEyesOf({ rules, protectedKeys, question }: FourEyesOptions): Promise<FourEyes> {
  const own = [question.actor.id]
  const ifOwn = { ...question, resources: question.resources.map(({ by = own, ...one }) => ({ ...one, by })) }
  const asked = await Promise.all(
    rules.four_eyes.map(async (pattern) => {
      const { decide } = await createAuthz({ rules: { ...rules, four_eyes: [pattern] }, protectedKeys })
      return [question, ifOwn].map((one) => decide(one).rules.includes('edict:four-eyes'))
    }),
  )
  const places = (wanted: (denies: boolean | undefined, would: boolean | undefined) => boolean) =>
    asked.flatMap(([denies, would], index) => (wanted(denies, would) ? [index] : []))
  return {
    denying: places((denies) => denies === true),
    undecided: places((denies, would) => denies !== true && would === true),
  }
}
