/** A finding as people read it in a terminal: where, what, and the line with a caret below the place. */
import type { Finding } from '../policy/schema.ts'

/** The text of a file by the path that a finding names. */
export type TextOf = (file: string) => string | undefined

const tabs = 4

export function caretText(finding: Finding, shownPath: (file: string) => string, textOf: TextOf): string {
  const { severity, code, message, file, line, column } = finding
  const path = file === undefined ? finding.source : shownPath(file)
  const head = `${[path, line, column].filter((part) => part !== undefined).join(':')}: ${severity} ${code}: ${message}`
  const text = file === undefined || line === undefined ? undefined : lineOf(textOf(file), line)
  if (text === undefined) return head
  const margin = `${line} | `
  const before = text.slice(0, (column ?? 1) - 1)
  const blank = before.replace(/\t/g, ' '.repeat(tabs)).replace(/\P{Cc}/gu, ' ')
  const shown = text.replace(/\t/g, ' '.repeat(tabs))
  return [head, `  ${margin}${shown}`, `  ${' '.repeat(margin.length - 2)}| ${blank}^`].join('\n')
}

const mostShown = 160

function lineOf(text: string | undefined, line: number): string | undefined {
  const found = text?.split('\n', line)[line - 1]?.trimEnd()
  return found === undefined || found.length > mostShown ? undefined : found
}
