/** All policies, filtered as one types; thousands of rows, of which only those in sight are drawn. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import { catalogQuery } from '../api/queries.ts'
import type { CatalogItem } from '../api/types.ts'
import { FilterField } from '../parts/filter-field.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { FirstPush } from './first-push.tsx'
import { nameOf, PolicyLink } from './policy-link.tsx'

interface Filter {
  readonly q?: string
  readonly state?: string
  readonly group?: string
  readonly source?: string
}

/** What a policy is looked for by; made once, not at every key. */
interface Searched {
  readonly policy: CatalogItem
  readonly text: string
}

const searched = (policy: CatalogItem): Searched => ({
  policy,
  text: `${policy.repository}/${nameOf(policy)} ${policy.author ?? ''} ${policy.commit}`.toLowerCase(),
})

const filterOf = (all: readonly Searched[], { q = '', state, group, source }: Filter): readonly CatalogItem[] => {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean)
  const matching = all.filter(({ policy, text }) => {
    if (group !== undefined && policy.group !== group) return false
    if (source !== undefined && policy.repository !== source) return false
    if (state === 'Locked' ? !policy.locked : state !== undefined && policy.phase !== state) return false
    return words.every((word) => text.includes(word))
  })
  return matching.map(({ policy }) => policy)
}

const pick = (state?: string, group?: string, source?: string): Filter => ({
  ...(state !== undefined && { state }),
  ...(group !== undefined && { group }),
  ...(source !== undefined && { source }),
})

const columns = ['Policy', 'State', 'Source', 'Commit', 'Author', 'Updated'] as const

const Line = ({ policy, top, at }: { readonly policy: CatalogItem; readonly top: number; readonly at: number }) => (
  <div role="row" className="line" aria-rowindex={at + 2} style={{ transform: `translateY(${top}px)` }}>
    <span role="cell">
      <PolicyLink of={policy} />
    </span>
    <span role="cell" className="row">
      {policy.phase === 'Quarantined' && <State word="Quarantined" />}
      {policy.locked && <State word="Locked" />}
      {policy.phase === 'Ready' && !policy.locked && <State word="Ready" />}
    </span>
    <span role="cell">{policy.repository}</span>
    <span role="cell" className="mono" title={policy.commit}>
      {policy.commit.replace(/^sha256:/, '').slice(0, 10)}
    </span>
    <span role="cell">{policy.author ?? '–'}</span>
    <span role="cell" className="quiet">
      <Time at={policy.updated} />
    </span>
  </div>
)

const Table = ({ policies }: { readonly policies: readonly CatalogItem[] }) => {
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: policies.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 40,
    overscan: 12,
  })
  return (
    <div className="box virtual" ref={scroller} tabIndex={0} role="group" aria-label="Policies, scrollable">
      <div role="table" aria-label="Policies" aria-rowcount={policies.length + 1}>
        <div role="rowgroup" className="head">
          <div role="row" aria-rowindex={1}>
            {columns.map((title) => (
              <span key={title} role="columnheader">
                {title}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: `${rows.getTotalSize()}px` }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const policy = policies[index]
            return policy && <Line key={policy.evaluation} policy={policy} top={start} at={index} />
          })}
        </div>
      </div>
    </div>
  )
}

const Choice = ({
  label,
  value,
  options,
  onChoose,
}: {
  readonly label: string
  readonly value: string | undefined
  readonly options: readonly string[]
  readonly onChoose: (value: string | undefined) => void
}) => (
  <select
    aria-label={label}
    value={value ?? ''}
    onChange={(event) => onChoose(event.target.value === '' ? undefined : event.target.value)}
  >
    <option value="">{label}: all</option>
    {options.map((option) => (
      <option key={option}>{option}</option>
    ))}
  </select>
)

const different = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort()

const Filtered = ({ policies }: { readonly policies: readonly CatalogItem[] }) => {
  const search = useSearch({ from: '/policies' })
  const navigate = useNavigate({ from: '/policies' })
  const [q, setQ] = useState(search.q ?? '')
  const chosen = useMemo(
    () => pick(search.state, search.group, search.source),
    [search.state, search.group, search.source],
  )
  const texts = useMemo(() => policies.map(searched), [policies])
  const matching = useMemo(() => filterOf(texts, { q, ...chosen }), [texts, q, chosen])
  const groups = useMemo(() => different(policies.map(({ group }) => group)), [policies])
  const sources = useMemo(() => different(policies.map(({ repository }) => repository)), [policies])
  const set = (part: Filter): void =>
    void navigate({
      search: (before) => Object.fromEntries(Object.entries({ ...before, ...part }).filter(([, value]) => value)),
      replace: true,
    })
  const clear = (): void => {
    setQ('')
    void navigate({ search: {}, replace: true })
  }
  // The URL follows once one pauses: it is not worth a wait at every key.
  useEffect(() => {
    if (q === (search.q ?? '')) return undefined
    const timer = setTimeout(set, 250, { q })
    return () => clearTimeout(timer)
  })
  return (
    <div className="stack tight">
      <div className="row" role="search">
        <FilterField
          label="Filter policies"
          placeholder="Filter by name, author, commit  ( / )"
          value={q}
          onChange={(next) => setQ(next)}
        />
        <Choice
          label="State"
          value={search.state}
          options={['Ready', 'Quarantined', 'Locked']}
          onChoose={(state) => set({ state: state ?? '' })}
        />
        <Choice label="Group" value={search.group} options={groups} onChoose={(group) => set({ group: group ?? '' })} />
        <Choice
          label="Source"
          value={search.source}
          options={sources}
          onChoose={(source) => set({ source: source ?? '' })}
        />
      </div>
      <p className="quiet" role="status">
        {matching.length} of {policies.length} policies
      </p>
      {matching.length === 0 ? (
        <p className="notice">
          None matches.{' '}
          <button type="button" className="button" onClick={() => clear()}>
            Clear the filter
          </button>
        </p>
      ) : (
        <Table policies={matching} />
      )}
    </div>
  )
}

export const Policies = () => {
  const catalog = useQuery(catalogQuery)
  return (
    <Page title="Policies">
      <Loaded of={catalog}>
        {({ policies }) => (policies.length === 0 ? <FirstPush sources={[]} /> : <Filtered policies={policies} />)}
      </Loaded>
    </Page>
  )
}
