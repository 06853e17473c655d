/** The cases of an authorization file, each decided as the gate decides: what is expected against what came, and by which rule. */
import type { Authz, Verdict } from '../auth/authz.ts'
import { reasonOf } from '../auth/gate.ts'
import type { AuthzCase } from '../auth/tests-file.ts'
import { mismatchText, type Mismatch } from './mismatch.ts'
import type { TestResult } from './test-result.ts'

export interface AuthzTests {
  readonly authz: Pick<Authz, 'decide'>
  readonly cases: readonly AuthzCase[]
  /** The file of the cases. */
  readonly file: string
  /** Where a rule stands, for people; undefined: there is no rule of that id. */
  readonly placeOf: (rule: string) => string | undefined
}

export const runAuthzTests = ({ authz, cases, file, placeOf }: AuthzTests): readonly TestResult[] =>
  cases.map((test) => {
    const { actor, action, resources } = test
    return judge(test, { verdict: authz.decide({ actor, action, resources }), file, placeOf })
  })

interface Decided extends Pick<AuthzTests, 'file' | 'placeOf'> {
  readonly verdict: Verdict
}

const judge = ({ name, line, column, ...expected }: AuthzCase, decided: Decided): TestResult => {
  const mismatches = mismatchesOf(expected, decided)
  const [first] = mismatches
  return {
    ...{ name, file: decided.file, line, column },
    status: first === undefined ? 'passed' : 'failed',
    message: first === undefined ? '' : mismatchText(first),
    mismatches,
    cost: null,
    printed: [],
  }
}

const mismatchesOf = (
  { decision, rule }: Pick<AuthzCase, 'decision' | 'rule'>,
  { verdict, placeOf }: Decided,
): readonly Mismatch[] => {
  const shown = shownRule(placeOf)
  const by = verdict.rules.map(shown).join(', ')
  const actual = verdict.allow ? by : `${by}: ${reasonOf(verdict, shown)}`
  const word = verdict.allow ? 'allow' : 'deny'
  return [
    ...(word === decision ? [] : [{ path: 'decision', expected: decision, actual: `${word} by ${actual}` }]),
    ...(rule === undefined || verdict.rules.includes(rule) ? [] : [{ path: 'rule', expected: shown(rule), actual }]),
  ]
}

/** With its place; what is fixed may have none. */
const shownRule =
  (placeOf: AuthzTests['placeOf']) =>
  (rule: string): string => {
    const place = placeOf(rule) ?? (rule.startsWith('edict:') ? undefined : 'there is no such rule')
    return place === undefined ? rule : `${rule} (${place})`
  }
