/**
 * `/openapi.json`, generated from the routes, and Swagger UI from local files: a closed list of names, nothing from
 * another host. Addresses are relative, so that a path prefix of a reverse proxy does no harm.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EdictError } from '../../errors.ts'
import type { App } from '../environment.ts'

const assetTypes: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-16x16.png': 'image/png',
  'favicon-32x32.png': 'image/png',
}

/** Swagger UI sets styles inline and draws its arrows from data: addresses. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (base: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Edict API</title>
    <link rel="icon" type="image/png" href="${base}favicon-32x32.png">
    <link rel="stylesheet" href="${base}swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="${base}swagger-ui-bundle.js"></script>
    <script src="${base}initializer.js"></script>
  </body>
</html>
`

const initializer = `const url = new URL('../openapi.json', document.currentScript.src).href
SwaggerUIBundle({ url, dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, docExpansion: 'list' })
`

export const documentationRoutes = (app: App, { version }: { version: string }): void => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', bearer)
  let document: string | undefined
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({ openapi: '3.1.0', info: info(version), servers: [{ url: '.' }], security: eitherWay }),
    )
    return c.body(document, 200, { 'content-type': 'application/json' })
  })

  const html = (base: string) => () =>
    new Response(page(base), {
      headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': contentSecurityPolicy },
    })
  app.get('/swagger-ui', html('swagger-ui/'))
  app.get('/swagger-ui/', html(''))
  app.get('/swagger-ui/initializer.js', (c) =>
    c.body(initializer, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  )

  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const files = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  app.get('/swagger-ui/:file', async (c) => {
    const name = c.req.param('file')
    const type = Object.hasOwn(assetTypes, name) ? assetTypes[name] : undefined
    if (type === undefined) throw new EdictError('not_found', `no route GET ${c.req.path}`)
    const file = files.get(name) ?? readAsset(join(folder, name))
    files.set(name, file)
    return c.body(await file, 200, { 'content-type': type, 'cache-control': 'public, max-age=3600' })
  })
}

const readAsset = async (path: string): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await readFile(path))

const bearer = {
  type: 'http',
  scheme: 'bearer',
  description: 'A token of `edict token create` or `POST /api/tokens`, or one that the identity provider signed.',
} as const

/** A server in open mode asks for none, and evaluation is open by default. */
const eitherWay = [{ bearer: [] }, {}]

const info = (version: string) => ({
  title: 'Edict',
  version,
  description: 'Git-synced policy evaluation server that embeds OPA as WebAssembly. [Open the console](../console/).',
})
