/** The bytes of a request to the application, bounded. Read from the Node request where there is one: GET may carry a body. */
import type { Context } from 'hono'
import { EdictError } from '../errors.ts'
import type { AppEnv } from './environment.ts'
import { readBody } from './read-body.ts'

/** Throws `body_too_large`. */
export const readBytes = async (c: Context<AppEnv>, limit = c.get('maxBody')): Promise<Uint8Array> => {
  const incoming = c.env?.incoming
  const body =
    incoming === undefined
      ? new Uint8Array(await c.req.arrayBuffer())
      : await new Promise<Buffer | undefined>((resolve) => readBody(incoming, limit, resolve))
  if (body !== undefined && body.length <= limit) return body
  throw new EdictError('body_too_large', `the body is larger than ${limit} bytes`)
}
