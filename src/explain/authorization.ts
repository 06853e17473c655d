/**
 * Why an actor may or may not do something: the rules that allow it, or of each rule what is missing. What holds of a rule
 * is asked of `edict.authz` itself, with each rule split into its halves (who, where), so that the two cannot disagree.
 */
import { createAuthz, type Question } from '../auth/authz.ts'
import type { Actor } from '../auth/actor.ts'
import type { Rules } from '../auth/rules.ts'
import { fourEyesOf, type FourEyes } from './four-eyes.ts'
import type { AttemptView, ClauseView, ConditionView, Explanation, SeenView } from './view.ts'

export interface AuthorizationOptions {
  readonly rules: Rules
  readonly protectedKeys: readonly string[]
  readonly question: Question
  /** Where a rule, or a pattern of four eyes, stands, by its place in the list. */
  readonly placeOf: (path: readonly ['rules' | 'four_eyes', number]) => Place
}

interface Place {
  readonly file: string
  readonly line: number
}

type Rule = Rules['rules'][number]

export async function explainAuthorization(options: AuthorizationOptions): Promise<Explanation> {
  const { rules, protectedKeys, question, placeOf } = options
  const verdict = (await createAuthz({ rules, protectedKeys })).decide(question)
  const { allow } = verdict
  const [halves, fourEyes] = await Promise.all([halvesOf(options), fourEyesOf(options)])
  const title = `${question.actor.id} may ${question.action} ${question.resources.map(({ key }) => key).join(', ')}`
  const ownMade = fourEyes.denying.map((index) => eyesCondition(index, options))
  const attempts = rules.rules.map((rule, index): AttemptView => {
    const place = placeOf(['rules', index])
    const missing = missingOf(rule, halves, options).map((condition) => ({ ...place, ...condition }))
    return { ...place, text: `rule ${rule.id}`, conditions: [...missing, ...ownMade] }
  })
  const failed = attempts.filter(({ conditions }) => conditions.length > 0)
  return {
    decision: { value: allow },
    asked: [title],
    rules: [
      {
        rule: title,
        value: allow,
        by: ownMade.length > 0 ? ownMade : makersOf(verdict.rules, options),
        missing: allow ? [] : failed.toSorted((a, b) => a.conditions.length - b.conditions.length),
      },
    ],
    unavailable: [],
    notes: notesOf(fourEyes, options),
  }
}

const makersOf = (decided: readonly string[], { rules, placeOf }: AuthorizationOptions): readonly ClauseView[] => {
  const places = new Map(rules.rules.map(({ id }, index) => [id, placeOf(['rules', index])]))
  return decided.map((id) => ({ ...(places.get(id) ?? { file: 'edict.authz', line: 1 }), text: `rule ${id}` }))
}

/** That it was made by the actor. */
const eyesCondition = (index: number, { rules, question, placeOf }: AuthorizationOptions): ConditionView => ({
  ...placeOf(['four_eyes', index]),
  text: `four_eyes: ${rules.four_eyes[index]}`,
  saw: [
    see('actor', question.actor.id),
    ...addressesOf(question.actor, rules),
    ...question.resources.map(({ key, by = [] }) =>
      see(`who ${question.action === 'unlock' ? 'locked' : 'made'} ${key}`, ...by),
    ),
  ],
})

const addressesOf = ({ id, emails = [] }: Actor, rules: Rules): readonly SeenView[] => {
  const all = [...new Set([...emails, ...(rules.emails[id] ?? [])])]
  return all.length === 0 ? [] : [see('emails', all)]
}

const notesOf = ({ undecided }: FourEyes, { rules, question, placeOf }: AuthorizationOptions): readonly string[] =>
  undecided.map((index) => {
    const { file, line } = placeOf(['four_eyes', index])
    const who = question.action === 'unlock' ? 'who locked it does not unlock it' : 'who made it does not approve it'
    return `${who}: four_eyes, ${rules.four_eyes[index]} (${file}:${line}); who that is was not said`
  })

const see = (expression: string, ...values: readonly unknown[]): SeenView => ({ expression, values })

/** The ids of rules whose one half holds, the other taken for granted. */
interface Halves {
  readonly who: ReadonlySet<string>
  readonly where: ReadonlySet<string>
}

async function halvesOf({ rules, protectedKeys, question }: AuthorizationOptions): Promise<Halves> {
  const { id } = question.actor
  const actions = [question.action]
  const everywhere = { scope: 'any' as const, target_scope: undefined }
  const nobodyElse = { actors: [id], roles: [], groups: [] }
  const always: Rule = { id: 'always', ...nobodyElse, actions, ...everywhere }
  const who = rules.rules.map((rule): Rule => ({ ...rule, id: `who:${rule.id}`, actions, ...everywhere }))
  const where = rules.rules.map((rule): Rule => ({ ...rule, id: `where:${rule.id}`, ...nobodyElse, actions }))
  const split = { ...rules, rules: [always, ...who, ...where], four_eyes: [] }
  // Whoever it is: as somebody whom rules are for.
  const actor = { ...question.actor, kind: 'token' as const }
  const verdicts = (await createAuthz({ rules: split, protectedKeys })).decide({ ...question, actor })
  const idsOf = (kind: string): ReadonlySet<string> =>
    new Set(verdicts.rules.flatMap((rule) => (rule.startsWith(`${kind}:`) ? [rule.slice(kind.length + 1)] : [])))
  return { who: idsOf('who'), where: idsOf('where') }
}

function missingOf(
  rule: Rule,
  { who, where }: Halves,
  { rules, protectedKeys, question }: AuthorizationOptions,
): readonly Pick<ConditionView, 'text' | 'saw'>[] {
  const { actor, action, resources } = question
  const groups = Object.entries(rules.groups).flatMap(([group, members]) => (members.includes(actor.id) ? [group] : []))
  const scope = rule.scope ?? rule.target_scope ?? 'any'
  const conditions = [
    {
      holds: rule.actions.includes(action),
      text: `actions: ${rule.actions.join(', ')}`,
      saw: [see('action', action)],
    },
    {
      holds: who.has(rule.id),
      text: namesText(rule),
      saw: [
        see('actor', actor.id),
        see('roles', actor.roles),
        see('groups', [...new Set([...actor.groups, ...groups])]),
      ],
    },
    {
      holds: where.has(rule.id),
      text: `${rule.target_scope === undefined ? 'scope' : 'target_scope'}: ${typeof scope === 'string' ? scope : JSON.stringify(scope)}`,
      saw: resources.flatMap(({ key, group }) => [
        see('key', key),
        ...(group === undefined ? [] : [see('group', group)]),
        see('protected', protectedKeys),
      ]),
    },
  ]
  return conditions.flatMap(({ holds, text, saw }) => (holds ? [] : [{ text, saw }]))
}

const namesText = ({ actors, roles, groups }: Rule): string =>
  Object.entries({ actors, roles, groups })
    .flatMap(([kind, names]) => (names.length === 0 ? [] : [`${kind}: ${names.join(', ')}`]))
    .join(' or ')
