/**
 * `/console/`: the built console from memory. Hashed files may be kept for ever; every other path answers the page, which
 * shows the view that the path names. Its policy allows scripts of this server alone, and styles with the answer's nonce.
 */
import { randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { EdictError } from '../../errors.ts'
import { type ConsoleFile, type ConsoleFiles, readConsole } from '../console-files.ts'
import type { App, AppEnv } from '../environment.ts'

const nonceMark = /%CSP_NONCE%/g
const baseMark = /<base href="[^"]*"/

export interface ConsoleRoutesOptions {
  readonly folder: string
  /** Origins beside this server that the page may ask: the issuer that signs users in. */
  readonly connect?: readonly string[]
}

export const consoleRoutes = (app: App, { folder, connect = [] }: ConsoleRoutesOptions): void => {
  let read: ConsoleFiles | undefined
  app.get('/console', (c) => c.redirect(`console/${new URL(c.req.url).search}`, 308))
  app.get('/console/*', (c) => {
    const path = c.req.path.slice('/console/'.length)
    const { index, files } = (read ??= readConsole(folder))
    const file = files.get(path)
    if (file !== undefined) return fileResponse(c, file, path.startsWith('assets/'))
    if (path.startsWith('assets/')) throw new EdictError('not_found', `no route GET ${c.req.path}`)
    if (index === undefined) throw new EdictError('not_found', 'the console was not built: run npm start')
    return pageResponse(c, { index, path, connect })
  })
}

const fileResponse = (c: Context<AppEnv>, { type, bytes, compressed }: ConsoleFile, hashed: boolean): Response => {
  const cache = hashed ? 'public, max-age=31536000, immutable' : 'public, max-age=3600'
  const headers = { 'content-type': type, 'cache-control': cache, vary: 'accept-encoding' }
  const accepted = c.req.header('accept-encoding') ?? ''
  for (const [coding, body] of compressed) {
    const asked = new RegExp(`\\b${coding}\\b(?!\\s*;\\s*q=0(?:\\.0*)?(?:\\s*,|\\s*$))`).test(accepted)
    if (asked) return c.body(body, 200, { ...headers, 'content-encoding': coding })
  }
  return c.body(bytes, 200, headers)
}

const pageResponse = (
  c: Context<AppEnv>,
  { index, path, connect }: { readonly index: string; readonly path: string; readonly connect: readonly string[] },
): Response => {
  const nonce = randomBytes(16).toString('base64')
  // Relative, so that a path prefix of a reverse proxy does no harm.
  const base = '../'.repeat(path.split('/').length - 1) || './'
  const page = index.replace(nonceMark, nonce).replace(baseMark, `<base href="${base}"`)
  return c.body(page, 200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy(nonce, connect),
  })
}

const policy = (nonce: string, connect: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    ["connect-src 'self'", ...connect].join(' '),
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
