/**
 * Signs the user in at the identity provider: code flow with PKCE, state and nonce, as a public client. Nothing is stored but
 * the one token that the server takes; no refresh token is asked for. Loaded when it is needed.
 */
import * as oauth from 'oauth4webapi'
import type { Oidc } from '../api/types.ts'
import { Advised } from './advised.ts'
import { claimsOf } from './claims.ts'
import { redirectUri, takePending, writePending } from './pending.ts'
import { hasSignedOut } from './token.ts'

/** The server's configuration takes http on loopback only. */
const requestOptions = ({ issuer }: Oidc) => ({
  [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
  signal: AbortSignal.timeout(15_000),
})

const unreachable = ({ issuer, clientId }: Oidc): Advised =>
  new Advised(
    `${issuer} cannot be asked`,
    `It is down, or it lets no page of ${location.origin} ask it: then allow this origin (CORS, “web origins”) for its client ${clientId}. A token can be pasted meanwhile.`,
  )

/** A request that got no answer that a page may read. */
const asked = async (oidc: Oidc, request: () => Promise<Response>): Promise<Response> => {
  try {
    return await request()
  } catch (error) {
    throw error instanceof TypeError || error instanceof DOMException ? unreachable(oidc) : error
  }
}

interface Found extends oauth.AuthorizationServer {
  readonly authorization_endpoint: string
  readonly token_endpoint: string
}

const isAddress = (text: string | undefined): text is string =>
  text !== undefined && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

const discover = async (oidc: Oidc): Promise<Found> => {
  const issuer = new URL(oidc.issuer)
  const response = await asked(oidc, () => oauth.discoveryRequest(issuer, requestOptions(oidc)))
  const found = await oauth.processDiscoveryResponse(issuer, response).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new Advised(
      `${oidc.issuer} does not answer as this OpenID provider: ${why}`,
      'Compare auth.oidc.issuer in the configuration of this server with what the provider calls itself.',
    )
  })
  const { authorization_endpoint, token_endpoint } = found
  if (!isAddress(authorization_endpoint) || !isAddress(token_endpoint))
    throw new Advised(
      `${oidc.issuer} does not say where users sign in`,
      'Its configuration has no authorization_endpoint or no token_endpoint: allow the code flow there.',
    )
  const { origin } = new URL(token_endpoint)
  if (origin !== issuer.origin)
    throw new Advised(
      `${oidc.issuer} has its token endpoint elsewhere, at ${origin}`,
      `This page may ask ${issuer.origin} and no other address. Paste a token, or have the provider offer both at one address.`,
    )
  return { ...found, authorization_endpoint, token_endpoint }
}

/** Leaves this page. */
export const goToProvider = async (oidc: Oidc): Promise<void> => {
  if (!isSecureContext)
    throw new Advised(
      'this page was not reached over https',
      'Browsers sign in over https only (or on loopback): open the console over https, or paste a token.',
    )
  const { authorization_endpoint } = await discover(oidc)
  const [state, nonce, verifier] = [
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
    oauth.generateRandomCodeVerifier(),
  ]
  const url = new URL(authorization_endpoint)
  const parameters = {
    ...oidc.parameters,
    // Who has signed out here is asked who they are, whatever session the provider still has.
    ...(hasSignedOut() && { prompt: 'login' }),
    client_id: oidc.clientId,
    response_type: 'code',
    redirect_uri: redirectUri(),
    scope: oidc.scopes.join(' '),
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  writePending({ state, nonce, verifier, back: location.pathname + location.search + location.hash })
  location.assign(url)
}

/** The token for this server. `answer`: what the provider sent the browser back with. */
export const comeBack = async (oidc: Oidc, answer: URLSearchParams): Promise<string> => {
  const pending = takePending()
  if (pending === null || answer.get('state') !== pending.state)
    throw new Advised(
      'this is not the answer to a sign-in of this tab',
      'It may be an old address, or somebody else’s. Nothing was done with it: sign in again.',
    )
  const client = { client_id: oidc.clientId }
  const provider = await discover(oidc)
  try {
    const parameters = oauth.validateAuthResponse(provider, client, answer, pending.state)
    const { resource } = oidc.parameters
    const response = await asked(oidc, () =>
      oauth.authorizationCodeGrantRequest(provider, client, oauth.None(), parameters, redirectUri(), pending.verifier, {
        ...requestOptions(oidc),
        ...(resource !== undefined && { additionalParameters: { resource } }),
      }),
    )
    const tokens = await oauth.processAuthorizationCodeResponse(provider, client, response, {
      expectedNonce: pending.nonce,
      requireIdToken: true,
    })
    return tokenFor(oidc, [tokens.access_token, tokens.id_token])
  } catch (error) {
    throw error instanceof Advised ? error : refused(oidc, error)
  }
}

/** The access token where it is for this server; else the ID token where that is. The server is who judges it. */
const tokenFor = ({ audience, clientId }: Oidc, tokens: readonly (string | undefined)[]): string => {
  const found = tokens.find((token) => token !== undefined && [claimsOf(token).aud].flat().includes(audience))
  if (found !== undefined) return found
  throw new Advised(
    `the provider gave out no token for the audience ${audience}`,
    `Have it put ${audience} into “aud” of the JWT access tokens of the client ${clientId}; some want to be asked for it (auth.oidc.console.parameters). Or set auth.oidc.audience to ${clientId}: then the ID token is taken.`,
  )
}

const adviceOn: Readonly<Record<string, string>> = {
  access_denied: 'You cancelled, or you have no access there: sign in as somebody else, or ask for access.',
  login_required: 'Sign in again.',
  invalid_grant:
    'A code is good once, for a short time, and for one redirect address. Sign in again; if that does not help, compare the redirect address below with the client’s.',
  invalid_client: 'The client has to be a public one: no secret, code flow with PKCE.',
  unauthorized_client: 'The client has to be a public one that may use the code flow with PKCE.',
  invalid_scope: 'Compare auth.oidc.console.scopes with what the client may ask for.',
  invalid_target: 'Compare auth.oidc.console.parameters with the audiences that the provider knows.',
  temporarily_unavailable: 'Try again in a moment.',
  server_error: 'Try again in a moment; the provider’s log says more.',
}

const refused = ({ issuer }: Oidc, error: unknown): Advised => {
  const known = error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError
  if (!known) {
    const why = error instanceof Error ? error.message : String(error)
    return new Advised(`the answer of ${issuer} is not right: ${why}`, 'Nothing was done with it: sign in again.')
  }
  const more = error.error_description === undefined ? '' : `: ${error.error_description}`
  return new Advised(
    `${issuer} refused, ${error.error}${more}`,
    adviceOn[error.error] ?? `Compare the configuration of the client with ${redirectUri()} as its redirect address.`,
  )
}
