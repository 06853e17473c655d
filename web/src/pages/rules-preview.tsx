/** What a change of rules would do, before it is saved: the plan, and the Rego beside what is in force. */
import { useQuery } from '@tanstack/react-query'
import { call } from '../api/client.ts'
import type { Preview } from '../api/types.ts'
import { Diffs } from '../parts/diff.tsx'
import { Findings } from '../parts/findings.tsx'
import { lineDiff } from '../parts/line-diff.ts'
import { Loaded } from '../parts/loaded.tsx'

export type Asked = { readonly rules: readonly unknown[] } | { readonly csv: string }

/** Of a dry run; nothing is stored. */
export const usePreview = (asked: Asked) =>
  useQuery({
    queryKey: ['preview', asked],
    queryFn: ({ signal }) =>
      'csv' in asked
        ? call<Preview>('/api/rules/import?dry_run=true', { method: 'POST', text: asked.csv, type: 'text/csv', signal })
        : call<Preview>('/api/rules/bulk?dry_run=true', { method: 'POST', json: asked, signal }),
    retry: false,
  })

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

const planText = ({ plan, message }: Preview): string => {
  if (plan === null) return message
  const { created, updated, removed } = plan.rules
  const said = [
    ...(created > 0 ? [`${counted(created, 'rule is', 'rules are')} added`] : []),
    ...(updated > 0 ? [`${counted(updated, 'rule is', 'rules are')} switched`] : []),
    ...(removed > 0 ? [`${counted(removed, 'rule is', 'rules are')} deleted`] : []),
  ]
  const policies = plan.policies.replace.length
  const after = policies === 0 ? '' : `; ${counted(policies, 'policy gets', 'policies get')} new data`
  return said.length === 0 ? 'nothing changes: it is all in force already' : `${said.join(', ')}${after}`
}

export const RulesPreview = ({ of }: { readonly of: ReturnType<typeof usePreview> }) => (
  <Loaded of={of}>
    {(preview) => {
      const changes = (preview.rego ?? [])
        .map(({ module, before, after }) => ({ module, before, diff: lineDiff(before ?? '', after) }))
        .filter(({ diff }) => diff !== '')
      return (
        <>
          <p role="status">Plan: {preview.ok ? planText(preview) : preview.message}</p>
          {preview.findings.length > 0 && <Findings findings={preview.findings} />}
          {changes.length > 0 && (
            <section className="stack tight" aria-label="Rego">
              <h3>As Rego, beside what is in force</h3>
              <Diffs
                diffs={changes.map(({ module, before, diff }) => ({
                  key: module,
                  change: before === null ? ('create' as const) : ('replace' as const),
                  files: [{ kind: 'text' as const, file: module, diff }],
                }))}
              />
            </section>
          )}
        </>
      )
    }}
  </Loaded>
)
