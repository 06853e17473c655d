/** How things stand now. An installation without a policy learns here how to get its first. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { catalogQuery, recentAuditQuery, revisionsQuery, sourcesQuery, statsQuery, whoQuery } from '../api/queries.ts'
import type { CatalogItem, Revision, Source, StatsMinute } from '../api/types.ts'
import { Bars } from '../parts/bars.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { meanTime, sumOf } from '../parts/minutes.ts'
import { Page } from '../parts/page.tsx'
import { shortRevision } from '../parts/short-revision.ts'
import { State } from '../parts/state.tsx'
import { OptionalTime, Time } from '../parts/time.tsx'
import { changeText, keysOf } from './change-text.ts'
import { FirstPush } from './first-push.tsx'
import { PolicyLink } from './policy-link.tsx'

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

const Tiles = ({
  policies,
  revision,
  minutes,
}: {
  readonly policies: readonly CatalogItem[]
  readonly revision: number
  readonly minutes: readonly StatsMinute[] | undefined
}) => {
  // The present minute is not over yet, so the one before is looked at, too.
  const last = sumOf(minutes?.slice(-2) ?? [])
  const present = minutes?.at(-1)
  const over = present === undefined ? 0 : 60 + Math.max(0, (Date.now() - Date.parse(present.at)) / 1000)
  const rate = over === 0 ? undefined : last.decisions / over
  return (
    <div className="tiles">
      <Link to="/policies" className="tile">
        <span className="quiet">Policies</span>
        <span className="value">{policies.length}</span>
      </Link>
      <Link to="/policies" search={{ state: 'Quarantined' }} className="tile">
        <span className="quiet">Quarantined</span>
        <span className="value">{policies.filter(({ phase }) => phase === 'Quarantined').length}</span>
      </Link>
      <Link to="/policies" search={{ state: 'Locked' }} className="tile">
        <span className="quiet">Locked</span>
        <span className="value">{policies.filter(({ locked }) => locked).length}</span>
      </Link>
      <Link to="/revisions" className="tile">
        <span className="quiet">Revision</span>
        <span className="value">{revision}</span>
      </Link>
      <div className="tile">
        <span className="quiet" title="Over all servers, in this minute and the one before">
          Decisions per second
        </span>
        <span className="value">{rate === undefined ? '–' : number.format(rate)}</span>
      </div>
      <div className="tile">
        <span className="quiet">Mean time to decide</span>
        <span className="value">{meanTime(last)}</span>
      </div>
    </div>
  )
}

const Hour = ({ minutes }: { readonly minutes: readonly StatsMinute[] }) => {
  const sum = sumOf(minutes)
  const said = `${sum.decisions.toLocaleString('en')} in all, ${sum.failed.toLocaleString('en')} failed, ${meanTime(sum)} each`
  const text = `Decisions per minute, the last hour: ${sum.decisions === 0 ? 'none' : said}`
  return <Bars bars={minutes.map(({ at, decisions: value, failed }) => ({ at, value, failed }))} text={text} />
}

const Sources = ({ sources }: { readonly sources: readonly Source[] }) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Sources">
    <table>
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col">State</th>
          <th scope="col">Reason</th>
          <th scope="col" className="number">
            Policies
          </th>
          <th scope="col">Last success</th>
        </tr>
      </thead>
      <tbody>
        {sources.map(({ name, phase, reason, message, counts, lastSuccess, plan }) => (
          <tr key={name}>
            <td>
              <Link to="/sources/$name" params={{ name }}>
                {name}
              </Link>
            </td>
            <td>
              <State word={phase} />
            </td>
            <td>
              {plan == null ? (
                <span title={message}>{reason}</span>
              ) : (
                <Link to="/plans/$id" params={{ id: plan }}>
                  {reason}
                </Link>
              )}
              {phase !== 'Ready' && <div className="hint">{shortRevision(message)}</div>}
            </td>
            <td className="number">{counts.policies}</td>
            <td>
              <OptionalTime at={lastSuccess} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const Attention = ({ policies }: { readonly policies: readonly CatalogItem[] }) => {
  const wanted = policies.filter(({ phase, locked }) => phase === 'Quarantined' || locked)
  if (wanted.length === 0) return <p className="quiet">No policy is quarantined or locked.</p>
  return (
    <ul className="stack tight">
      {wanted.slice(0, 10).map((policy) => (
        <li key={policy.evaluation} className="row apart">
          <PolicyLink of={policy} />
          <span className="row">
            {policy.phase === 'Quarantined' && <State word="Quarantined" />}
            {policy.locked && <State word="Locked" />}
          </span>
        </li>
      ))}
      {wanted.length > 10 && <li className="quiet">and {wanted.length - 10} more</li>}
    </ul>
  )
}

const dayMs = 86_400_000

type Changed = Revision['modules']

const whatChanged = (policies: Changed, modules: Changed): string => {
  const said = [
    ...(changeText(policies) === '–' ? [] : [`policies ${changeText(policies)}`]),
    ...(changeText(modules) === '–' ? [] : [`modules ${changeText(modules)}`]),
  ]
  return said.join('; ') || 'no policy and no module'
}

const Changes = ({ revisions }: { readonly revisions: readonly Revision[] }) => {
  const recent = revisions.filter(({ at }) => Date.parse(at) > Date.now() - dayMs)
  if (recent.length === 0) return <p className="quiet">Nothing was applied in the last day.</p>
  return (
    <ul className="stack tight">
      {recent.slice(0, 8).map(({ revision, at, plan, modules, ...policies }) => (
        <li key={revision} className="row apart">
          <Link to="/plans/$id" params={{ id: plan }}>
            Revision {revision}
          </Link>
          <span title={[keysOf(policies), keysOf(modules)].join('\n').trim()}>{whatChanged(policies, modules)}</span>
          <span className="quiet">
            <Time at={at} />
          </span>
        </li>
      ))}
      {recent.length > 8 && (
        <li>
          <Link to="/revisions">and {recent.length - 8} more</Link>
        </li>
      )}
    </ul>
  )
}

const RecentAudit = () => {
  const { data: who } = useQuery(whoQuery)
  const mayRead = who?.may.includes('admin') === true
  const audit = useQuery({ ...recentAuditQuery, enabled: mayRead })
  if (!mayRead) return <p className="quiet">Administrators see it here.</p>
  return (
    <Loaded of={audit}>
      {(entries) => (
        <ul className="stack tight">
          {entries.slice(0, 8).map(({ sequence, at, actor, action, resource }) => (
            <li key={sequence} className="row apart">
              <span>
                <code>{action}</code> {action.startsWith('plan.') ? resource.slice(0, 8) : resource}{' '}
                <span className="quiet">by {actor ?? 'erased'}</span>
              </span>
              <span className="quiet">
                <Time at={at} />
              </span>
            </li>
          ))}
          <li>
            <Link to="/audit">Whole log</Link>
          </li>
        </ul>
      )}
    </Loaded>
  )
}

export const Overview = () => {
  const catalog = useQuery(catalogQuery)
  const sources = useQuery(sourcesQuery)
  const revisions = useQuery(revisionsQuery)
  const stats = useQuery(statsQuery({ minutes: 60 }))
  return (
    <Page title="Overview">
      <Loaded of={catalog}>
        {({ policies, revision }) =>
          policies.length === 0 ? (
            <FirstPush sources={sources.data ?? []} />
          ) : (
            <>
              <Tiles policies={policies} revision={revision} minutes={stats.data} />
              {stats.data !== undefined && <Hour minutes={stats.data} />}
              <section className="stack tight">
                <h2>Sources</h2>
                <Loaded of={sources}>{(all) => <Sources sources={all} />}</Loaded>
              </section>
              <div className="columns">
                <section className="stack tight">
                  <h2>Needs attention</h2>
                  <Attention policies={policies} />
                </section>
                <section className="stack tight">
                  <h2>Applied in the last day</h2>
                  <Loaded of={revisions}>{(all) => <Changes revisions={all} />}</Loaded>
                </section>
                <section className="stack tight">
                  <h2>Latest entries of the audit log</h2>
                  <RecentAudit />
                </section>
              </div>
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
