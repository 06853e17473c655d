/** Findings as workflow commands, which GitHub shows beside the lines of a change. */
import type { Finding } from '../policy/schema.ts'

export function githubCommand(finding: Finding, shownPath: (file: string) => string): string {
  const { severity, code, message, file, line, column } = finding
  const properties = [
    ...(file === undefined ? [] : [`file=${property(shownPath(file))}`]),
    ...(line === undefined ? [] : [`line=${line}`]),
    ...(column === undefined ? [] : [`col=${column}`]),
    `title=${property(code)}`,
  ]
  return `::${severity} ${properties.join(',')}::${data(message)}`
}

const data = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
const property = (text: string): string => data(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
