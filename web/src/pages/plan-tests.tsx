/** What the tests came to of what a plan compiles anew, and whose cost changes. */
import type { Plan, TestCounts } from '../api/types.ts'
import { State } from '../parts/state.tsx'
import { KeyLink } from './policy-link.tsx'

export const countText = ({ passed, failed, skipped }: TestCounts): string =>
  [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ')

const Failures = ({ failures }: Pick<NonNullable<Plan['tests']>, 'failures'>) => (
  <ul className="stack tight">
    {failures.map(({ policy, test, file, line, message }) => (
      <li key={`${policy} ${test}`} className="box pad stack tight">
        <div className="row">
          <State word="failed" />
          <strong>{test}</strong>
          <code className="quiet">{`${file}:${line}`}</code>
        </div>
        <p>{message}</p>
      </li>
    ))}
  </ul>
)

const most = 20

const Costs = ({ cost }: { readonly cost: NonNullable<Plan['cost']> }) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Cost of cases">
    <table>
      <thead>
        <tr>
          <th scope="col">Case</th>
          <th scope="col" className="number">
            Before
          </th>
          <th scope="col" className="number">
            After
          </th>
          <th scope="col" className="number">
            Change
          </th>
        </tr>
      </thead>
      <tbody>
        {cost.slice(0, most).map(({ policy, test, before, after }) => (
          <tr key={`${policy} ${test}`}>
            <td>
              {test} <span className="quiet">of {policy}</span>
            </td>
            <td className="number">{before.toLocaleString('en')}</td>
            <td className="number">{after.toLocaleString('en')}</td>
            <td className="number">
              {after > before ? '+' : '−'}
              {Math.abs(Math.round((after / before - 1) * 100))} %
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

export const PlanTests = ({ plan: { tests, cost } }: { readonly plan: Plan }) => (
  <section className="stack tight" aria-labelledby="plan-tests">
    <h2 id="plan-tests">Tests</h2>
    {tests === null ? (
      <p className="quiet">None were run: nothing that has tests was compiled anew.</p>
    ) : (
      <>
        <p className="row">
          <State word={tests.failed > 0 ? 'failed' : 'passed'} /> {countText(tests)}
        </p>
        {tests.policies.length > 0 && (
          <ul className="stack tight">
            {tests.policies.slice(0, most).map(({ policy, ...counts }) => (
              <li key={policy} className="row">
                <KeyLink text={policy} /> <span className="quiet">{countText(counts)}</span>
              </li>
            ))}
            {tests.policies.length > most && <li className="quiet">and {tests.policies.length - most} more</li>}
          </ul>
        )}
        <Failures failures={tests.failures} />
      </>
    )}
    {cost !== null && cost.length > 0 && (
      <>
        <h3>Cost, in units of work</h3>
        <Costs cost={cost} />
      </>
    )}
  </section>
)
