/** A real `opa run --server` on loopback, for comparing answers. Ends with the test file. */
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { inject } from 'vitest'
import { afterwards, call, eventually } from './edict.ts'

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Serves the Rego and data below `folder`, or nothing; its URL. */
export const startOpa = async (folder?: string): Promise<string> => {
  const url = `http://127.0.0.1:${await freePort()}`
  const args = ['run', '--server', '--addr', url.slice('http://'.length), '--log-level', 'error']
  const child = spawn(inject('opa'), [...args, ...(folder === undefined ? [] : [folder])], {
    stdio: 'ignore',
    env: { GOMEMLIMIT: '500MiB' },
  })
  const ended = new Promise((done) => child.on('close', done))
  afterwards(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const up = await eventually(
    () =>
      call(`${url}/health`).then(
        ({ status }) => status,
        () => 0,
      ),
    (status) => status === 200,
    20_000,
  )
  if (up !== 200) throw new Error('opa did not start')
  return url
}
