/** The shared modules in force, whatever their source. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { modulesQuery, ownershipQuery } from '../api/queries.ts'
import { FilterField } from '../parts/filter-field.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'

export const Modules = () => {
  const { q = '' } = useSearch({ from: '/modules' })
  const navigate = useNavigate({ from: '/modules' })
  const modules = useQuery(modulesQuery)
  const { data: owned = [] } = useQuery(ownershipQuery({ kind: 'module' }))
  const owners = new Map(owned.map(({ key, owners: of }) => [key.slice('module:'.length), of[0]]))
  return (
    <Page
      title="Modules"
      about="Rego that policies share. Those of the API are edited here, those of a repository there."
      actions={
        <Link to="/new-module" className="button primary">
          Upload a module
        </Link>
      }
    >
      <Loaded of={modules}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No shared module yet">
              <p>
                A <code>.rego</code> file outside policy folders is one; or <Link to="/new-module">upload one</Link>.
              </p>
            </Empty>
          ) : (
            <>
              <div className="row" role="search">
                <FilterField
                  label="Filter modules"
                  value={q}
                  onChange={(next) => void navigate({ search: next === '' ? {} : { q: next }, replace: true })}
                />
              </div>
              <div className="box scroll" tabIndex={0} role="group" aria-label="Modules">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Module</th>
                      <th scope="col">Source</th>
                      <th scope="col">File</th>
                    </tr>
                  </thead>
                  <tbody>
                    {all
                      .filter((id) => id.includes(q))
                      .map((id) => {
                        const owner = owners.get(id)
                        return (
                          <tr key={id}>
                            <td>
                              <Link to="/module/$" params={{ _splat: id }}>
                                {id}
                              </Link>
                            </td>
                            <td>{owner?.source ?? '–'}</td>
                            <td>
                              {owner?.generated === true ? <Link to="/rules">rules</Link> : <code>{owner?.file}</code>}
                            </td>
                          </tr>
                        )
                      })}
                  </tbody>
                </table>
              </div>
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
