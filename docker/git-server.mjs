/**
 * Serves the bare repositories under GIT_PROJECT_ROOT over HTTP through `git http-backend`, for docker-compose.
 * No credential is asked for: it is a demonstration, for a network that is not shared. Stops on SIGTERM.
 */
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

const root = process.env.GIT_PROJECT_ROOT ?? '/srv/git'
const port = Number(process.env.PORT ?? 8080)
const host = process.env.HOST ?? '0.0.0.0'

const server = createServer((request, response) => {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
      ...(request.headers['content-length'] && { CONTENT_LENGTH: request.headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  backend.on('error', () => response.writeHead(500).end())
  backend.stdin.on('error', () => undefined)
  request.pipe(backend.stdin)
  answer(backend.stdout, response)
  response.on('close', () => backend.kill())
})

/** CGI: header lines, an empty line, the body. */
function answer(stdout, response) {
  let head = Buffer.alloc(0)
  const collect = (chunk) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    stdout.off('data', collect)
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
      else response.appendHeader(name, value)
    }
    response.write(head.subarray(end + 4))
    stdout.pipe(response)
  }
  stdout.on('data', collect)
  stdout.on('end', () => response.end())
}

server.listen(port, host, () => console.log(`git: ${root} on http://${host}:${server.address().port}`))
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
}
