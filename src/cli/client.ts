/** A running server, as the command line asks it. What it refuses comes back as its own words. */
import { z } from 'zod'
import { EdictError } from '../errors.ts'

export interface Client {
  readonly json: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<unknown>
  /** The body is sent, and the answer given, as it stands. */
  readonly text: (path: string, init?: { readonly method: 'POST'; readonly body: string }) => Promise<string>
}

const refusal = z.object({
  message: z.string(),
  errors: z.array(z.object({ message: z.string() })).optional(),
})

export interface ClientOptions {
  readonly url: string
  readonly token?: string | undefined
}

export const createClient = ({ url, token }: ClientOptions): Client => {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(new URL(path, url), { ...init, headers, redirect: 'error' }).catch(
      (cause: unknown) => {
        throw new EdictError('source_unavailable', `no server answers at ${url}; say where it is with --url`, { cause })
      },
    )
    const text = await response.text()
    if (response.ok) return text
    const said = refusal.safeParse(parsed(text))
    const more = (said.data?.errors ?? []).map(({ message }) => `\n  ${message}`).join('')
    throw new EdictError(
      'invalid_request',
      said.success ? `${said.data.message}${more}` : `${url} answered ${response.status}`,
    )
  }
  return {
    json: async (method, path, body) =>
      parsed(await ask(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })),
    text: ask,
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
