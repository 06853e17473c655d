/** One policy: its text, data, versions, how to ask it, and its lock. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { serverUrl } from '../api/client.ts'
import { policyQuery, sourcesQuery, type PolicyId } from '../api/queries.ts'
import type { Policy } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { Snippet } from '../parts/snippet.tsx'
import { State } from '../parts/state.tsx'
import { type Tab, Tabs } from '../parts/tabs.tsx'
import { Time } from '../parts/time.tsx'
import { CommitLink } from './commit-link.tsx'
import { LockActions } from './lock-actions.tsx'
import { PolicyDecisions } from './policy-decisions.tsx'
import { PolicyHistory } from './policy-history.tsx'
import { otherFiles, PolicyTestsTab } from './policy-tests.tsx'
import { nameOf, PolicyLink } from './policy-link.tsx'
import { VersionDiff } from './version-diff.tsx'

const Facts = ({ policy }: { readonly policy: Policy }) => {
  const { data: sources } = useQuery(sourcesQuery)
  const location = sources?.find(({ name }) => name === policy.repository)?.location
  return (
    <dl className="facts">
      <dt>State</dt>
      <dd className="row">
        <State word={policy.status.phase} />
        {policy.lock !== null && <State word="Locked" />}
        <span className="quiet">
          since <Time at={policy.status.since} />
        </span>
      </dd>
      <dt>Source</dt>
      <dd>
        <Link to="/sources/$name" params={{ name: policy.repository }}>
          {policy.repository}
        </Link>
      </dd>
      <dt>Commit</dt>
      <dd>
        <CommitLink location={location} commit={policy.commit} />
        {policy.author !== null && ` by ${policy.author}`}
      </dd>
      {policy.digest !== '' && (
        <>
          <dt>In force since</dt>
          <dd>
            revision {policy.revision}, <Time at={policy.updated} />
          </dd>
          <dt>Digest</dt>
          <dd>
            <code>{policy.digest.slice(0, 16)}</code> · Rego v{policy.regoVersion}
          </dd>
        </>
      )}
    </dl>
  )
}

const Refused = ({ policy: { status, digest } }: { readonly policy: Policy }) => {
  const isGood = digest !== ''
  return (
    <div className="notice bad stack tight">
      <p>
        <State word="Quarantined" /> Commit <code>{status.commit?.slice(0, 12)}</code>
        {status.author !== undefined && ` by ${status.author}`} does not validate.{' '}
        {isGood
          ? 'What is shown below stays in force until a good commit arrives.'
          : 'It never was good: nothing of it is in force, and evaluations are answered 503 policy_quarantined.'}
      </p>
      <Findings findings={status.findings} />
    </div>
  )
}

const Held = ({ policy: { lock } }: { readonly policy: Policy }) =>
  lock && (
    <div className="notice warn">
      <State word="Locked" /> by {lock.actor}, <Time at={lock.since} />
      {lock.until === null ? '' : ' until '}
      {lock.until !== null && <Time at={lock.until} />}
      {lock.reason !== null && <>: {lock.reason}</>}. Every evaluation is answered 403 <code>policy_locked</code>.
    </div>
  )

const Endpoint = ({ id }: { readonly id: PolicyId }) => {
  const url = serverUrl(`/policy/${nameOf(id)}`)
  return (
    <div className="stack tight">
      <h2>Evaluate</h2>
      <Snippet label="the evaluation" text={`curl -d '{}' ${url}/evaluation`} />
      <h2>Many inputs at once</h2>
      <Snippet
        label="the batch"
        text={`curl -H 'content-type: application/json' -d '{"inputs":[{},{}]}' ${url}/evaluations`}
      />
      <h2>Lock and unlock</h2>
      <Snippet label="the lock" text={`curl -X POST -d '{"reason":"why"}' ${url}/lock`} />
      <Snippet label="the unlock" text={`curl -X DELETE ${url}/lock`} />
    </div>
  )
}

const Versions = ({ policy }: { readonly policy: Policy }) => (
  <div className="stack">
    <ul className="stack tight">
      {policy.versions.map((version) => (
        <li key={version}>
          <PolicyLink of={{ ...policy, version }} />
          {version === policy.version && <span className="quiet"> (this one)</span>}
        </li>
      ))}
    </ul>
    <VersionDiff policy={policy} />
  </div>
)

const tabsOf = (policy: Policy): readonly Tab[] => [
  {
    id: 'rego',
    title: 'Rego',
    show: () => <Code language="rego" value={policy.rego} label="policy.rego, read only" />,
  },
  ...(policy.data === null
    ? []
    : [
        {
          id: 'data',
          title: 'Data',
          show: () => <Code language="json" value={policy.data ?? ''} label="data.json, read only" />,
        },
      ]),
  {
    id: 'tests',
    title: policy.tests === null ? 'Tests' : `Tests (${policy.tests.cases.length})`,
    show: () => <PolicyTestsTab policy={policy} />,
  },
  ...(otherFiles(policy).length === 0
    ? []
    : [
        {
          id: 'files',
          title: `Files (${otherFiles(policy).length})`,
          show: () =>
            otherFiles(policy).map(({ path, text }) => (
              <section key={path} className="stack tight">
                <h2>
                  <code>{path}</code>
                </h2>
                <Code
                  language={path.endsWith('.rego') ? 'rego' : path.endsWith('.json') ? 'json' : 'plain'}
                  value={text}
                  label={`${path}, read only`}
                />
              </section>
            )),
        },
      ]),
  { id: 'endpoint', title: 'Endpoint', show: () => <Endpoint id={policy} /> },
  { id: 'decisions', title: 'Decisions', show: () => <PolicyDecisions id={policy} /> },
  { id: 'history', title: 'History', show: () => <PolicyHistory policy={nameOf(policy)} /> },
  { id: 'versions', title: `Versions (${policy.versions.length})`, show: () => <Versions policy={policy} /> },
]

export const PolicyPage = () => {
  const id = useParams({ from: '/policies/$group/$name/$version' })
  const { tab = 'rego' } = useSearch({ from: '/policies/$group/$name/$version' })
  const navigate = useNavigate({ from: '/policies/$group/$name/$version' })
  const found = useQuery(policyQuery(id))
  return (
    <Page
      title={nameOf(id)}
      actions={
        found.data && (
          <>
            <Link to="/playground" search={{ policy: nameOf(id) }} className="button">
              Open in the playground
            </Link>
            <LockActions policy={found.data} />
          </>
        )
      }
    >
      <Loaded of={found}>
        {(policy) => {
          const tabs = tabsOf(policy)
          const chosen = tabs.some((one) => one.id === tab) ? tab : 'rego'
          return (
            <>
              <Held policy={policy} />
              {policy.status.phase === 'Quarantined' && <Refused policy={policy} />}
              <Facts policy={policy} />
              {policy.status.phase === 'Ready' && policy.status.findings.length > 0 && (
                <Findings findings={policy.status.findings} />
              )}
              <Tabs
                label="Parts of the policy"
                tabs={tabs}
                chosen={chosen}
                onChoose={(next) => void navigate({ search: (before) => ({ ...before, tab: next }), replace: true })}
              />
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}
