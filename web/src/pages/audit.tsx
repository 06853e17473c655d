/** What was changed, by whom, from where; and whether the log is what was written. */
import { useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { auditPage } from '../api/queries.ts'
import { call } from '../api/client.ts'
import type { AuditEntry } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { KeyLink } from './policy-link.tsx'

interface Verdict {
  readonly ok: boolean
  readonly message: string
  readonly sequence?: number
}

const Verify = () => {
  const verify = useMutation({ mutationFn: () => call<Verdict>('/api/audit/verify') })
  return (
    <div className="stack tight">
      <div className="row end">
        <Button action="admin" busy={verify.isPending} onClick={() => verify.mutate()}>
          Verify the log
        </Button>
      </div>
      {verify.error !== null && <Problem error={verify.error} />}
      {verify.data !== undefined && (
        <p role="status" className={`notice ${verify.data.ok ? 'good' : 'bad'}`}>
          {verify.data.ok
            ? `Nothing was altered, removed or reordered: ${verify.data.message}.`
            : `Entry ${verify.data.sequence ?? ''} does not hold: ${verify.data.message}`}
        </p>
      )}
    </div>
  )
}

/** Of an apply it is `{ id, digest }`, of what was asked for the id alone. */
const planOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  const isNamed = typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
  return isNamed ? String(value.id) : undefined
}

const PlanLink = ({ id }: { readonly id: string }) => (
  <Link to="/plans/$id" params={{ id }}>
    plan {id.slice(0, 8)}
  </Link>
)

const More = ({ entry: { details, changes, from, mark } }: { readonly entry: AuditEntry }) => (
  <details className="details">
    <summary>{changes.length === 0 ? 'Details' : `${changes.length} changed`}</summary>
    <dl className="facts">
      <dt>From</dt>
      <dd>{from ?? '–'}</dd>
      {Object.entries(details).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {name === 'plan' && planOf(value) !== undefined ? (
              <PlanLink id={planOf(value) ?? ''} />
            ) : (
              <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
            )}
          </dd>
        </div>
      ))}
      <dt>Mark</dt>
      <dd>
        <code>{mark}</code>
      </dd>
    </dl>
    <ul>
      {changes.slice(0, 50).map(({ key, before, after }) => (
        <li key={key}>
          <code>
            {key} {before?.slice(0, 12) ?? 'none'} → {after?.slice(0, 12) ?? 'none'}
          </code>
        </li>
      ))}
    </ul>
  </details>
)

const Rows = ({ entries }: { readonly entries: readonly AuditEntry[] }) => (
  <div className="box scroll" tabIndex={0} role="group" aria-label="Entries">
    <table>
      <thead>
        <tr>
          <th scope="col" className="number">
            #
          </th>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">Action</th>
          <th scope="col">Resource</th>
          <th scope="col">More</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.sequence}>
            <td className="number">{entry.sequence}</td>
            <td className="quiet">
              <Time at={entry.at} />
            </td>
            <td>
              {entry.actor === null ? (
                'erased'
              ) : (
                <Link to="/audit" search={{ actor: entry.actor }} title={`Only what ${entry.actor} did`}>
                  {entry.actor}
                </Link>
              )}
            </td>
            <td>
              <code>{entry.action}</code>
            </td>
            <td>
              {entry.action.startsWith('plan.') ? <PlanLink id={entry.resource} /> : <KeyLink text={entry.resource} />}
            </td>
            <td>
              <More entry={entry} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const fields = ['actor', 'action', 'resource'] as const

/** Actions that the log knows: offered, not enforced. */
const actions = [
  'audit.erase',
  'auth.break-glass',
  'auth.require',
  'authz.refuse',
  'authz.reload',
  'module.delete',
  'module.upload',
  'plan.ask',
  'plan.create',
  'plan.dismiss',
  'plan.reject',
  'policy.lock',
  'policy.unlock',
  'rules.change',
  'source.release',
  'store.restore',
  'sync.apply',
  'sync.status',
  'token.create',
  'token.revoke',
] as const

export const Audit = () => {
  const search = useSearch({ from: '/audit' })
  const navigate = useNavigate({ from: '/audit' })
  const since = search.since === undefined ? undefined : new Date(`${search.since}T00:00:00`)
  const filter = {
    ...search,
    since: since === undefined || Number.isNaN(since.getTime()) ? '' : since.toISOString(),
  }
  const pages = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) => auditPage(filter, pageParam, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  })
  const set = (part: Partial<typeof search>): void =>
    void navigate({
      search: (before) => Object.fromEntries(Object.entries({ ...before, ...part }).filter(([, value]) => value)),
      replace: true,
    })
  return (
    <Page title="Audit" about="Each entry holds the hash of the one before." actions={<Verify />}>
      <div className="row" role="search">
        {fields.map((field, at) => (
          <input
            key={field}
            className="filter"
            type="search"
            {...(at === 0 && { 'data-filter': true })}
            aria-label={field}
            placeholder={field}
            {...(field === 'action' && { list: 'audit-actions' })}
            value={search[field] ?? ''}
            onChange={(event) => set({ [field]: event.target.value })}
          />
        ))}
        <datalist id="audit-actions">
          {actions.map((action) => (
            <option key={action} value={action} />
          ))}
        </datalist>
        <label className="row">
          Since
          <input type="date" value={search.since ?? ''} onChange={(event) => set({ since: event.target.value })} />
        </label>
      </div>
      <Loaded of={pages}>
        {({ pages: all }) => {
          const entries = all.flatMap((page) => page.entries)
          if (entries.length === 0)
            return (
              <Empty title="No entry matches">
                <p>Actor, action and resource are compared whole: try fewer of them.</p>
              </Empty>
            )
          return (
            <>
              <Rows entries={entries} />
              {pages.hasNextPage && (
                <div className="row">
                  <Button busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
                    Older entries
                  </Button>
                </div>
              )}
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}
