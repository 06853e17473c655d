/** A finding as one line: where, what, whose. */
import type { Finding } from './policy/schema.ts'

export const findingLine = ({
  severity,
  code,
  message,
  source,
  file,
  line,
  column,
  commit,
  author,
}: Finding): string => {
  const position = [file, line, column].filter((part) => part !== undefined).join(':')
  const whose = commit === undefined ? '' : ` (${commit.slice(0, 12)}${author === undefined ? '' : ` by ${author}`})`
  return `${severity} ${source}${position === '' ? '' : `/${position}`}: ${code}: ${message}${whose}`
}
