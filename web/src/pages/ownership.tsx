/** Who owns what: each key belongs to one source, but for packages, which several modules may fill. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { ownershipQuery, sourcesQuery } from '../api/queries.ts'
import { FilterField } from '../parts/filter-field.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { KeyLink } from './policy-link.tsx'

const kinds = ['policy', 'module', 'data', 'package'] as const

export const Ownership = () => {
  const search = useSearch({ from: '/ownership' })
  const navigate = useNavigate({ from: '/ownership' })
  const { q = '', ...filter } = search
  const owned = useQuery(ownershipQuery(filter))
  const { data: sources = [] } = useQuery(sourcesQuery)
  const set = (part: Partial<Record<'kind' | 'source' | 'q', string>>): void =>
    void navigate({
      search: (before) => Object.fromEntries(Object.entries({ ...before, ...part }).filter(([, value]) => value)),
      replace: true,
    })
  return (
    <Page title="Ownership" about="A key that two sources declare is a Conflict; the composition then stays as it is.">
      <div className="row" role="search">
        <FilterField label="Filter keys" value={q} onChange={(next) => set({ q: next })} />
        <select aria-label="Kind" value={search.kind ?? ''} onChange={(event) => set({ kind: event.target.value })}>
          <option value="">Kind: all</option>
          {kinds.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
        <select
          aria-label="Source"
          value={search.source ?? ''}
          onChange={(event) => set({ source: event.target.value })}
        >
          <option value="">Source: all</option>
          {[...sources.map(({ name }) => name), 'edict'].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <Loaded of={owned}>
        {(all) => {
          const matching = all.filter(({ key }) => key.includes(q))
          return (
            <>
              <p className="quiet" role="status">
                {matching.length} keys{all.length === 1000 ? ' of the first 1,000: choose a kind or a source' : ''}
              </p>
              <div className="box scroll" tabIndex={0} role="group" aria-label="Owned keys">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Key</th>
                      <th scope="col">Owner</th>
                      <th scope="col">File</th>
                    </tr>
                  </thead>
                  <tbody>
                    {matching.map(({ key, owners }) => (
                      <tr key={key}>
                        <td>{key.startsWith('policy:') ? <KeyLink text={key} /> : <code>{key}</code>}</td>
                        <td>
                          {owners.map(({ source }) => (
                            <div key={source}>
                              {source === 'edict' ? (
                                'edict'
                              ) : (
                                <Link to="/sources/$name" params={{ name: source }}>
                                  {source}
                                </Link>
                              )}
                            </div>
                          ))}
                        </td>
                        <td>
                          {owners.map(({ source, file, generated }) => (
                            <div key={`${source} ${file}`}>
                              <code>{file}</code>
                              {generated && <span className="quiet"> (rules)</span>}
                            </div>
                          ))}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}
