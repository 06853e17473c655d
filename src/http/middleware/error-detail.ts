/** Errors of the management of modules say their message in `detail`, too, as its clients expect. */
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../environment.ts'

export const errorDetail = (prefixes: readonly string[]) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const isBelow = (prefix: string) => `${c.req.path}/`.startsWith(`${prefix}/policies/`)
    if (prefixes.some(isBelow)) c.set('errorDetail', true)
    await next()
  })
