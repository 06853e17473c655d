/** The decision about a plan that waits: who may make it, and making it. */
import { useState } from 'react'
import { call } from '../api/client.ts'
import type { ApprovalRule, Plan, PlanWithDiffs } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { useChange } from '../parts/use-change.ts'
import { summaryOf } from './plans.tsx'

const Reject = ({ plan, onClose }: { readonly plan: Plan; readonly onClose: () => void }) => {
  const [reason, setReason] = useState('')
  const reject = useChange({
    run: () => call(`/api/plans/${plan.id}/reject`, { method: 'POST', json: { reason: reason.trim() || null } }),
    done: () => 'The plan is rejected; nothing of it was applied.',
  })
  const asked = plan.requests.length
  return (
    <FormDialog
      title="Reject this plan"
      about={
        asked > 0
          ? `Nothing of it is applied. ${asked === 1 ? 'The change' : `The ${asked} changes`} asked for through the API ${asked === 1 ? 'is' : 'are'} dropped; who wants ${asked === 1 ? 'it' : 'them'} asks again.`
          : `Nothing of it is applied. ${plan.subject.join(', ')} is held at what is in force until a newer commit arrives or somebody releases it.`
      }
      change={reject}
      submit={{ label: 'Reject', look: 'danger' }}
      onClose={onClose}
    >
      <label className="field">
        <span>Reason, for people</span>
        <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </label>
    </FormDialog>
  )
}

const why = (one: { readonly because: string | null } | undefined): string | undefined => one?.because ?? undefined

export const Decision = ({ plan }: { readonly plan: PlanWithDiffs }) => {
  const [rejecting, setRejecting] = useState(false)
  const approve = useChange({
    run: () => call<Plan | { readonly message: string }>(`/api/plans/${plan.id}/approve`, { method: 'POST' }),
    done: () => `Approved: ${summaryOf(plan)}.`,
  })
  const you = plan.approval?.you
  const refusals = [why(you?.approve), why(you?.reject)]
  // Said once when both are refused for the same reason.
  const isSame = refusals[0] !== undefined && refusals[0] === refusals[1]
  return (
    <>
      {plan.status === 'Waiting' && (
        <>
          <Button
            look="primary"
            busy={approve.isPending}
            because={refusals[0]}
            onClick={() => approve.mutate(undefined)}
          >
            Approve
          </Button>
          {!isSame && (
            <Button look="danger" because={refusals[1]} onClick={() => setRejecting(true)}>
              Reject …
            </Button>
          )}
        </>
      )}
      {rejecting && <Reject plan={plan} onClose={() => setRejecting(false)} />}
    </>
  )
}

const named = (word: string, names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`${names.length === 1 ? word : `${word}s`} ${names.join(', ')}`]

/** Whom a rule names, in words. */
const whom = ({ actors, roles, groups, ownGroups }: ApprovalRule): string => {
  const who = [...named('role', roles), ...named('group', groups), ...actors].join(' or ')
  return ownGroups === null ? who : `${who}, if in ${named('group', ownGroups).join('') || 'its group'}`
}

export const WhoMayApprove = ({ plan: { approval } }: { readonly plan: PlanWithDiffs }) => {
  if (approval === null) return null
  const { mode, rules, notBy, you } = approval
  return (
    <section className="stack tight" aria-labelledby="who-may-approve">
      <h2 id="who-may-approve">Who must approve</h2>
      {mode === 'open' && <p>Whoever reaches this server: it asks for no credentials. One approval is enough.</p>}
      {mode === 'required' && (
        <>
          <p>One of those whom a rule lets approve everything that is touched:</p>
          <ul className="stack tight">
            {rules.map((rule) => (
              <li key={rule.rule}>
                {whom(rule)} <span className="quiet">by the rule</span> <code>{rule.rule}</code>
                {rule.uncovered.length > 0 && (
                  <span className="quiet">
                    {' '}
                    – but not {rule.uncovered.slice(0, 3).join(', ')}
                    {rule.uncovered.length > 3 && ` and ${rule.uncovered.length - 3} more`}, for which another rule is
                    needed
                  </span>
                )}
              </li>
            ))}
            {rules.length === 0 && <li>No rule gives anybody the action approve: an administrator has to add one.</li>}
          </ul>
          {notBy.length > 0 && (
            <p>
              Not <strong>{notBy.join(', ')}</strong>, who made it: four eyes are asked for here.
            </p>
          )}
          <p className={you.approve.allowed ? '' : 'notice'}>
            {you.approve.allowed ? 'You may.' : `You may not: ${you.approve.because ?? ''}.`}
          </p>
        </>
      )}
    </section>
  )
}
