/**
 * A real OpenID provider on loopback, whose keys can be rotated and which can be away. Its tokens are JWTs. People sign in
 * with any name and password, at a browser sent by the client `edict-console`; they have the roles of `roles`.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import { Provider } from 'oidc-provider'

export interface SigningKey {
  readonly kid: string
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export interface TestProvider {
  readonly issuer: string
  readonly key: () => SigningKey
  /** An access token from the token endpoint; its subject is `ci-payments`, its roles and groups are claims. */
  readonly token: (audience?: string) => Promise<string>
  /** How often keys were fetched. */
  readonly fetches: () => number
  /** Signs with a new key, and forgets the old one. */
  readonly rotate: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Of tokens that are given out from now on. */
  readonly lifetime: (seconds: number) => void
}

export const audience = 'https://edict.example.org'
const client = { client_id: 'ci-payments', client_secret: 'a-client-secret-for-tests' }

/** A public client. Native, because those may come from any port of loopback. */
export const consoleClient = 'edict-console'
const consoleClientOf = (redirectUri: string) => ({
  client_id: consoleClient,
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [redirectUri],
})

const newKey = async (): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = `key-${Math.random().toString(36).slice(2)}`
  return { kid, publicKey, privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } }
}

interface Settings {
  readonly jwk: JWK
  readonly redirectUri: string
  readonly roles: readonly string[]
  readonly lifetime: () => number
}

const configuration = ({ jwk, redirectUri, roles, lifetime }: Settings) => ({
  jwks: { keys: [jwk] },
  clients: [
    { ...client, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'edict' },
    consoleClientOf(redirectUri),
  ],
  scopes: ['edict', 'openid'],
  cookies: { keys: ['a-cookie-key-for-tests'] },
  ttl: { ClientCredentials: 600, Interaction: 600, Session: 600, Grant: 600, IdToken: 600, AuthorizationCode: 60 },
  clientBasedCORS: () => true,
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_: unknown, resource: string) => ({
        scope: 'edict',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifetime(),
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: () => ({ roles, groups: ['payments'], realm_access: { roles: ['operator'] } }),
})

export const startProvider = async ({
  roles = ['author'],
  redirectUri = 'http://127.0.0.1/console/signed-in',
}: {
  readonly roles?: readonly string[]
  readonly redirectUri?: string
} = {}): Promise<TestProvider> => {
  let seconds = 600
  let answer: RequestListener = () => undefined
  let fetches = 0
  let server: Server
  let port = 0
  const start = async (): Promise<void> => {
    server = createServer((request, response) => {
      if (request.url === '/jwks') fetches += 1
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await start()
  const issuer = `http://127.0.0.1:${port}`
  let key = await newKey()
  const mount = (): void => {
    answer = new Provider(
      issuer,
      configuration({ jwk: key.jwk, redirectUri, roles, lifetime: () => seconds }),
    ).callback()
  }
  mount()
  return {
    issuer,
    key: () => key,
    fetches: () => fetches,
    token: async (resource = audience) => {
      const form = new URLSearchParams({ ...client, grant_type: 'client_credentials', resource, scope: 'edict' })
      const response = await fetch(`${issuer}/token`, { method: 'POST', body: form })
      const { access_token: token } = (await response.json()) as { access_token?: string }
      if (token === undefined) throw new Error(`the provider answered ${response.status}`)
      return token
    },
    rotate: async () => {
      key = await newKey()
      mount()
    },
    lifetime: (next) => {
      seconds = next
    },
    start,
    stop,
  }
}
