/** What a token is asked for: for whom, with which roles and groups, until when. The same over HTTP and on the command line. */
import { z } from 'zod'
import { isReserved } from './actor.ts'

const day = 86_400_000

/** `system:` and `webhook:` are Edict's own; so no name has a colon in it. */
export const actorName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._@+/-]{0,127}$/, 'is not a name: letters, digits and . _ @ + / -, 128 at most')
  .refine((name) => !isReserved(name), 'is a name that Edict uses itself')

const label = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._/-]{0,63}$/, 'is not a name: letters, digits and . _ / -')

export const tokenRequest = z.strictObject({
  actor: actorName.describe('Who acts with it.'),
  roles: z.array(label).max(50).default([]),
  groups: z.array(label).max(200).default([]),
  expires: z
    .string()
    .default('90d')
    .describe('When it ends: a span such as `90d` or `12h`, an instant in ISO 8601, or `never`.'),
})

const spans = { m: 60_000, h: 3_600_000, d: day } as const

/** null: never; undefined: cannot be read, or is past. */
export const expiryOf = (written: string, now: number): Date | null | undefined => {
  if (written === 'never') return null
  const span = /^(\d{1,5})([mhd])$/.exec(written)
  const unit = span?.[2] as keyof typeof spans | undefined
  const at = unit === undefined ? Date.parse(written) : now + Number(span?.[1]) * spans[unit]
  return Number.isNaN(at) || at <= now ? undefined : new Date(at)
}
