/** Who is at the other end of a request, and what a change tells them of its place in the audit log. */
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

/** `<sequence>:<hash>` of the entry that a change wrote; `GET /api/audit/verify?since=` takes it. */
export const auditHeader = 'x-edict-audit'

/** The address that the connection comes from; null without a socket. */
export const clientAddress = (c: Context<AppEnv>): string | null => c.env?.incoming?.socket.remoteAddress ?? null
