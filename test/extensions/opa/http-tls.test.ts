import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Outbound } from '../../../extensions/extension.ts'
import { http } from '../../../extensions/opa/http.ts'
import { parseRule } from '../../../extensions/outbound.ts'
import { fromPlain, toPlain } from '../../../extensions/plain.ts'
import { contextOf } from '../context.ts'

/** For edict.test and 127.0.0.1, signed by itself, until 2126; used nowhere else. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzgq/ttH/e+TksoM0
kqWOdrTFZBMQePlEQUPsG28xaMyhRANCAAT4+XcpYY24avUEdjnqMGTr/uRKJW51
c+WQ9HECpcBLcygNvyt3zSnlZzGGRbB5YPQSoeFzOHeE8RgY8/XwwLWc
-----END PRIVATE KEY-----`
const cert = `-----BEGIN CERTIFICATE-----
MIIBnzCCAUSgAwIBAgIULm/jSBqXLJMfod5Go/r25QiuWJowCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKZWRpY3QudGVzdDAgFw0yNjExMjMxMTQ5NDhaGA8yMTI2MTAz
MDExNDk0OFowFTETMBEGA1UEAwwKZWRpY3QudGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABPj5dylhjbhq9QR2OeowZOv+5EolbnVz5ZD0cQKlwEtzKA2/K3fN
KeVnMYZFsHlg9BKh4XM4d4TxGBjz9fDAtZyjcDBuMB0GA1UdDgQWBBSLUWWPvuvr
pDu6wiT/efayH+8EhzAfBgNVHSMEGDAWgBSLUWWPvuvrpDu6wiT/efayH+8EhzAP
BgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCCmVkaWN0LnRlc3SHBH8AAAEwCgYI
KoZIzj0EAwIDSQAwRgIhAIhTe4/eIqYKDvIiL0A5es6Ztg1ab82AqVIGHDm/yb69
AiEA08sPvulnE90tzAdsy5v6lJSWOJyAor2MF7Sh0R4Xp1Y=
-----END CERTIFICATE-----`

let server: Server
let outbound: Outbound
let url: string

beforeAll(async () => {
  server = createServer({ key, cert, ca: cert, requestCert: true, rejectUnauthorized: false }, (req, res) => {
    const socket = req.socket as TLSSocket
    res.end(`${socket.authorized} ${String(Reflect.get(socket, 'servername'))}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  url = `https://127.0.0.1:${port}`
  const secrets = new Map([
    ['client-key', key],
    ['client-cert', cert],
    ['ca', cert],
  ])
  outbound = {
    rules: [parseRule(`127.0.0.1:${port}`)].flatMap((rule) => rule ?? []),
    secret: (name) => secrets.get(name),
  }
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const body = async (options: object): Promise<unknown> => {
  const request = fromPlain({ method: 'GET', url, raise_error: false, ...options })
  const [extension] = http
  const answer = toPlain((await extension?.impl([request], contextOf({ outbound }))) ?? null) as Record<string, unknown>
  return answer['raw_body'] ?? Reflect.get(Object(answer['error']), 'message')
}

it('a certificate of nobody known is refused', async () => {
  expect(await body({})).toMatch(/self-signed certificate/)
})

it('a certificate is accepted that the policy trusts, in the request or by the name of a secret', async () => {
  expect(await body({ tls_ca_cert: cert })).toMatch(/^false/)
  expect(await body({ tls_ca_cert: cert.replaceAll('\n', '\\n') })).toMatch(/^false/)
  expect(await body({ tls_ca_cert_file: 'ca' })).toMatch(/^false/)
  expect(await body({ tls_ca_cert_env_variable: 'ca', tls_use_system_certs: true })).toMatch(/^false/)
})

it('a certificate need not be looked at', async () => {
  expect(await body({ tls_insecure_skip_verify: true })).toMatch(/^false/)
})

it('the name to expect is that of the option, or of the Host header', async () => {
  expect(await body({ tls_ca_cert: cert, tls_server_name: 'edict.test' })).toBe('false edict.test')
  expect(await body({ tls_ca_cert: cert, headers: { host: 'edict.test' } })).toBe('false edict.test')
  expect(await body({ tls_ca_cert: cert, tls_server_name: 'other.test' })).toMatch(/does not match/)
})

it('the client has a certificate of its own', async () => {
  expect(await body({ tls_ca_cert: cert, tls_client_cert: cert, tls_client_key: key })).toMatch(/^true/)
  const named = { tls_client_cert_file: 'client-cert', tls_client_key_env_variable: 'client-key' }
  expect(await body({ tls_ca_cert: cert, ...named })).toMatch(/^true/)
})
