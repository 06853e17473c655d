/**
 * Groups of policies that are evaluated with a credential only (`auth.evaluate`), at every door. What has no group, as all
 * of `data`, may hold all of them. In open mode there is no credential to ask for.
 */
import type { Context } from 'hono'
import { everything, groupResource } from '../auth/actions.ts'
import type { Enforce } from '../auth/enforce.ts'
import type { AuthMode } from '../auth/mode.ts'
import type { AppEnv } from './environment.ts'

export interface MayEvaluate {
  /** Rejects with `unauthenticated`, `forbidden`. */
  readonly check: (c: Context<AppEnv>, group: string | undefined) => Promise<void>
  /** Whether `check` has to be asked at all. */
  readonly concerns: (group: string) => boolean
}

export const createMayEvaluate = ({
  groups,
  mode,
  enforce,
}: {
  readonly groups: readonly string[]
  readonly mode: () => AuthMode
  readonly enforce: Enforce
}): MayEvaluate => {
  const closed = new Set(groups)
  return {
    concerns: (group) => closed.has(group),
    check: async (c, group) => {
      if (closed.size === 0 || (group !== undefined && !closed.has(group)) || mode() === 'open') return
      await enforce(
        await c.get('identify')(),
        'evaluate',
        group === undefined ? everything('policy') : groupResource(group),
      )
    },
  }
}
