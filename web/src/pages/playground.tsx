/** A policy tried out on the real engine as one types it; nothing of it is stored. */
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, send } from '../api/client.ts'
import { policyQuery } from '../api/queries.ts'
import { prettyJson } from '../api/raw-json.ts'
import type { DryRun } from '../api/types.ts'
import { Code } from '../editor/code.tsx'
import { Button } from '../parts/button.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { useSay } from '../parts/toast.tsx'
import { useSettled } from '../parts/use-settled.ts'

interface Ran extends DryRun {
  /** The result as it was answered; null: undefined. */
  readonly text: string | null
}

interface Draft {
  readonly rego: string
  readonly data: string
  readonly input: string
  readonly headers: string
}

const example: Draft = {
  rego: `package example.playground

default allow := false

allow if {
	some role in data.roles[input.user]
	role == "admin"
}

asked_by := get_header("X-User")
`,
  data: '{ "roles": { "alice": ["admin"] } }\n',
  input: '{ "user": "alice" }\n',
  headers: 'X-User: alice\n',
}

const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]]
    }),
  )

/** The texts go as they are: JSON is read by the server, which says where it is wrong and keeps every digit. */
const dryRun = async ({ rego, data, input, headers }: Draft, signal: AbortSignal): Promise<Ran> => {
  const response = await send('/api/dry-run', {
    method: 'POST',
    json: { rego, data, input, headers: headersOf(headers) },
    signal,
  })
  const text = await response.text()
  // It stands last, so that its digits can be taken as they are.
  const at = text.indexOf(',"result":')
  return { ...(JSON.parse(text) as DryRun), text: at < 0 ? null : text.slice(at + 10, -1) }
}

/** A case of `policy.tests.yaml`; JSON is YAML. */
const asCase = ({ input }: Draft, result: string): string => {
  const parts = [`- name: ${JSON.stringify('copied from the playground')}`, `  input: ${input.trim() || 'null'}`]
  return [...parts, `  expect: ${result}`, ''].join('\n')
}

const Outcome = ({ run, draft }: { readonly run: Ran; readonly draft: Draft }) => {
  const say = useSay()
  if (!run.ok && run.error !== null)
    return (
      <p className="notice bad">
        <code>{run.error.code}</code> {run.error.message}
      </p>
    )
  if (!run.ok) return <p className="notice bad">It does not compile; the findings stand beside the text.</p>
  return (
    <div className="stack tight">
      <Code language="json" value={run.text === null ? 'undefined' : prettyJson(run.text)} label="Result, read only" />
      <div className="row apart">
        <span className="quiet">
          {run.took !== null &&
            `compiled in ${run.took.compileMs} ms, evaluated in ${run.took.evaluateMs} ms${run.took.cost === null ? '' : `, ${run.took.cost} units`}`}
        </span>
        <Button
          onClick={() =>
            void navigator.clipboard.writeText(asCase(draft, run.text ?? 'null')).then(
              () => say('Copied: paste it under “cases:” in policy.tests.yaml.'),
              () => say('The browser does not allow copying here.', 'bad'),
            )
          }
        >
          Copy as test case
        </Button>
      </div>
    </div>
  )
}

const Bench = ({ start }: { readonly start: Draft }) => {
  const [draft, setDraft] = useState(start)
  const settled = useSettled(draft, 300)
  const run = useQuery({
    queryKey: ['dry-run', settled],
    queryFn: ({ signal }) => dryRun(settled, signal),
    placeholderData: (before) => before,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const findings = run.data?.findings ?? []
  const in_ = (file: string) => findings.filter((finding) => finding.file === file)
  const set = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  return (
    <div className="playground">
      <section className="stack tight" aria-labelledby="play-rego">
        <h2 id="play-rego">Rego</h2>
        <Code
          language="rego"
          value={draft.rego}
          onChange={(rego) => set({ rego })}
          label="Rego"
          findings={in_('policy.rego')}
        />
        <div role="status">{findings.length > 0 && <Findings findings={findings} />}</div>
      </section>
      <div className="stack">
        <section className="stack tight">
          <h2>Input</h2>
          <Code
            language="json"
            value={draft.input}
            onChange={(input) => set({ input })}
            label="Input"
            findings={in_('input.json')}
          />
        </section>
        <section className="stack tight">
          <h2>Data</h2>
          <Code
            language="json"
            value={draft.data}
            onChange={(data) => set({ data })}
            label="Data"
            findings={in_('data.json')}
          />
        </section>
        <label className="field">
          <span>Headers, one a line</span>
          <textarea
            rows={3}
            spellCheck={false}
            value={draft.headers}
            onChange={(event) => set({ headers: event.target.value })}
          />
        </label>
        <section className="stack tight" aria-label="Result">
          <h2>Result</h2>
          {run.error === null ? (
            run.data === undefined ? (
              <p className="quiet">Evaluating …</p>
            ) : (
              <Outcome run={run.data} draft={settled} />
            )
          ) : (
            <Problem
              error={
                run.error instanceof ApiError && run.error.status === 404
                  ? new Error('This server offers no dry run.')
                  : run.error
              }
            />
          )}
        </section>
      </div>
    </div>
  )
}

const FromPolicy = ({ name }: { readonly name: string }) => {
  const [group = '', policy = '', version = ''] = name.split('/')
  const found = useQuery({ ...policyQuery({ group, name: policy, version }), staleTime: Number.POSITIVE_INFINITY })
  return (
    <Loaded of={found}>
      {({ rego, data }) => <Bench start={{ rego, data: data ?? '{}\n', input: '{}\n', headers: '' }} />}
    </Loaded>
  )
}

export const Playground = () => {
  const { policy } = useSearch({ from: '/playground' })
  return (
    <Page
      title="Playground"
      about={
        policy === undefined
          ? 'Evaluated on the server’s own engine as you type; nothing is stored.'
          : `A copy of ${policy}; nothing is stored.`
      }
      actions={
        <Link to="/new-module" className="button">
          Upload a module
        </Link>
      }
    >
      {policy === undefined ? <Bench start={example} /> : <FromPolicy key={policy} name={policy} />}
    </Page>
  )
}
