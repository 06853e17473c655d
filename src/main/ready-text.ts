/** What `edict serve` prints when it is ready: where, what is in force, and what keeps sources from being followed. */
import { isFailure, type CycleReport } from '../../sync/cycle-report.ts'
import type { InForce } from './front.ts'

export const readyText = (
  base: string,
  { policies, repositories, quarantined, example }: InForce,
  report: CycleReport | null,
): string => {
  const troubles = (report?.sources ?? [])
    .filter(isFailure)
    .map(({ _id, reason, message }) => `  ${_id}: ${reason}: ${message}`)
  return [
    `edict ready on ${base}`,
    policies === 0
      ? '  no policies yet'
      : `  ${policies} policies from ${repositories.join(', ')} in force${quarantined > 0 ? `, ${quarantined} quarantined` : ''}`,
    ...troubles,
    ...(example === null ? [] : [`  curl -s -d '{}' ${base}/policy/${example}/evaluation`]),
    `  ${base}/console/`,
    `  ${base}/swagger-ui/`,
  ].join('\n')
}
