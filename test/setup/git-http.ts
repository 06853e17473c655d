/** A real Git server over HTTP for tests: `git http-backend` behind a small CGI bridge, with a password if wanted. */
import { execFileSync, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'

export interface GitServer {
  /** `http://127.0.0.1:<port>`; a repository is at `${url}/<name>.git`. */
  readonly url: string
  /** Requests so far: method, path with query, and the Authorization header. */
  readonly requests: readonly { readonly line: string; readonly authorization: string | undefined }[]
  readonly close: () => Promise<void>
}

export async function startGitServer({
  root,
  user,
  password,
  port = 0,
}: {
  readonly root: string
  readonly user?: string
  readonly password?: string
  readonly port?: number
}): Promise<GitServer> {
  const backend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend')
  const requests: { readonly line: string; readonly authorization: string | undefined }[] = []
  const wanted =
    password === undefined ? null : `Basic ${Buffer.from(`${user ?? 'oauth2'}:${password}`).toString('base64')}`

  const server = createServer((request, response) => {
    const { authorization } = request.headers
    requests.push({ line: `${request.method} ${request.url}`, authorization })
    if (wanted === null || authorization === wanted) return serve({ backend, root, request, response })
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('Unauthorized')
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function serve({
  backend,
  root,
  request,
  response,
}: {
  readonly backend: string
  readonly root: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
}): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const header = (name: string): string => String(request.headers[name] ?? '')
  const child = spawn(backend, [], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: header('git-protocol'),
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: header('content-type'),
      REMOTE_USER: 'tester',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => undefined)
  const body = header('content-encoding') === 'gzip' ? request.pipe(createGunzip()) : request
  body.pipe(child.stdin)

  let head: Buffer | null = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === null) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const lines = head.subarray(0, end).toString('latin1').split('\r\n')
    for (const line of lines) {
      const [name = '', value = ''] = line.split(/:\s*/, 2)
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
      else response.setHeader(name, value)
    }
    response.write(head.subarray(end + 4))
    head = null
  })
  child.stdout.on('end', () => response.end())
  response.on('close', () => child.kill())
}
