/**
 * The guard of open mode for all routes but the probes of an orchestrator: see host-guard.ts. Evaluation is exempt from
 * the cross-site check, not from the Host check.
 */
import { createMiddleware } from 'hono/factory'
import { EdictError } from '../../errors.ts'
import type { AppEnv } from '../environment.ts'
import { type HostGuard, isCrossSite } from '../host-guard.ts'
import { isEvaluation } from '../open-doors.ts'

const probes = new Set(['/liveness', '/readiness'])
const reading = new Set(['GET', 'HEAD'])

export const openModeGuard = (guard: HostGuard) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const { path } = c.req
    const host = c.req.header('host') ?? new URL(c.req.url).host
    if (!probes.has(path) && !guard.allows(host)) {
      throw new EdictError('forbidden', 'this server answers on loopback names only')
    }
    if (!reading.has(c.req.method) && !isEvaluation(path) && isCrossSite(c.req.raw.headers)) {
      throw new EdictError('forbidden', 'a page of another site may not change anything here')
    }
    await next()
  })
