/** Why a draft answers as it does: of each rule its value and the clause that made it, or what each way to it lacked. */
import type { UseQueryResult } from '@tanstack/react-query'
import { CircleCheck, CircleDashed, CircleMinus } from 'lucide-react'
import type { Attempt, DryRun, ExplainedRule, Explanation, Seen } from '../api/types.ts'
import { Problem } from '../parts/problem.tsx'

type GoTo = (line: number) => void

interface Place {
  readonly file: string
  readonly line: number
}

const draftFile = 'policy.rego'

const At = ({ place: { file, line }, goTo }: { readonly place: Place; readonly goTo: GoTo }) =>
  file === draftFile ? (
    <button type="button" className="link" onClick={() => goTo(line)}>
      line {line}
    </button>
  ) : (
    <code className="quiet">
      {file}:{line}
    </code>
  )

const shown = (values: readonly unknown[]): string =>
  values.length === 0 ? 'undefined' : values.map((value) => JSON.stringify(value)).join(' | ')

const Saw = ({ saw }: { readonly saw: readonly Seen[] }) =>
  saw.length === 0 ? null : (
    <ul className="saw">
      {saw.map(({ expression, values }) => (
        <li key={expression}>
          <code>{expression}</code> is <code className="value">{shown(values)}</code>
        </li>
      ))}
    </ul>
  )

const Missing = ({ attempt, goTo }: { readonly attempt: Attempt; readonly goTo: GoTo }) => (
  <div className="stack tight way">
    <p>
      Not by <At place={attempt} goTo={goTo} /> <code>{attempt.text}</code>, for lack of
    </p>
    <ul className="stack tight lacks">
      {attempt.conditions.map(({ file, line, text, saw }) => (
        <li key={`${String(line)} ${text}`}>
          <At place={{ file, line }} goTo={goTo} /> <code>{text}</code>
          <Saw saw={saw} />
        </li>
      ))}
      {attempt.unasked !== undefined && (
        <li className="quiet">
          and {attempt.unasked} further {attempt.unasked === 1 ? 'condition' : 'conditions'}, not reached
        </li>
      )}
    </ul>
  </div>
)

const looks = {
  matched: [CircleCheck, 'good', 'Matched'],
  default: [CircleMinus, 'warn', 'Default'],
  none: [CircleDashed, 'quiet', 'Undefined'],
} as const

const lookOf = ({ by }: ExplainedRule): keyof typeof looks =>
  by.length === 0 ? 'none' : by.every(({ text }) => text.startsWith('default ')) ? 'default' : 'matched'

const Rule = ({ rule, goTo }: { readonly rule: ExplainedRule; readonly goTo: GoTo }) => {
  const [Icon, tone, word] = looks[lookOf(rule)]
  const [first, ...rest] = rule.missing
  return (
    <li className="stack tight">
      <div className="row rule">
        <span className={`state ${tone}`}>
          <Icon aria-hidden="true" />
          {word}
        </span>
        <code className="name">{rule.rule}</code>
        {'value' in rule && <code className="value">{JSON.stringify(rule.value)}</code>}
        {rule.by.map((clause) => (
          <At key={clause.line} place={clause} goTo={goTo} />
        ))}
      </div>
      {rule.by.map(({ line, saw = [] }) => (
        <Saw key={line} saw={saw} />
      ))}
      {first !== undefined && <Missing attempt={first} goTo={goTo} />}
      {rest.length > 0 && (
        <details>
          <summary>
            {rest.length} other {rest.length === 1 ? 'way' : 'ways'}
          </summary>
          <div className="stack tight">
            {rest.map((attempt) => (
              <Missing key={`${String(attempt.line)} ${attempt.text}`} attempt={attempt} goTo={goTo} />
            ))}
          </div>
        </details>
      )}
    </li>
  )
}

const Explained = ({ explanation, goTo }: { readonly explanation: Explanation; readonly goTo: GoTo }) => {
  const { asked, rules, unavailable, notes } = explanation
  const own = rules.filter(({ rule }) => asked.includes(rule))
  const others = rules.filter(({ rule }) => !asked.includes(rule))
  return (
    <>
      {own.length === 0 && (
        <p className="quiet">It has no rules yet: write one, such as “allow if input.user == "ann"”.</p>
      )}
      <ul className="box rules">
        {own.map((rule) => (
          <Rule key={rule.rule} rule={rule} goTo={goTo} />
        ))}
      </ul>
      {others.length > 0 && (
        <>
          <h3>What they rest on</h3>
          <ul className="box rules">
            {others.map((rule) => (
              <Rule key={rule.rule} rule={rule} goTo={goTo} />
            ))}
          </ul>
        </>
      )}
      {unavailable.length > 0 && (
        <p className="notice warn">
          Undefined here, because nothing outside is asked: <code>{unavailable.join(', ')}</code>
        </p>
      )}
      {notes.map((note) => (
        <p key={note} className="hint">
          {note}
        </p>
      ))}
    </>
  )
}

interface WhyProps {
  readonly run: UseQueryResult<DryRun>
  readonly why: UseQueryResult<DryRun>
  readonly goTo: GoTo
}

export const Why = ({ run, why, goTo }: WhyProps) => {
  const explanation = why.data?.explanation ?? null
  return (
    <section className="why-panel stack tight" aria-labelledby="play-why" aria-busy={why.isFetching}>
      <h2 id="play-why">Why</h2>
      {why.error !== null ? (
        <Problem error={why.error} />
      ) : explanation !== null ? (
        <Explained explanation={explanation} goTo={goTo} />
      ) : (
        <p className="quiet">
          {run.data?.ok === true ? 'Looking for the reasons …' : 'It is explained as soon as it can be evaluated.'}
        </p>
      )}
    </section>
  )
}
