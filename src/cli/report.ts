/** What a command that changes something says at its end, and its exit code. */
import type { CycleReport } from '../../sync/cycle-report.ts'
import { findingLine } from '../finding-text.ts'
import { asJson, findingsExit, planExit, type Context } from './context.ts'

/** What waits for approval or confirmation is a change that is pending. */
const waits = ({ sources }: CycleReport): boolean =>
  sources.some(({ reason }) => reason === 'AwaitingApproval' || reason === 'MassDeletion')

const codeOf = (report: CycleReport): number => {
  if (report.refused.size > 0) return planExit.failed
  const found = findingsExit(report.findings)
  if (found !== null) return found
  if (waits(report)) return planExit.pending
  return report.ok ? planExit.done : planExit.failed
}

export const tellReport = ({ print, tell }: Context, report: CycleReport, json: boolean | undefined): void => {
  for (const { message } of report.refused.values()) tell(`edict: ${message}`)
  const { refused, ...shown } = report
  print(
    json
      ? asJson({ ...shown, refused: Object.fromEntries(refused) })
      : [report.message, ...report.findings.map(findingLine)].join('\n'),
  )
  process.exitCode = codeOf(report)
}
