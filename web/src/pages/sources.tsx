/** Where policies come from and how the last cycle of each went. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../api/client.ts'
import { sourcesQuery } from '../api/queries.ts'
import type { Source } from '../api/types.ts'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Empty, Page } from '../parts/page.tsx'
import { shortRevision } from '../parts/short-revision.ts'
import { State } from '../parts/state.tsx'
import { OptionalTime } from '../parts/time.tsx'
import { useChange } from '../parts/use-change.ts'

export const SyncNow = ({ name }: { readonly name: string }) => {
  const sync = useChange({
    run: () => call<{ readonly message: string }>(`/api/sources/${encodeURIComponent(name)}/sync`, { method: 'POST' }),
    done: ({ message }) => `${name}: ${message}`,
  })
  return (
    <Button action="source" busy={sync.isPending} label={`Sync now: ${name}`} onClick={() => sync.mutate(undefined)}>
      {sync.isPending ? 'Syncing …' : 'Sync now'}
    </Button>
  )
}

const Row = ({ source }: { readonly source: Source }) => (
  <section className="box pad stack tight" aria-labelledby={`source-${source.name}`}>
    <div className="row apart top">
      <div className="row">
        <h2 id={`source-${source.name}`}>
          <Link to="/sources/$name" params={{ name: source.name }}>
            {source.name}
          </Link>
        </h2>
        <State word={source.phase} />
        {source.reason !== 'Succeeded' && <code>{source.reason}</code>}
      </div>
      <SyncNow name={source.name} />
    </div>
    <p title={source.message}>{shortRevision(source.message)}</p>
    <p className="quiet">
      {source.kind} · <code>{source.location}</code> · {source.counts.policies} policies, {source.counts.modules}{' '}
      modules, {source.counts.quarantined} quarantined · synced <OptionalTime at={source.lastSuccess} />
    </p>
  </section>
)

export const Sources = () => {
  const sources = useQuery(sourcesQuery)
  return (
    <Page title="Sources">
      <Loaded of={sources}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No source yet">
              <p>
                Name a repository with <code>POLICY_REPO</code>, a folder with <code>EDICT_DIRECTORY</code>, or several
                in <code>edict.yaml</code>.
              </p>
            </Empty>
          ) : (
            <div className="stack">
              {all.map((source) => (
                <Row key={source.name} source={source} />
              ))}
            </div>
          )
        }
      </Loaded>
    </Page>
  )
}
