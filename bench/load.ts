/**
 * A load generator over raw sockets: `connections` keep-alive connections, one request in flight on each, for
 * `durationMs`. Requests are byte strings made beforehand and sent in rotation, so that the generator costs less than
 * any server under test. It runs in its own process, reads its options from standard input and prints one JSON line.
 * Loopback only.
 */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { cpuMs } from './cpu.ts'

export interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly durationMs: number
  /** Goes on beyond the duration until there were so many, but not for longer than ten times as long. */
  readonly atLeast?: number
  /** Whole HTTP/1.1 requests. */
  readonly requests: readonly string[]
  /** Of the server. */
  readonly pids?: readonly number[]
}

export interface LoadResult {
  readonly requests: number
  readonly failures: number
  readonly perSecond: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  /** CPU time of `pids` for each request, in microseconds. */
  readonly cpu: number
}

const headEnd = Buffer.from('\r\n\r\n')
/** Of `content-length`, however it is written. */
const lengthName = Buffer.from('ength: ')

/** Length of the first whole response in `bytes`, or 0 when it is not all there. Makes no string of it: that would cost. */
const responseLength = (bytes: Buffer): number => {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return 0
  const name = bytes.indexOf(lengthName)
  if (name < 0 || name > end) throw new Error('the server answered without a content-length')
  let length = 0
  for (let at = name + lengthName.length; bytes[at] !== 0x0d; at++) length = length * 10 + (bytes[at] ?? 0) - 0x30
  const whole = end + headEnd.length + length
  return bytes.length >= whole ? whole : 0
}

/** `HTTP/1.1 200` */
const isOk = (bytes: Buffer): boolean => bytes[9] === 0x32 && bytes[10] === 0x30 && bytes[11] === 0x30

const drive = ({
  port,
  requests,
  isOver,
  offset,
  latencies,
}: {
  readonly port: number
  readonly requests: readonly Buffer[]
  readonly isOver: (now: number) => boolean
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
      if (!isOk(pending)) failures++
      pending = pending.subarray(length)
      const now = performance.now()
      latencies.push(now - sent)
      if (!isOver(now)) return send()
      socket.destroy()
      resolve(failures)
    })
  })

const load = async ({
  port,
  connections,
  durationMs,
  requests,
  pids = [],
  atLeast = 0,
}: LoadOptions): Promise<LoadResult> => {
  const latencies: number[] = []
  const bytes = requests.map((request) => Buffer.from(request))
  const cpuBefore = cpuMs(pids)
  const start = performance.now()
  const isOver = (now: number) =>
    now > start + durationMs && (latencies.length >= atLeast || now > start + 10 * durationMs)
  const drivers = Array.from({ length: connections }, (_, index) =>
    // Spread over all of the requests: each is sent early, whichever process of the server gets the connection.
    drive({ port, requests: bytes, isOver, offset: Math.floor((index * bytes.length) / connections), latencies }),
  )
  const failures = (await Promise.all(drivers)).reduce((sum, count) => sum + count, 0)
  const seconds = (performance.now() - start) / 1000
  const cpu = ((cpuMs(pids) - cpuBefore) * 1000) / latencies.length
  latencies.sort((a, b) => a - b)
  const quantile = (q: number) => Math.round((latencies[Math.floor(latencies.length * q)] ?? 0) * 1000)
  const perSecond = Math.round(latencies.length / seconds)
  return { requests: latencies.length, failures, perSecond, p50: quantile(0.5), p99: quantile(0.99), cpu }
}

console.log(JSON.stringify(await load(JSON.parse(await text(process.stdin)) as LoadOptions)))
