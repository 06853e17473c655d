/** Findings as SARIF 2.1.0. https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
import type { Finding } from '../policy/schema.ts'

export interface SarifOptions {
  readonly findings: readonly Finding[]
  readonly version: string
  readonly shownPath: (file: string) => string
}

export function sarif({ findings, version, shownPath }: SarifOptions): object {
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'edict', version, rules: codes.map((id) => ({ id })) } },
        results: findings.map((finding) => result(finding, shownPath)),
      },
    ],
  }
}

function result({ code, severity, message, file, line, column }: Finding, shownPath: (file: string) => string): object {
  const region =
    line === undefined ? undefined : { startLine: line, ...(column !== undefined && { startColumn: column }) }
  const uri = file === undefined ? undefined : encodeURI(shownPath(file))
  return {
    ruleId: code,
    level: severity,
    message: { text: message },
    ...(uri !== undefined && {
      locations: [{ physicalLocation: { artifactLocation: { uri }, ...(region !== undefined && { region }) } }],
    }),
  }
}
