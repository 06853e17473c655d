/** Decisions of a policy over time: how many, how long they took, and what they cost. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { statsQuery, type PolicyId } from '../api/queries.ts'
import type { StatsMinute } from '../api/types.ts'
import { Bars } from '../parts/bars.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { meanCost, meanTime, spans, sumOf } from '../parts/minutes.ts'
import { nameOf } from './policy-link.tsx'

const ranges = {
  hour: { title: 'The last hour', minutes: 60, span: 1, of: 'minute' },
  day: { title: 'The last day', minutes: 1_440, span: 15, of: 'quarter of an hour' },
  week: { title: 'The last seven days', minutes: 10_080, span: 120, of: 'two hours' },
} as const
type Range = keyof typeof ranges

const isRange = (text: string | undefined): text is Range => text !== undefined && Object.hasOwn(ranges, text)

const Charts = ({ minutes, range }: { readonly minutes: readonly StatsMinute[]; readonly range: Range }) => {
  const { span, of } = ranges[range]
  const all = spans(minutes, span)
  const sum = sumOf(minutes)
  const per = (pick: 'seconds' | 'cost', factor: number) =>
    all.map((one) => ({ at: one.at, value: one.decisions === 0 ? 0 : (one[pick] / one.decisions) * factor }))
  return (
    <div className="stack">
      <Bars
        bars={all.map((one) => ({ at: one.at, value: one.decisions, failed: one.failed }))}
        text={`Decisions per ${of}: ${sum.decisions.toLocaleString('en')} in all, ${sum.failed.toLocaleString('en')} failed`}
      />
      <Bars bars={per('cost', 1)} text={`Cost of a decision, mean per ${of}: ${meanCost(sum)}`} />
      <Bars bars={per('seconds', 1e6)} text={`Time of a decision, mean per ${of}: ${meanTime(sum)}`} />
    </div>
  )
}

export const PolicyDecisions = ({ id }: { readonly id: PolicyId }) => {
  const search = useSearch({ from: '/policies/$group/$name/$version' })
  const navigate = useNavigate({ from: '/policies/$group/$name/$version' })
  const range = isRange(search.range) ? search.range : 'hour'
  const stats = useQuery(statsQuery({ policy: nameOf(id), minutes: ranges[range].minutes }))
  return (
    <div className="stack">
      <div className="row">
        <select
          aria-label="How far back"
          value={range}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, range: event.target.value }), replace: true })
          }
        >
          {Object.entries(ranges).map(([key, { title }]) => (
            <option key={key} value={key}>
              {title}
            </option>
          ))}
        </select>
      </div>
      <Loaded of={stats}>
        {(minutes) =>
          sumOf(minutes).decisions === 0 ? (
            <p className="quiet">
              No decision in that time. The tab “Endpoint” has a command to ask for one; servers add theirs every five
              seconds.
            </p>
          ) : (
            <Charts minutes={minutes} range={range} />
          )
        }
      </Loaded>
    </div>
  )
}
