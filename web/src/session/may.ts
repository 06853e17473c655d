/**
 * What the server would let this user do, so that a button which it would refuse says so beforehand. The server decides;
 * this is only what can be told from `/api/whoami`.
 */
import { useQuery } from '@tanstack/react-query'
import { whoQuery } from '../api/queries.ts'
import type { WhoAmI } from '../api/types.ts'

/** undefined: allowed, or not known yet. */
export const refusal = (who: WhoAmI | null | undefined, action: string): string | undefined => {
  if (who === undefined) return undefined
  if (who === null) return 'Sign in first'
  if (who.mode === 'open' || who.roles.includes('superuser')) return undefined
  const roles = who.roles.length === 0 ? 'no role' : `the role ${who.roles.join(', ')}`
  return `${who.id} has ${roles}; ${action} needs superuser`
}

export const useRefusal = (action: string | undefined): string | undefined => {
  const { data } = useQuery(whoQuery)
  return action === undefined ? undefined : refusal(data, action)
}
