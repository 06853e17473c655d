/** The yardstick for what Node can do: a bare `node:http` server that echoes, in as many processes as `WORKERS` says. */
import cluster from 'node:cluster'
import { createServer } from 'node:http'

const echo = () =>
  createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      res.end(body)
    })
  }).listen(Number(process.env['PORT']), '127.0.0.1')

const workers = Number(process.env['WORKERS'])
if (cluster.isPrimary && workers > 1) for (let i = 0; i < workers; i++) cluster.fork()
else echo()
