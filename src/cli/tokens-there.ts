/** Tokens through a running server, and as both doors show them. */
import { z } from 'zod'
import { createClient } from './client.ts'
import type { WantedToken } from '../main/tokens.ts'

const texts = z.array(z.string())

export const shownTokenSchema = z.object({
  id: z.string(),
  actor: z.string(),
  roles: texts,
  groups: texts,
  created: z.string(),
  createdBy: z.string(),
  expires: z.string().nullable(),
  revoked: z.string().nullable(),
  lastUsed: z.string().nullable(),
  state: z.string(),
})
export type ShownToken = z.infer<typeof shownTokenSchema>

const knownBySchema = z.object({ confirmed: texts, silent: texts, pending: texts })
export type KnownBy = z.infer<typeof knownBySchema>

export interface TokenOperations {
  /** `knownBy`: where it is told. */
  readonly create: (
    wanted: WantedToken,
  ) => Promise<{ readonly secret: string; readonly token: ShownToken; readonly knownBy: KnownBy | null }>
  readonly list: () => Promise<readonly ShownToken[]>
  readonly revoke: (id: string) => Promise<{ readonly token: ShownToken; readonly knownBy: KnownBy }>
}

export const createTokensThere = (url: string, token: string | undefined): TokenOperations => {
  const { json } = createClient({ url, token })
  return {
    create: async ({ expires, ...wanted }) => {
      const answer = await json('POST', '/api/tokens', { ...wanted, ...(expires !== undefined && { expires }) })
      const { token: secret } = z.object({ token: z.string() }).parse(answer)
      return { secret, token: shownTokenSchema.parse(answer), knownBy: null }
    },
    list: async () => z.object({ tokens: z.array(shownTokenSchema) }).parse(await json('GET', '/api/tokens')).tokens,
    revoke: async (id) => {
      const answer = await json('DELETE', `/api/tokens/${encodeURIComponent(id)}`)
      return { token: shownTokenSchema.parse(answer), knownBy: knownBySchema.parse(answer) }
    },
  }
}
