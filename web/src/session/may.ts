/**
 * What the server would let this user do, so that a button which it would refuse says so beforehand. The server's gate
 * decides; this is what `/api/whoami` told of it.
 */
import { useQuery } from '@tanstack/react-query'
import { mayQuery, whoQuery } from '../api/queries.ts'

/** Where “lock anything” is not how one would say it. */
const phrases: Readonly<Record<string, string>> = {
  token: 'make or revoke tokens',
  source: 'sync or release sources',
  admin: 'look at the audit log',
}

/** undefined: allowed, or not known yet. `policy`: on this one. */
export const useRefusal = (action: string | undefined, policy: string | undefined): string | undefined => {
  const { data: who } = useQuery(whoQuery)
  const { data: there } = useQuery({ ...mayQuery(policy ?? ''), enabled: policy !== undefined })
  if (action === undefined || who === undefined) return undefined
  if (who === null) return 'Sign in first'
  if (!who.may.includes(action)) {
    const roles = who.roles.length === 0 ? 'no role' : who.roles.join(', ')
    return `No rule lets ${who.id} (${roles}) ${phrases[action] ?? `${action} anything`}`
  }
  return there === undefined || there.includes(action) ? undefined : `No rule lets ${who.id} ${action} this policy`
}
