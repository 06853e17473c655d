/** The three states of what is asked for: on its way, failed, there. What is there stays while it is asked for again. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client.ts'
import { useLiveState } from '../live.ts'
import { Problem } from './problem.tsx'

export const Loaded = <T,>({
  of,
  children,
}: {
  readonly of: Pick<UseQueryResult<T>, 'data' | 'error'>
  readonly children: (data: T) => ReactNode
}) => {
  const live = useLiveState()
  // That the server cannot be reached, the frame says once.
  const isSaid = live === 'unreachable' && of.error instanceof ApiError && of.error.status === 0
  return (
    <>
      {of.error !== null && !isSaid && <Problem error={of.error} />}
      {of.data !== undefined && children(of.data)}
      {of.data === undefined && (of.error === null || isSaid) && <p className="quiet">Loading …</p>}
    </>
  )
}
