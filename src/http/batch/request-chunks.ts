/** The body of a request to the application as it comes, read from the Node request where there is one; no faster than it is asked for. */
import type { Context } from 'hono'
import type { AppEnv } from '../environment.ts'
import { allowSlow } from '../slow-requests.ts'

/** Ends early when the client goes away. */
export async function* chunksOf(c: Context<AppEnv>): AsyncGenerator<Uint8Array, void, undefined> {
  const incoming = c.env?.incoming
  const body: AsyncIterable<Uint8Array> | null = incoming ?? c.req.raw.body
  if (incoming !== undefined) allowSlow(incoming)
  if (body === null) return
  try {
    yield* body
  } catch (error) {
    if (!c.req.raw.signal.aborted && incoming?.complete !== false) throw error
  }
}
