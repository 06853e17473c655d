/** A plan for people: what it changes, how the texts differ, what was found. */
import type { DocumentDiff, FileDiff } from './policy/diff.ts'
import type { PlannedChange, PlanSummary } from './policy/plan-document.ts'
import { findingLine } from './finding-text.ts'

type OwnerOf = (key: string) => string | undefined

const marked = ({ create, replace, remove }: PlannedChange, kind: string, ownerOf?: OwnerOf): string[] => [
  ...create.map((key) => `  + ${kind} ${key}${owned(ownerOf?.(key))}`),
  ...replace.map((key) => `  ~ ${kind} ${key}${owned(ownerOf?.(key))}`),
  ...remove.map((key) => `  - ${kind} ${key}`),
]

const owned = (source: string | undefined): string => (source === undefined ? '' : ` (${source})`)

const diffLines = (diff: FileDiff): string[] => {
  if (diff.kind === 'text') return diff.diff.trimEnd().split('\n')
  const sizes = diff.kind === 'omitted' ? [diff.before, diff.after].map((size) => `${size?.bytes ?? 0} bytes`) : []
  if (diff.kind === 'omitted') return [`${diff.file}: ${sizes.join(' → ')}, not shown`]
  const operations = diff.operations.map(
    ({ op, path, value }) => `  ${op} ${path}${value === undefined ? '' : ` ${value}`}`,
  )
  return [diff.file, ...operations]
}

const counts = ({ create, replace, remove, keep }: PlannedChange): string =>
  `${create.length} to create, ${replace.length} to replace, ${remove.length} to remove, ${keep} to keep`

const testLines = ({ tests, cost }: Pick<PlanSummary, 'tests' | 'cost'>): string[] => [
  ...(tests === null ? [] : [`  tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`]),
  ...(cost ?? []).map(({ policy, test, before, after }) => `  cost: ${policy} ${test}: ${before} → ${after} units`),
]

export const planText = (plan: PlanSummary, diffs: readonly DocumentDiff[]): string => {
  const { digest, baseRevision, sources, changes, findings } = plan
  const owners = new Map(plan.owners.map(({ key, source }) => [key, source]))
  return [
    `plan ${digest.slice(0, 12)} on revision ${baseRevision}: ${counts(changes.policies)}`,
    ...sources.map(({ name, revision, digest: fragment }) => `  ${fragment === '' ? ' ' : '*'} ${name} at ${revision}`),
    ...marked(changes.policies, 'policy', (key) => owners.get(`policy:${key}`)),
    ...marked(changes.modules, 'module'),
    ...testLines(plan),
    ...diffs.flatMap(({ files }) => files.flatMap((file) => ['', ...diffLines(file)])),
    ...(findings.length === 0 ? [] : ['', ...findings.map(findingLine)]),
  ].join('\n')
}
