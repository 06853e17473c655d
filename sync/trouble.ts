/** What is wrong in a build from the view of who changes something through the API: broken, or in the way of others. */
import { isError } from '../src/policy/analysis.ts'
import type { Finding } from '../src/policy/schema.ts'
import type { BuildOptions, Built } from './build/build.ts'

export interface Trouble {
  readonly kind: 'conflict' | 'invalid'
  /** The same trouble in another build has the same key. */
  readonly key: string
  readonly findings: readonly Finding[]
  /** Its findings' files are those of who is to blame. */
  readonly direct: boolean
}

/** Conflicts; errors in the API's own files; and policies and modules that were good and are not any more. */
export function troublesOf(built: Built, options: BuildOptions): readonly Trouble[] {
  const apis = new Set(options.fragments.flatMap(({ kind, source }) => (kind === 'api' ? [source] : [])))
  const own = [...apis].flatMap((source) => (built.findings.get(source) ?? []).filter(isError))
  if (built.conflict) {
    const all = [...built.findings.values()].flat().filter(({ code }) => code === 'Conflict')
    const direct = own.filter(({ code }) => code === 'Conflict').map((finding) => trouble('conflict', [finding], true))
    return direct.length > 0 ? direct : [trouble('conflict', all, false)]
  }
  return [
    ...own.map((finding) => trouble('invalid', [finding], finding.code !== 'breaks_module')),
    ...newlyBroken(built, options),
  ]
}

function newlyBroken({ documents }: Built, { stored }: BuildOptions): readonly Trouble[] {
  const good = new Set(
    [...stored.policies, ...stored.modules].flatMap(({ _id, status }) => (status.phase === 'Ready' ? [_id] : [])),
  )
  const policies = documents.statuses.map(({ key, status }) => ({ _id: key as string, status }))
  return [...policies, ...documents.replace, ...documents.modules.put].flatMap(({ _id, status }) =>
    status.phase === 'Quarantined' && good.has(_id) ? [trouble('invalid', status.findings.filter(isError), false)] : [],
  )
}

function trouble(kind: Trouble['kind'], findings: readonly Finding[], direct: boolean): Trouble {
  const key = findings.map(({ code, source, file, line, message }) =>
    JSON.stringify([code, source, file, line, message]),
  )
  return { kind, key: key.join('\n'), findings, direct }
}

export function explain(troubles: readonly Trouble[]): {
  readonly ok: false
  readonly code: Trouble['kind']
  readonly message: string
  readonly findings: Finding[]
} {
  const code = troubles.some(({ kind }) => kind === 'conflict') ? 'conflict' : 'invalid'
  const findings = troubles.filter(({ kind }) => kind === code).flatMap((one) => one.findings)
  const [first] = findings
  const place =
    first?.file === undefined
      ? ''
      : `${[first.file, first.line, first.column].filter((part) => part !== undefined).join(':')}: `
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
  const message =
    first === undefined ? 'it does not hold' : code === 'conflict' ? first.message : `${place}${first.message}${more}`
  return { ok: false, code, message, findings: findings.slice(0, 100) }
}
