/** `auth` in `edict.yaml` beyond its plain keys: the bootstrap secret, and whether all that is said of it fits together. */
import { z } from 'zod'
import type { AuthConfig, OidcConfig, Secret } from '../config.ts'
import type { KeyValues } from './keys.ts'
import { readSecret, secretOf, secretReference } from './values.ts'

export const bootstrapVariable = 'EDICT_BOOTSTRAP_SECRET'

export const bootstrapSchema = secretReference.describe(
  'A secret with which `POST /api/tokens` makes the first token, once. With it the server asks for credentials from the start.',
)

type Env = Readonly<Record<string, string | undefined>>
type Report = (problem: string) => void

const shortest = 24

export const readAuth = (
  { values, bootstrap: written, env }: { readonly values: KeyValues; readonly bootstrap: unknown; readonly env: Env },
  report: Report,
): AuthConfig => {
  const bootstrap = readBootstrap(written, env, report)
  const oidc = readOidc(values, report)
  const mode = values.auth
  const hasRules = values.policyFile !== undefined && values.policyFile !== ''
  if (mode === 'open' && (bootstrap !== null || oidc !== null || hasRules))
    report('auth.mode: open contradicts auth.oidc, auth.bootstrap and policy.file, which make credentials required')
  return {
    mode: mode === 'required' || bootstrap !== null || oidc !== null || hasRules ? 'required' : 'open',
    explicit: mode === 'open',
    bootstrap,
    oidc,
    evaluate: values.authEvaluate ?? [],
    maxFailures: values.authFailures,
    maxMutations: values.authMutations,
  }
}

const readBootstrap = (written: unknown, env: Env, report: Report): Secret | null => {
  const given = env[bootstrapVariable]
  const secret = given !== undefined && given !== '' ? secretOf(given) : referred(written, env, report)
  if (secret !== null && secret.reveal().length < shortest)
    report(`auth.bootstrap: the secret is shorter than ${shortest} characters`)
  return secret
}

const referred = (written: unknown, env: Env, report: Report): Secret | null => {
  if (written === undefined) return null
  const parsed = bootstrapSchema.safeParse(written)
  if (!parsed.success) {
    report(`auth.bootstrap: ${z.prettifyError(parsed.error)}`)
    return null
  }
  const secret = readSecret(parsed.data, env)
  if (!('problem' in secret)) return secret
  report(`auth.bootstrap: ${secret.problem}`)
  return null
}

const readOidc = (values: KeyValues, report: Report): OidcConfig | null => {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcConsoleClient: clientId } = values
  if (!issuer && !audience) {
    if (clientId) report('auth.oidc.console.clientId: needs auth.oidc.issuer and auth.oidc.audience')
    return null
  }
  if (!issuer) report('auth.oidc.issuer: is needed beside auth.oidc.audience')
  if (!audience) report('auth.oidc.audience: is needed beside auth.oidc.issuer')
  if (clientId && !values.oidcConsoleScopes?.includes('openid'))
    report('auth.oidc.console.scopes: openid is one of them')
  return {
    issuer,
    audience,
    algorithms: values.oidcAlgorithms ?? [],
    clockSkewMs: values.oidcSkew,
    keysForMs: values.oidcKeysFor,
    claims: { actor: values.oidcActor, roles: values.oidcRoles, groups: values.oidcGroups },
    prefix: values.oidcPrefix,
    console: clientId
      ? { clientId, scopes: values.oidcConsoleScopes ?? [], parameters: values.oidcConsoleParameters ?? {} }
      : null,
  }
}
