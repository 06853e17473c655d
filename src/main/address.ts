/** Where the server listens: whether it may, whether it can, and how that is told. */
import { createServer, isIP, type AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'

export type Address = Pick<Config['server'], 'host' | 'port'>

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

export interface AddressDeps {
  readonly log: Logger
  /** What the store says; null: no credential is required. Rejects with `store_unavailable`. */
  readonly required: () => Promise<object | null>
}

/** Rejects with `config_invalid`; with `store_unavailable` when only the store could say that credentials are required. */
export const checkAddress = async ({ server, auth }: Config, { log, required }: AddressDeps): Promise<void> => {
  if (isLoopback(server.host) || auth.mode === 'required') return
  if ((await (auth.explicit ? required().catch(() => null) : required())) !== null) return
  if (!auth.explicit)
    throw new EdictError(
      'config_invalid',
      `Listening on ${server.host} lets everybody who can reach it lock policies, because no credential is asked for. ` +
        'Make a token first (edict token create), configure auth.oidc or auth.bootstrap, listen on 127.0.0.1, ' +
        'or set EDICT_AUTH=open to say that this is meant.',
    )
  log.warn({ host: server.host }, 'no credential is asked for on an address that others can reach (EDICT_AUTH=open)')
}

/** An error of `listen` as the operator's: throws always. */
export const explainListen =
  ({ host, port }: Address) =>
  (error: unknown): never => {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    const place = `${host}:${port}`
    if (code === 'EADDRINUSE')
      throw new EdictError('config_invalid', `${place} is taken. Stop what listens there, or set PORT.`)
    if (code === 'EACCES')
      throw new EdictError('config_invalid', `${place} may not be listened on. Set PORT to one above 1023.`)
    throw error
  }

/** Listens for a moment: whether that can be done, and which port 0 becomes. */
export const tryAddress = (wanted: Address): Promise<Address> =>
  new Promise<Address>((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(wanted.port, wanted.host, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : wanted.port
      server.close(() => resolve({ host: wanted.host, port }))
    })
  }).catch(explainListen(wanted))

export const baseUrl = ({ address, port, family }: AddressInfo): string =>
  `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
