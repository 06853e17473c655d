/**
 * What operators do, on the store itself or through a running server (`--server`): the same answers, in the API's JSON.
 * Through a server the token says who acts; `--as` and `cli.actor` are not heard then, and a note says so.
 */
import { z } from 'zod'
import type { ListOptions, Operations } from '../main/here.ts'
import { createOperationsHere } from '../main/here.ts'
import { createClient } from './client.ts'
import { type Context, runOptions } from './context.ts'
import { readCredential } from './credential.ts'
import { tellWhoActs } from './who-acts.ts'

const confirmed = z.object({
  confirmed: z.array(z.string()).default([]),
  silent: z.array(z.string()).default([]),
  pending: z.array(z.string()).default([]),
})
const item = z.record(z.string(), z.unknown())

const createOperationsThere = (url: string, token: string | undefined): Operations => {
  const { json } = createClient({ url, token })
  const page = ({ limit }: ListOptions): string => `limit=${limit}`
  const list = async (path: string, key: string) => z.array(item).parse(item.parse(await json('GET', path))[key])
  return {
    lock: async (key, { reason, until }) =>
      confirmed.parse(await json('POST', `/policy/${key}/lock`, { reason, until: until?.toISOString() ?? null })),
    unlock: async (key) => confirmed.parse(await json('DELETE', `/policy/${key}/lock`)),
    sources: () => list('/api/sources', 'sources'),
    plans: ({ status, ...options }) =>
      list(`/api/plans?${page(options)}${status === undefined ? '' : `&status=${status}`}`, 'plans'),
    plan: async (id) => item.parse(await json('GET', `/api/plans/${encodeURIComponent(id)}`)),
    reject: async (id, reason) => void (await json('POST', `/api/plans/${encodeURIComponent(id)}/reject`, { reason })),
    revisions: (options) => list(`/api/revisions?${page(options)}`, 'revisions'),
  }
}

export const operationsOf = (context: Context): Operations => {
  const server = context.server()
  if (server === undefined) return createOperationsHere(runOptions(context))
  tellWhoActs(context)
  return createOperationsThere(server, readCredential(context.env))
}
