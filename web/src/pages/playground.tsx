/** A policy tried out on the real engine as one types it; nothing of it is stored but in this tab. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { policyQuery } from '../api/queries.ts'
import { Code } from '../editor/code.tsx'
import { Button } from '../parts/button.tsx'
import { Findings } from '../parts/findings.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { example, keepDraft, keepModuleDraft, readDraft, sameDraft, type Draft } from '../playground/draft.ts'
import { Reached } from '../playground/reached.tsx'
import { Result } from '../playground/result.tsx'
import { useRuns } from '../playground/use-runs.ts'
import { Why } from '../playground/why.tsx'
import { useRefusal } from '../session/may.ts'

interface BenchProps {
  readonly policy?: string
  readonly start: Draft
  /** The data beside the stored policy; null: there is none. */
  readonly stored: string | null
  /** Rego files of the policy that are no part of the draft. */
  readonly left?: readonly string[]
}

const Bench = ({ policy, start, stored, left = [] }: BenchProps) => {
  const [draft, setDraft] = useState(() => readDraft(policy) ?? start)
  const [goTo, setGoTo] = useState<{ readonly line: number } | null>(null)
  const navigate = useNavigate()
  const refusal = useRefusal('change', undefined)
  const { asked, run, why } = useRuns(draft, refusal === undefined)
  const isChanged = !sameDraft(draft, start)
  useEffect(() => keepDraft(policy, isChanged ? draft : null), [policy, draft, isChanged])
  const findings = run.data?.findings ?? []
  const in_ = (file: string) => findings.filter((finding) => finding.file === file)
  const set = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  const go = (line: number): void => setGoTo({ line })
  const lines = run.data?.ok === false ? null : (why.data?.coverage ?? null)
  return (
    <Page
      title="Playground"
      about={
        policy === undefined
          ? 'Evaluated on the server’s own engine as you type; nothing is stored.'
          : `A copy of ${policy}${left.length === 0 ? '' : `, without ${left.join(', ')}`}; nothing is stored.`
      }
      actions={
        <>
          <Button because={isChanged ? undefined : 'Nothing was changed'} onClick={() => setDraft(start)}>
            Reset
          </Button>
          <Button
            action="change"
            onClick={() => {
              keepModuleDraft(draft.rego)
              void navigate({ to: '/new-module', search: { from: 'playground' } })
            }}
          >
            Make it a module …
          </Button>
        </>
      }
    >
      <div className="playground">
        <section className="stack tight play-rego" aria-labelledby="play-rego">
          <h2 id="play-rego">Rego</h2>
          <Code
            language="rego"
            value={draft.rego}
            onChange={(rego) => set({ rego })}
            label="Rego"
            findings={in_('policy.rego')}
            reached={lines}
            goTo={goTo}
          />
          {lines !== null && <Reached lines={lines} goTo={go} />}
          <div role="status">{findings.length > 0 && <Findings findings={findings} />}</div>
        </section>
        <div className="stack play-side">
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
          <Result
            run={run}
            refusal={refusal}
            draft={asked}
            data={stored}
            unavailable={why.data?.explanation?.unavailable ?? []}
          />
        </div>
        <Why run={run} why={why} goTo={go} />
      </div>
    </Page>
  )
}

const isModule = (path: string): boolean => path.endsWith('.rego') && !path.endsWith('_test.rego')

const FromPolicy = ({ name }: { readonly name: string }) => {
  const [group = '', policy = '', version = ''] = name.split('/')
  const found = useQuery({ ...policyQuery({ group, name: policy, version }), staleTime: Number.POSITIVE_INFINITY })
  return (
    <Loaded of={found}>
      {({ rego, data, files }) => (
        <Bench
          policy={name}
          left={files.map(({ path }) => path).filter(isModule)}
          stored={data}
          start={{ rego, data: data ?? '{}\n', input: '{}\n', headers: '' }}
        />
      )}
    </Loaded>
  )
}

export const Playground = () => {
  const { policy } = useSearch({ from: '/playground' })
  return policy === undefined ? <Bench start={example} stored={null} /> : <FromPolicy key={policy} name={policy} />
}
