/** When to ask whether a session still holds: at the end that a signed token claims, else now and then. */
import { claimsOf } from './claims.ts'

const everyMs = 30_000

export const lookAgainMs = (token: string | null, now: number): number => {
  const { exp } = token === null ? {} : claimsOf(token)
  const left = typeof exp === 'number' ? exp * 1000 - now : 0
  return left > 0 ? Math.min(everyMs, left + 500) : everyMs
}
