/** How a forge tells Edict of a push: whether it can, when it last did, and the steps for each. */
import { useState, type ReactNode } from 'react'
import { serverUrl } from '../api/client.ts'
import type { Source } from '../api/types.ts'
import { Snippet } from '../parts/snippet.tsx'
import { type Tab, Tabs } from '../parts/tabs.tsx'
import { Time } from '../parts/time.tsx'

const variableOf = (name: string): string => `${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_WEBHOOK_SECRET`

const yamlOf = (name: string): string => `sources:
  - name: ${name}
    webhook: { secret: { env: ${variableOf(name)} } }`

interface Forge {
  readonly title: string
  readonly steps: readonly ReactNode[]
}

const theSecret = 'the one that Edict was given'

const forges: Readonly<Record<string, Forge>> = {
  github: {
    title: 'GitHub',
    steps: [
      <>In the repository: Settings → Webhooks → Add webhook.</>,
      <>
        Payload URL: the address above. Content type: <code>application/json</code>. Secret: {theSecret}.
      </>,
      <>Which events: just the push event. GitHub then delivers a ping: it must be answered 202.</>,
    ],
  },
  gitlab: {
    title: 'GitLab',
    steps: [
      <>In the project: Settings → Webhooks → Add new webhook.</>,
      <>
        URL: the address above. A signing token (<code>whsec_…</code>) where your GitLab offers it, and then that token
        is the one to give to Edict; else Secret token: {theSecret}.
      </>,
      <>Trigger: push events, of the branch that is followed. Test → Push events must be answered 202.</>,
    ],
  },
  gitea: {
    title: 'Gitea, Forgejo',
    steps: [
      <>In the repository: Settings → Webhooks → Add webhook → Gitea (or Forgejo).</>,
      <>
        Target URL: the address above. HTTP method: POST. Content type: <code>application/json</code>. Secret:{' '}
        {theSecret}.
      </>,
      <>Trigger on: push events; branch filter: the branch that is followed. “Test delivery” must be answered 202.</>,
    ],
  },
  bitbucket: {
    title: 'Bitbucket',
    steps: [
      <>In the repository: Repository settings → Webhooks → Add webhook.</>,
      <>URL: the address above. Secret: {theSecret}.</>,
      <>Triggers: repository push.</>,
    ],
  },
  other: {
    title: 'Anything else',
    steps: [
      <>
        POST to the address above any body, with the header <code>X-Hub-Signature-256: sha256=…</code>: the HMAC-SHA256
        of the body with the secret, in hex. A body that was sent before is refused.
      </>,
    ],
  },
}

const byHand = (url: string, name: string): string => `body="push $(date +%s%N)"
hmac=$(printf %s "$body" | openssl dgst -sha256 -hmac "$${variableOf(name)}" | sed 's/.* //')
curl -d "$body" -H "X-Hub-Signature-256: sha256=$hmac" ${url}`

const isLocal = (url: string): boolean => /^(?:localhost|127\.|\[?::1)/.test(new URL(url).hostname)

const Status = ({ source: { webhook } }: { readonly source: Source }) => {
  if (!webhook.configured)
    return (
      <p className="notice warn">
        Not set up: this source has no webhook secret, so every delivery is refused. Edict asks it for changes at its
        interval.
      </p>
    )
  return webhook.last === null ? (
    <p className="notice">Set up here; no delivery was taken in the last day.</p>
  ) : (
    <p className="notice good">
      Set up; the last delivery was taken <Time at={webhook.last} />.
    </p>
  )
}

export const Webhook = ({ source }: { readonly source: Source }) => {
  const [forge, setForge] = useState('github')
  const url = serverUrl(`/api/sources/${encodeURIComponent(source.name)}/webhook`)
  const tabs: readonly Tab[] = Object.entries(forges).map(([id, { title, steps }]) => ({
    id,
    title,
    show: () => (
      <>
        <ol className="steps stack tight">
          {steps.map((step, at) => (
            <li key={String(at)}>{step}</li>
          ))}
        </ol>
        {id === 'other' && <Snippet label="a delivery by hand" text={byHand(url, source.name)} />}
      </>
    ),
  }))
  return (
    <section className="stack" aria-labelledby="webhook">
      <h2 id="webhook">Be told of a push at once</h2>
      <Status source={source} />
      {!source.webhook.configured && (
        <div className="stack tight">
          <h3>1. A secret that the forge and Edict share</h3>
          <Snippet label="a new secret" text="openssl rand -hex 32" />
          <p>
            Give it to Edict in a variable, <code>EDICT_WEBHOOK_SECRET</code> where variables configure the one source,
            else one that <code>edict.yaml</code> names, and start Edict again:
          </p>
          <Snippet label="the configuration" text={yamlOf(source.name)} />
        </div>
      )}
      <div className="stack tight">
        <h3>{source.webhook.configured ? 'The address for the forge' : '2. The forge'}</h3>
        <Snippet label="the webhook's address" text={url} />
        {isLocal(url) && (
          <p className="hint">
            This is the address that your browser uses: put in the one at which the forge reaches this server.
          </p>
        )}
        <Tabs label="Forges" tabs={tabs} chosen={forge} onChoose={setForge} />
      </div>
    </section>
  )
}
