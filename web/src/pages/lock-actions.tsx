/** Locks a policy, with a reason and an end, and unlocks it. Both say beforehand what will happen. */
import { useId, useState } from 'react'
import { call, policyPath } from '../api/client.ts'
import type { Policy } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { type Confirmed, confirmedText } from '../parts/confirmed.ts'
import { FormDialog } from '../parts/form-dialog.tsx'
import { useChange } from '../parts/use-change.ts'
import { nameOf } from './policy-link.tsx'

const ends = [
  ['', 'Until it is unlocked'],
  ['1', 'For an hour'],
  ['24', 'For a day'],
  ['168', 'For a week'],
] as const

const LockDialog = ({ policy, onClose }: { readonly policy: Policy; readonly onClose: () => void }) => {
  const [reason, setReason] = useState('')
  const [hours, setHours] = useState('')
  const ids = { reason: useId(), end: useId() }
  const lock = useChange({
    run: () => {
      const until = hours === '' ? null : new Date(Date.now() + Number(hours) * 3_600_000).toISOString()
      return call<Confirmed>(`${policyPath(policy)}/lock`, {
        method: 'POST',
        json: { reason: reason.trim() === '' ? null : reason.trim(), until },
      })
    },
    done: (answer) => `${nameOf(policy)} is locked: ${confirmedText(answer)}.`,
  })
  return (
    <FormDialog
      title={`Lock ${nameOf(policy)}`}
      about="No evaluation of this version starts any more, at any door, once every server has confirmed: callers get 403. It can be unlocked at any time."
      change={lock}
      submit={{ label: 'Lock', look: 'primary' }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor={ids.reason}>Reason, for people</label>
        <input id={ids.reason} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </div>
      <div className="field">
        <label htmlFor={ids.end}>How long</label>
        <select id={ids.end} value={hours} onChange={(event) => setHours(event.target.value)}>
          {ends.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </div>
    </FormDialog>
  )
}

export const LockActions = ({ policy }: { readonly policy: Policy }) => {
  const [asking, setAsking] = useState(false)
  const unlock = useChange({
    run: () => call<Confirmed>(`${policyPath(policy)}/lock`, { method: 'DELETE' }),
    done: (answer) => `${nameOf(policy)} is unlocked: ${confirmedText(answer)}.`,
  })
  // The dialog outlives the news of its own lock: they may come before the answer does.
  return (
    <>
      {policy.lock === null ? (
        <Button action="lock" policy={nameOf(policy)} onClick={() => setAsking(true)}>
          Lock …
        </Button>
      ) : (
        <Button
          action="unlock"
          policy={nameOf(policy)}
          busy={unlock.isPending}
          onClick={() => unlock.mutate(undefined)}
        >
          Unlock
        </Button>
      )}
      {asking && <LockDialog policy={policy} onClose={() => setAsking(false)} />}
    </>
  )
}
