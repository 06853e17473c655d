/** Going back to a revision: says beforehand what it will do. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { revisionsQuery } from '../api/queries.ts'
import type { Revision } from '../api/types.ts'
import { FormDialog } from '../parts/form-dialog.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { useChange } from '../parts/use-change.ts'
import { type NetChange, netChange } from './net-change.ts'

const mostNamed = 12

const Keys = ({ title, keys }: { readonly title: string; readonly keys: readonly string[] }) =>
  keys.length === 0 ? null : (
    <>
      <dt>
        {title} ({keys.length})
      </dt>
      <dd>
        {keys.slice(0, mostNamed).map((key) => (
          <div key={key}>
            <code>{key}</code>
          </div>
        ))}
        {keys.length > mostNamed && <div className="quiet">and {keys.length - mostNamed} more</div>}
      </dd>
    </>
  )

const nothing = ({ removes, bringsBack, turnsBack }: NetChange): boolean =>
  removes.length + bringsBack.length + turnsBack.length === 0

const Effect = ({ later, policy }: { readonly later: readonly Revision[]; readonly policy: string | undefined }) => {
  const policies = netChange(later)
  const modules = netChange(later.map((one) => one.modules))
  const all = [policies.removes, policies.bringsBack, policies.turnsBack].flat()
  const others = all.filter((key) => key !== policy).length
  return (
    <>
      {policy !== undefined && others > 0 && (
        <p className="notice warn">
          Everything goes back, not this policy alone: {others} other {others === 1 ? 'policy' : 'policies'} as well. To
          turn back this one, push a commit that does.
        </p>
      )}
      {nothing(policies) && nothing(modules) ? (
        <p>No policy and no module is changed by it; rules may be.</p>
      ) : (
        <dl className="facts">
          <Keys title="Policies turned back" keys={policies.turnsBack} />
          <Keys title="Policies brought back" keys={policies.bringsBack} />
          <Keys title="Policies removed" keys={policies.removes} />
          <Keys title="Modules turned back" keys={modules.turnsBack} />
          <Keys title="Modules brought back" keys={modules.bringsBack} />
          <Keys title="Modules removed" keys={modules.removes} />
        </dl>
      )}
    </>
  )
}

export const RollBack = ({
  to,
  policy,
  onClose,
}: {
  readonly to: number
  /** From whose page it is asked for. */
  readonly policy?: string
  readonly onClose: () => void
}) => {
  const [reason, setReason] = useState('')
  const revisions = useQuery(revisionsQuery)
  const roll = useChange({
    run: () =>
      call<{ readonly message: string }>(`/api/revisions/${to}/rollback`, {
        method: 'POST',
        json: { reason: reason.trim() || null },
      }),
    done: ({ message }) => `Rolled back: ${message}`,
  })
  const count = (revisions.data?.[0]?.revision ?? to) - to
  return (
    <FormDialog
      title={`Roll back to revision ${to}`}
      about={`What was in force then comes into force again as a new revision; ${count} later ${count === 1 ? 'revision is' : 'revisions are'} undone, rules included. The sources that it turns back are held until they are released on their page. Locks stay as they are.`}
      change={roll}
      submit={{ label: 'Roll back', look: 'danger' }}
      onClose={onClose}
    >
      <Loaded of={revisions}>
        {(all) => <Effect later={all.filter(({ revision }) => revision > to)} policy={policy} />}
      </Loaded>
      <label className="field">
        <span>Reason, for people</span>
        <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </label>
    </FormDialog>
  )
}
