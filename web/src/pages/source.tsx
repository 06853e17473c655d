/** One source: its conditions, what it holds back, its findings, and how a forge tells Edict of a push. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, call } from '../api/client.ts'
import { sourcesQuery } from '../api/queries.ts'
import type { Source } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { shortRevision } from '../parts/short-revision.ts'
import { State } from '../parts/state.tsx'
import { OptionalTime } from '../parts/time.tsx'
import { useChange } from '../parts/use-change.ts'
import { SyncNow } from './sources.tsx'
import { Webhook } from './webhook.tsx'

const Facts = ({ source }: { readonly source: Source }) => (
  <dl className="facts">
    <dt>State</dt>
    <dd className="row">
      <State word={source.phase} /> <code>{source.reason}</code>
    </dd>
    <dt>Says</dt>
    <dd title={source.message}>{shortRevision(source.message)}</dd>
    <dt>Location</dt>
    <dd>
      {source.kind} <code>{source.location}</code>
    </dd>
    <dt>Revision in force</dt>
    <dd>
      <code>{source.revision ?? 'none yet'}</code>
    </dd>
    {source.lastSeenCommit !== source.commit && (
      <>
        <dt>Newest commit seen</dt>
        <dd>
          <code>{source.lastSeenCommit}</code>
        </dd>
      </>
    )}
    <dt>Last attempt</dt>
    <dd>
      <OptionalTime at={source.lastAttempt} />
    </dd>
    <dt>Last success</dt>
    <dd>
      <OptionalTime at={source.lastSuccess} />
    </dd>
    <dt>Holds</dt>
    <dd>
      <Link to="/policies" search={{ source: source.name }}>
        {source.counts.policies} policies
      </Link>
      , {source.counts.modules} modules, {source.counts.quarantined} quarantined ·{' '}
      <Link to="/ownership" search={{ source: source.name }}>
        all that it owns
      </Link>
    </dd>
    {source.plan != null && (
      <>
        <dt>Waits</dt>
        <dd>
          <Link to="/plans/$id" params={{ id: source.plan }}>
            a plan with its newest commit
          </Link>
        </dd>
      </>
    )}
  </dl>
)

const HeldCommit = ({ source }: { readonly source: Source }) => {
  const [asking, setAsking] = useState(false)
  const { held, name } = source
  const confirm = useChange({
    run: () =>
      call<{ readonly message: string }>(`/api/sources/${encodeURIComponent(name)}/confirm`, {
        method: 'POST',
        json: { commit: held?.commit },
      }),
    done: ({ message }) => `${name}: ${message}`,
  })
  if (held === null) return null
  const what = `${held.removes.length} of ${held.of} policies`
  return (
    <div className="notice warn stack tight">
      <p>
        Commit <code>{held.commit.slice(0, 12)}</code> would remove {what}; so much at once is held back until somebody
        confirms it.
      </p>
      <div className="row">
        <Button action="approve" look="danger" onClick={() => setAsking(true)}>
          Confirm …
        </Button>
      </div>
      {asking && (
        <Dialog
          title={`Remove ${what}`}
          about="They are removed at once; an older revision brings them back."
          open
          onClose={() => setAsking(false)}
        >
          <ul className="scroll">
            {held.removes.map((key) => (
              <li key={key}>
                <code>{key}</code>
              </li>
            ))}
          </ul>
          <div className="row end">
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button
              look="danger"
              busy={confirm.isPending}
              onClick={() => confirm.mutate(undefined, { onSuccess: () => setAsking(false) })}
            >
              Remove them
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  )
}

const Release = ({ name }: { readonly name: string }) => {
  const release = useChange({
    run: () =>
      call<{ readonly message: string }>(`/api/sources/${encodeURIComponent(name)}/release`, { method: 'POST' }),
    done: ({ message }) => `${name} is followed again: ${message}`,
  })
  return (
    <Button action="source" busy={release.isPending} onClick={() => release.mutate(undefined)}>
      Release
    </Button>
  )
}

export const SourcePage = () => {
  const { name } = useParams({ from: '/sources/$name' })
  const sources = useQuery(sourcesQuery)
  return (
    <Page
      title={name}
      actions={
        <>
          {sources.data?.find((one) => one.name === name)?.reason === 'Held' && <Release name={name} />}
          <SyncNow name={name} />
        </>
      }
    >
      <Loaded of={sources}>
        {(all) => {
          const source = all.find((one) => one.name === name)
          if (source === undefined)
            return <Problem error={new ApiError(404, { code: 'source_not_found', message: `no source ${name}` })} />
          return (
            <>
              <HeldCommit source={source} />
              <Facts source={source} />
              {source.findings.length === 0 ? (
                <Empty title="No findings">
                  <p className="quiet">Everything that this source declares validates.</p>
                </Empty>
              ) : (
                <section className="stack tight">
                  <h2>Findings</h2>
                  <Findings findings={source.findings} />
                </section>
              )}
              {source.kind === 'git' && <Webhook source={source} />}
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}
