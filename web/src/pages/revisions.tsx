/** What was in force when, and going back to it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { revisionsQuery } from '../api/queries.ts'
import type { Revision } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { Time } from '../parts/time.tsx'
import { useChange } from '../parts/use-change.ts'

const RollBack = ({
  to,
  of,
  onClose,
}: {
  readonly to: Revision
  readonly of: number
  readonly onClose: () => void
}) => {
  const [reason, setReason] = useState('')
  const roll = useChange({
    run: () =>
      call<{ readonly message: string }>(`/api/revisions/${to.revision}/rollback`, {
        method: 'POST',
        json: { reason: reason.trim() || null },
      }),
    done: ({ message }) => `Rolled back: ${message}`,
  })
  return (
    <Dialog
      title={`Roll back to revision ${to.revision}`}
      about={`What was in force then (${to.policies} policies) comes into force again as a new revision; ${of - to.revision} later ${of - to.revision === 1 ? 'revision is' : 'revisions are'} undone. The sources that it turns back are held until they are released on their page.`}
      open
      onClose={onClose}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          roll.mutate(undefined, { onSuccess: onClose })
        }}
      >
        <label className="field">
          <span>Reason, for people</span>
          <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        </label>
        <div className="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button submit look="danger" busy={roll.isPending}>
            Roll back
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

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
            <th scope="col">Created</th>
            <th scope="col">Replaced</th>
            <th scope="col">Removed</th>
            <th scope="col">Policies</th>
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
              <td title={one.created.join('\n')}>{one.created.length}</td>
              <td title={one.replaced.join('\n')}>{one.replaced.length}</td>
              <td title={one.removed.join('\n')}>{one.removed.length}</td>
              <td>{one.policies}</td>
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
      {to !== null && <RollBack to={to} of={newest} onClose={() => setTo(null)} />}
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
