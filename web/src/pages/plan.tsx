/** One plan: what it changes, line by line, what was found, and the decision about it. */
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { planQuery } from '../api/queries.ts'
import type { PlanWithDiffs } from '../api/types.ts'
import { Diffs } from '../parts/diff.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { Decision, WhoMayApprove } from './plan-decision.tsx'
import { PlanTests } from './plan-tests.tsx'
import { KeyLink } from './policy-link.tsx'
import { shortRevision } from '../parts/short-revision.ts'

const Keys = ({ title, keys }: { readonly title: string; readonly keys: readonly string[] }) =>
  keys.length === 0 ? null : (
    <>
      <dt>{title}</dt>
      <dd className="row">
        {keys.slice(0, 50).map((key) => (
          <KeyLink key={key} text={key} />
        ))}
        {keys.length > 50 && <span className="quiet">and {keys.length - 50} more</span>}
      </dd>
    </>
  )

const Facts = ({ plan }: { readonly plan: PlanWithDiffs }) => (
  <dl className="facts">
    <dt>State</dt>
    <dd className="row">
      <State word={plan.status} /> {plan.message}
    </dd>
    <dt>Made</dt>
    <dd>
      <Time at={plan.createdAt} />, on revision {plan.baseRevision}
    </dd>
    {plan.decidedAt !== null && (
      <>
        <dt>Decided</dt>
        <dd>
          by {plan.decidedBy ?? 'nobody'}, <Time at={plan.decidedAt} />
        </dd>
      </>
    )}
    <dt>Sources</dt>
    <dd>{plan.sources.map(({ name, revision }) => `${name} ${shortRevision(revision)}`).join(', ')}</dd>
    {plan.requests.length > 0 && (
      <>
        <dt>Asked for by</dt>
        <dd>{plan.requests.map(({ actor }) => actor).join(', ')}</dd>
      </>
    )}
    {plan.authors.length > 0 && (
      <>
        <dt>Commits of</dt>
        <dd>{plan.authors.join(', ')}</dd>
      </>
    )}
    <Keys title="Policies created" keys={plan.changes.policies.create} />
    <Keys title="Policies replaced" keys={plan.changes.policies.replace} />
    <Keys title="Policies removed" keys={plan.changes.policies.remove} />
    <Keys title="Modules created" keys={plan.changes.modules.create} />
    <Keys title="Modules replaced" keys={plan.changes.modules.replace} />
    <Keys title="Modules removed" keys={plan.changes.modules.remove} />
  </dl>
)

/** Warnings can wait until after the changes. */
const isAlarming = ({ findings }: PlanWithDiffs): boolean => findings.some(({ severity }) => severity === 'error')

const Found = ({ plan: { findings } }: { readonly plan: PlanWithDiffs }) =>
  findings.length === 0 ? null : (
    <section className="stack tight">
      <h2>Findings</h2>
      <Findings findings={findings} />
    </section>
  )

export const PlanPage = () => {
  const { id } = useParams({ from: '/plans/$id' })
  const found = useQuery(planQuery(id))
  const plan = found.data
  const title = plan?.revision == null ? `Plan ${id.slice(0, 8)}` : `Plan of revision ${plan.revision}`
  return (
    <Page title={title} actions={plan !== undefined && <Decision plan={plan} />}>
      <Loaded of={found}>
        {(shown) => (
          <>
            <Facts plan={shown} />
            <WhoMayApprove plan={shown} />
            <PlanTests plan={shown} />
            {isAlarming(shown) && <Found plan={shown} />}
            <section className="stack tight">
              <h2>Changes</h2>
              {shown.diffs.length === 0 ? <p className="quiet">No text changes.</p> : <Diffs diffs={shown.diffs} />}
            </section>
            {!isAlarming(shown) && <Found plan={shown} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}
