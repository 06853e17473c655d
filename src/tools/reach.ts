/** Whether a host takes a connection within a time, before a tool that would wait longer is asked to use it. */
import { connect } from 'node:net'
import type { Environment } from './cache-folder.ts'

/** Throws with the reason when it does not. With a proxy configured, the proxy is what must be reached. */
export function reach(url: string, { env, connectMs }: { env: Environment; connectMs: number }): Promise<void> {
  const proxy = env['HTTPS_PROXY'] || env['https_proxy'] || env['HTTP_PROXY'] || env['http_proxy']
  const target = new URL(proxy || url)
  const port = Number(target.port) || (target.protocol === 'http:' ? 80 : 443)
  return new Promise((done, fail) => {
    const socket = connect({ host: target.hostname, port })
    const timer = setTimeout(
      () => end(new Error(`no connection to ${target.host} within ${connectMs / 1000} s`)),
      connectMs,
    )
    const end = (error?: Error) => {
      clearTimeout(timer)
      socket.destroy()
      if (error) fail(error)
      else done()
    }
    socket.on('connect', () => end())
    socket.on('error', (error) => end(new Error(`cannot reach ${target.host}: ${error.message}`)))
  })
}
