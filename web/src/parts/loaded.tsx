/** The three states of what is asked for: on its way, failed, there. What is there stays while it is asked for again. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from './problem.tsx'

export const Loaded = <T,>({
  of,
  children,
}: {
  readonly of: Pick<UseQueryResult<T>, 'data' | 'error'>
  readonly children: (data: T) => ReactNode
}) => (
  <>
    {of.error !== null && <Problem error={of.error} />}
    {of.data !== undefined && children(of.data)}
    {of.data === undefined && of.error === null && <p className="quiet">Loading …</p>}
  </>
)
