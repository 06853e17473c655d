/** Two versions of a policy, line by line. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo } from 'react'
import { policyQuery } from '../api/queries.ts'
import type { Policy } from '../api/types.ts'
import { Diffs } from '../parts/diff.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { lineDiff } from '../parts/line-diff.ts'

const textsOf = ({ rego, data, files }: Policy): ReadonlyMap<string, string> =>
  new Map([
    ['policy.rego', rego],
    ...(data === null ? [] : [['data.json', data] as const]),
    ...files.map(({ path, text }) => [path, text] as const),
  ])

const Between = ({ before, after }: { readonly before: Policy; readonly after: Policy }) => {
  const diffs = useMemo(() => {
    const [old, now] = [textsOf(before), textsOf(after)]
    const files = [...new Set([...now.keys(), ...old.keys()])].map((file) => {
      return { file, diff: lineDiff(old.get(file) ?? '', now.get(file) ?? '') }
    })
    const changed = files.filter(({ diff }) => diff !== '')
    return changed.map(({ file, diff }) => ({
      key: file,
      change: 'replace' as const,
      files: [{ kind: 'text' as const, file, diff }],
    }))
  }, [before, after])
  return diffs.length === 0 ? <p>Both say the same.</p> : <Diffs diffs={diffs} />
}

export const VersionDiff = ({ policy }: { readonly policy: Policy }) => {
  const { against } = useSearch({ from: '/policies/$group/$name/$version' })
  const navigate = useNavigate({ from: '/policies/$group/$name/$version' })
  const others = policy.versions.filter((version) => version !== policy.version)
  const chosen = others.find((version) => version === against) ?? others[0]
  const other = useQuery({
    ...policyQuery({ group: policy.group, name: policy.name, version: chosen ?? '' }),
    enabled: chosen !== undefined,
  })
  if (chosen === undefined) return <p className="quiet">There is no other version to compare it with.</p>
  return (
    <div className="stack">
      <label className="row">
        Changes from
        <select
          value={chosen}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, against: event.target.value }), replace: true })
          }
        >
          {others.map((version) => (
            <option key={version}>{version}</option>
          ))}
        </select>
        to {policy.version}
      </label>
      <Loaded of={other}>{(before) => <Between before={before} after={policy} />}</Loaded>
    </div>
  )
}
