/** What was applied, what waits, and what came of it. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { plansQuery } from '../api/queries.ts'
import type { Plan, PlanStatus } from '../api/types.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'

const statuses: readonly PlanStatus[] = ['Waiting', 'Applied', 'Rejected', 'Superseded', 'Stale', 'Failed']

export const summaryOf = ({ changes }: Plan): string => {
  const parts = [
    ['create', 'created'],
    ['replace', 'replaced'],
    ['remove', 'removed'],
  ] as const
  const said = parts.flatMap(([key, word]) => {
    const count = changes.policies[key].length + changes.modules[key].length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return said.length === 0 ? 'changes nothing' : said.join(', ')
}

const Rows = ({ plans }: { readonly plans: readonly Plan[] }) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Plans">
    <table>
      <thead>
        <tr>
          <th scope="col">Plan</th>
          <th scope="col">State</th>
          <th scope="col">Changes</th>
          <th scope="col">Sources</th>
          <th scope="col">Decided by</th>
          <th scope="col">Made</th>
        </tr>
      </thead>
      <tbody>
        {plans.map((plan) => (
          <tr key={plan.id}>
            <td>
              <Link to="/plans/$id" params={{ id: plan.id }}>
                {plan.revision === null ? plan.id.slice(0, 8) : `Revision ${plan.revision}`}
              </Link>
              {plan.kind === 'rollback' && <span className="quiet"> rollback</span>}
            </td>
            <td>
              <State word={plan.status} />
            </td>
            <td>{summaryOf(plan)}</td>
            <td>{plan.subject.join(', ')}</td>
            <td>{plan.decidedBy ?? '–'}</td>
            <td className="quiet">
              <Time at={plan.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

export const Plans = () => {
  const { status } = useSearch({ from: '/plans' })
  const navigate = useNavigate({ from: '/plans' })
  const plans = useQuery(plansQuery(status))
  return (
    <Page
      title="Plans"
      about="What a change of a source creates, replaces and removes. A source in mode plan waits here for approval."
    >
      <div className="row">
        <select
          aria-label="State"
          value={status ?? ''}
          onChange={(event) =>
            void navigate({ search: event.target.value === '' ? {} : { status: event.target.value }, replace: true })
          }
        >
          <option value="">State: all</option>
          {statuses.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </div>
      <Loaded of={plans}>
        {(all) =>
          all.length === 0 ? (
            <Empty title={status === undefined ? 'No plan yet' : `No plan is ${status}`}>
              <p>
                A plan is made when a source changes. Give a source <code>mode: plan</code> in <code>edict.yaml</code>{' '}
                to have its plans wait for approval.
              </p>
            </Empty>
          ) : (
            <Rows plans={all} />
          )
        }
      </Loaded>
    </Page>
  )
}
