/** An explanation for people: what was decided, by which line, and what a denial lacked; what a condition rests on is indented below it. */
import { printExact } from './exact-json.ts'
import type { AttemptView, ConditionView, Explanation, RuleExplanation, SeenView } from './view.ts'

export function explanationText(explanation: Explanation): string {
  const { asked, rules, error, unavailable, notes } = explanation
  const told = new Set<string>()
  const lines = asked.flatMap((name) => ruleLines(name, { rules, told, depth: 0 }))
  return [
    ...(error === undefined ? [] : [errorLine(error)]),
    ...lines,
    ...(unavailable.length === 0 ? [] : [`not available here, and so undefined: ${unavailable.join(', ')}`]),
    ...notes.map((note) => `note: ${note}`),
  ].join('\n')
}

const errorLine = ({ code, message, location }: NonNullable<Explanation['error']>): string =>
  `${code}: ${message}${location === undefined ? '' : ` (${location.file}:${location.row}:${location.col})`}`

interface Told {
  readonly rules: readonly RuleExplanation[]
  readonly told: Set<string>
  readonly depth: number
}

const deepest = 20

function ruleLines(name: string, state: Told): readonly string[] {
  const { rules, told, depth } = state
  const rule = rules.find((one) => one.rule === name)
  if (rule === undefined || depth > deepest) return []
  const indent = '  '.repeat(depth)
  const shown = 'value' in rule ? printExact(rule.value) : 'undefined'
  const head = `${indent}${name} is ${shown}`
  if (told.has(name)) return [`${head}, as above`]
  told.add(name)
  return [
    head,
    ...rule.by.flatMap(({ file, line, text, saw = [], rules: needed = [] }) => [
      `${indent}  by ${file}:${line}  ${oneLine(text)}`,
      ...saw.filter(isNoRule(needed)).map((seen) => `${indent}    ${seenText(seen)}`),
      ...needed.flatMap((other) => ruleLines(other, { ...state, depth: depth + 2 })),
    ]),
    ...rule.missing.flatMap((attempt) => attemptLines(attempt, state)),
  ]
}

function attemptLines({ file, line, text, conditions, unasked = 0 }: AttemptView, state: Told): readonly string[] {
  const indent = '  '.repeat(state.depth)
  const count = `${conditions.length} ${conditions.length === 1 ? 'condition' : 'conditions'} failed`
  const rest = unasked === 0 ? '' : `, ${unasked} not reached`
  return [
    `${indent}  not by ${file}:${line}  ${oneLine(text)}  (${count}${rest})`,
    ...conditions.flatMap((condition) => conditionLines(condition, state)),
  ]
}

function conditionLines({ file, line, text, saw, rules = [] }: ConditionView, state: Told): readonly string[] {
  const indent = '  '.repeat(state.depth)
  return [
    `${indent}    ${file}:${line}  ${oneLine(text)}`,
    ...saw.filter(isNoRule(rules)).map((seen) => `${indent}      ${seenText(seen)}`),
    ...rules.flatMap((name) => ruleLines(name, { ...state, depth: state.depth + 3 })),
  ]
}

/** A rule's value is told with the rule. */
const isNoRule =
  (rules: readonly string[]) =>
  ({ expression }: SeenView): boolean =>
    !rules.some((name) => name === expression || name.endsWith(`.${expression}`))

const seenText = ({ expression, values }: SeenView): string =>
  `${oneLine(expression)} is ${values.length === 0 ? 'undefined' : values.map((value) => printExact(value)).join(' | ')}`

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ')
