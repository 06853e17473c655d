/** Which revisions changed a policy, from which commit and by whom, and going back to one of them. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { historyQuery, sourcesQuery } from '../api/queries.ts'
import type { Revision } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Time } from '../parts/time.tsx'
import { CommitLink } from './commit-link.tsx'
import { RollBack } from './roll-back.tsx'

const Row = ({
  one,
  isNewest,
  location,
  onBack,
}: {
  readonly one: Revision
  readonly isNewest: boolean
  readonly location: string | undefined
  readonly onBack: () => void
}) => (
  <tr>
    <td>
      <Link to="/plans/$id" params={{ id: one.plan }}>
        {one.revision}
      </Link>
    </td>
    <td>{one.change?.kind ?? '–'}</td>
    <td>
      {one.change?.commit == null ? '–' : <CommitLink location={location} commit={one.change.commit} short />}
      {one.change?.author != null && <div className="quiet">{one.change.author}</div>}
    </td>
    <td>
      <Time at={one.at} />
    </td>
    <td className="number">
      {isNewest ? (
        <span className="quiet">
          {one.change?.kind === 'removed' ? 'removed' : one.change?.commit == null ? 'never good' : 'in force'}
        </span>
      ) : (
        <Button action="rollback" label={`Roll back … to revision ${one.revision}`} onClick={onBack}>
          Roll back …
        </Button>
      )}
    </td>
  </tr>
)

export const PolicyHistory = ({ policy }: { readonly policy: string }) => {
  const history = useQuery(historyQuery(policy))
  const { data: sources } = useQuery(sourcesQuery)
  const [to, setTo] = useState<number | null>(null)
  const locationOf = (name: string | null | undefined): string | undefined =>
    sources?.find((source) => source.name === name)?.location
  return (
    <Loaded of={history}>
      {(revisions) =>
        revisions.length === 0 ? (
          <p className="quiet">No revision that is still kept has changed it.</p>
        ) : (
          <div className="box scroll" tabIndex={0} role="group" aria-label="History">
            <table>
              <thead>
                <tr>
                  <th scope="col">Revision</th>
                  <th scope="col">What it did</th>
                  <th scope="col">Commit</th>
                  <th scope="col">When</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {revisions.map((one, at) => (
                  <Row
                    key={one.revision}
                    one={one}
                    isNewest={at === 0}
                    location={locationOf(one.change?.repository)}
                    onBack={() => setTo(one.revision)}
                  />
                ))}
              </tbody>
            </table>
            {to !== null && <RollBack to={to} policy={policy} onClose={() => setTo(null)} />}
          </div>
        )
      }
    </Loaded>
  )
}
