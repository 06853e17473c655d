/** What the opa CLI says of Rego, as plain data; `src/opa` makes these, the checks here read them. */
import type { Finding, ModuleAnalysis, RegoVersion } from './schema.ts'

/** An error of opa. `ours` marks a failure of the tool (time, memory, crash) and not of the Rego. */
export interface RegoError {
  readonly code: string
  readonly message: string
  readonly fault: 'author' | 'ours'
  readonly file?: string
  readonly row?: number
  readonly col?: number
}

export type ParsedModule =
  | { readonly ok: true; readonly analysis: ModuleAnalysis }
  | { readonly ok: false; readonly errors: readonly RegoError[] }

/** A Rego file as opa is given it. */
export interface RegoFile {
  readonly path: string
  readonly text: string
  readonly regoVersion: RegoVersion
}

/** Where a finding comes from. */
export interface Origin {
  readonly source: string
  readonly commit: string
  readonly author: string | null
}

export interface FindingPlace {
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly severity?: Finding['severity']
}

export function findingOf(origin: Origin, code: string, message: string, place: FindingPlace = {}): Finding {
  return {
    code,
    severity: place.severity ?? 'error',
    message,
    source: origin.source,
    commit: origin.commit,
    ...(origin.author === null ? {} : { author: origin.author }),
    ...(place.file === undefined ? {} : { file: place.file }),
    ...(place.line === undefined ? {} : { line: place.line }),
    ...(place.column === undefined ? {} : { column: place.column }),
  }
}

/** opa says column 0 where a text ends too early. */
export function findingOfError(origin: Origin, error: RegoError, file?: string): Finding {
  const { code, message, row: line, col } = error
  const column = col === undefined ? undefined : Math.max(1, col)
  return findingOf(origin, code, message, { file: error.file ?? file, line, column })
}

export function isError(finding: Finding): boolean {
  return finding.severity === 'error'
}

/** By file, line, column, code; without a file first. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      compareText(a.file ?? '', b.file ?? '') ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compareText(a.code, b.code) ||
      compareText(a.source, b.source),
  )
}

/** By code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
