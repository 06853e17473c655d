/** A draft's answer as one types, and the explanation of it once one pauses; what is under way ends when the draft changes. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import type { DryRun } from '../api/types.ts'
import { useSettled } from '../parts/use-settled.ts'
import { dryRun } from './ask.ts'
import { sameDraft, type Draft } from './draft.ts'

const soonMs = 150
const calmMs = 600

const never = { retry: false, staleTime: Number.POSITIVE_INFINITY, gcTime: 30_000 } as const

export interface Runs {
  /** What `run` is an answer to. */
  readonly asked: Draft
  /** The one before stands until the next is there. */
  readonly run: UseQueryResult<DryRun>
  /** Of the draft as it stands. */
  readonly why: UseQueryResult<DryRun>
}

export const useRuns = (draft: Draft, enabled: boolean): Runs => {
  const asked = useSettled(draft, soonMs)
  const calm = useSettled(draft, calmMs)
  const run = useQuery({
    queryKey: ['dry-run', asked],
    queryFn: ({ signal }) => dryRun(asked, false, signal),
    enabled,
    placeholderData: (before) => before,
    ...never,
  })
  const isCalm = sameDraft(draft, calm) && sameDraft(asked, calm)
  const why = useQuery({
    queryKey: ['dry-run-why', isCalm ? calm : null],
    queryFn: ({ signal }) => dryRun(calm, true, signal),
    enabled: enabled && isCalm && !run.isPlaceholderData && run.data?.ok === true,
    ...never,
  })
  return { asked, run, why }
}
