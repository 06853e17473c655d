/** What was in force when, and going back to it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { revisionsQuery } from '../api/queries.ts'
import type { Revision } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { Time } from '../parts/time.tsx'
import { changeText, keysOf } from './change-text.ts'
import { RollBack } from './roll-back.tsx'

const Rows = ({ revisions }: { readonly revisions: readonly Revision[] }) => {
  const [to, setTo] = useState<Revision | null>(null)
  const newest = revisions[0]?.revision ?? 0
  return (
    <div className="box scroll" tabIndex={0} role="group" aria-label="Revisions">
      <table>
        <thead>
          <tr>
            <th scope="col">Revision</th>
            <th scope="col">Applied</th>
            <th scope="col">Policies</th>
            <th scope="col">Modules and data</th>
            <th scope="col" className="number">
              In all
            </th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {revisions.map((one) => (
            <tr key={one.revision}>
              <td>
                <Link to="/plans/$id" params={{ id: one.plan }}>
                  {one.revision}
                </Link>
              </td>
              <td>
                <Time at={one.at} />
              </td>
              <td title={keysOf(one)}>{changeText(one)}</td>
              <td title={keysOf(one.modules)}>{changeText(one.modules)}</td>
              <td className="number">{one.policies}</td>
              <td className="number">
                {one.revision === newest ? (
                  <span className="quiet">in force</span>
                ) : (
                  <Button
                    action="rollback"
                    label={`Roll back … to revision ${one.revision}`}
                    onClick={() => setTo(one)}
                  >
                    Roll back …
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {to !== null && <RollBack to={to.revision} onClose={() => setTo(null)} />}
    </div>
  )
}

export const Revisions = () => {
  const revisions = useQuery(revisionsQuery)
  return (
    <Page title="Revisions" about="Every apply makes one. Each can be gone back to while it is kept.">
      <Loaded of={revisions}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No revision yet">
              <p>The first is made when the first policy is applied.</p>
            </Empty>
          ) : (
            <Rows revisions={all} />
          )
        }
      </Loaded>
    </Page>
  )
}
