/**
 * A load generator over raw sockets: `connections` keep-alive connections, one request in flight on each, for
 * `durationMs`. Requests are byte strings made beforehand and sent in rotation, so that the generator costs less than
 * any server under test. It runs in its own process (`node dist/bench/load.js <json>`) and prints one JSON line.
 * Loopback only.
 */
import { connect } from 'node:net'

export interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly durationMs: number
  /** Whole HTTP/1.1 requests. */
  readonly requests: readonly string[]
}

export interface LoadResult {
  readonly requests: number
  readonly failures: number
  readonly perSecond: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
}

const headEnd = Buffer.from('\r\n\r\n')

/** Length of the first whole response in `bytes`, or 0 when it is not all there. */
const responseLength = (bytes: Buffer): number => {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return 0
  const head = bytes.toString('latin1', 0, end)
  const at = head.search(/\r\ncontent-length:/i)
  if (at < 0) throw new Error('the server answered without a content-length')
  const length = end + 4 + Number.parseInt(head.slice(at + 17), 10)
  return bytes.length >= length ? length : 0
}

const drive = ({
  port,
  requests,
  until,
  offset,
  latencies,
}: {
  readonly port: number
  readonly requests: readonly Buffer[]
  readonly until: number
  readonly offset: number
  readonly latencies: number[]
}): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    let next = offset
    let failures = 0
    let sent = 0
    let pending: Buffer = Buffer.alloc(0)
    const send = () => {
      sent = performance.now()
      socket.write(requests[next++ % requests.length] ?? Buffer.alloc(0))
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const length = responseLength(pending)
      if (length === 0) return
      if (pending.toString('latin1', 9, 12) !== '200') failures++
      pending = pending.subarray(length)
      const now = performance.now()
      latencies.push(now - sent)
      if (now < until) return send()
      socket.destroy()
      resolve(failures)
    })
  })

const load = async ({ port, connections, durationMs, requests }: LoadOptions): Promise<LoadResult> => {
  const latencies: number[] = []
  const bytes = requests.map((request) => Buffer.from(request))
  const start = performance.now()
  const drivers = Array.from({ length: connections }, (_, index) =>
    drive({ port, requests: bytes, until: start + durationMs, offset: index * 7, latencies }),
  )
  const failures = (await Promise.all(drivers)).reduce((sum, count) => sum + count, 0)
  const seconds = (performance.now() - start) / 1000
  latencies.sort((a, b) => a - b)
  const quantile = (q: number) => Math.round((latencies[Math.floor(latencies.length * q)] ?? 0) * 1000)
  const perSecond = Math.round(latencies.length / seconds)
  return { requests: latencies.length, failures, perSecond, p50: quantile(0.5), p99: quantile(0.99) }
}

const [, , options] = process.argv
if (options !== undefined) console.log(JSON.stringify(await load(JSON.parse(options) as LoadOptions)))
