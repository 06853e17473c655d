/** Signed tokens, against a real provider. */
import { exportSPKI, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createJwtVerifier, type OidcOptions } from '../../src/auth/oidc.ts'
import { createOidcKeys, type OidcKeysOptions } from '../../src/auth/oidc-keys.ts'
import { audience, startProvider, type TestProvider } from '../setup/oidc.ts'

let provider: TestProvider
let now = 0
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

const claims = { actor: 'sub', roles: 'roles', groups: 'groups' }
const quiet = { warn: () => undefined }

const verifier = (over: Partial<OidcOptions> = {}, keys: Partial<OidcKeysOptions> = {}) => {
  const { issuer } = provider
  return createJwtVerifier({
    ...{ issuer, audience, algorithms: ['RS256', 'ES256'], clockSkewMs: 30_000, claims, prefix: '' },
    keys: createOidcKeys({ issuer, keysForMs: 3_600_000, log: quiet, now: () => now, ...keys }),
    ...over,
  })
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds
const good = (over: JWTPayload = {}): JWTPayload => ({
  ...{ iss: provider.issuer, aud: audience, sub: 'alice', exp: inSeconds(60), roles: ['author'] },
  ...over,
})
const signed = (payload: JWTPayload, { alg = 'RS256', kid = provider.key().kid } = {}): Promise<string> =>
  new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(provider.key().privateKey)

const refused = { code: 'unauthenticated', status: 401 }

describe('a token of the identity provider', () => {
  beforeAll(async () => {
    provider = await startProvider()
  })
  afterAll(() => provider.stop())

  it('names the actor, its roles and its groups', async () => {
    const token = await provider.token()
    expect(await verifier()(token)).toEqual({
      id: 'ci-payments',
      kind: 'oidc',
      roles: ['author'],
      groups: ['payments'],
    })
    const nested = verifier({ claims: { ...claims, roles: 'realm_access.roles' }, prefix: 'oidc-' })
    expect(await nested(token)).toMatchObject({ id: 'oidc-ci-payments', roles: ['operator'] })
  })

  it('brings the e-mail address by which commits are compared, unless the provider has not checked it', async () => {
    const emailsOf = async (claimed: JWTPayload) => (await verifier()(await signed(good(claimed)))).emails
    expect(await emailsOf({ email: 'alice@example.org', email_verified: true })).toEqual(['alice@example.org'])
    expect(await emailsOf({ email: 'alice@example.org' })).toEqual(['alice@example.org'])
    expect(await emailsOf({ email: 'alice@example.org', email_verified: false })).toBeUndefined()
    expect(await emailsOf({ email: 7 })).toBeUndefined()
  })

  it('may give roles as words, and gives none that are not words', async () => {
    expect(await verifier()(await signed(good({ roles: 'author operator' })))).toMatchObject({
      roles: ['author', 'operator'],
    })
    expect(await verifier()(await signed(good({ roles: [1, { a: 1 }, 'author'], groups: 7 })))).toMatchObject({
      roles: ['author'],
      groups: [],
    })
  })

  it('is refused for another audience', async () => {
    await expect(verifier()(await provider.token('https://other.example.org'))).rejects.toMatchObject(refused)
    await expect(verifier()(await signed(good({ aud: ['https://other.example.org'] })))).rejects.toThrow('aud')
  })

  it('is refused from another issuer, with the right key', async () => {
    await expect(verifier()(await signed(good({ iss: 'https://evil.example.org' })))).rejects.toThrow('iss')
  })

  it('is refused when it has expired, within the skew of clocks, and when it says no end', async () => {
    await expect(verifier()(await signed(good({ exp: inSeconds(-31) })))).rejects.toThrow('expired')
    expect(await verifier()(await signed(good({ exp: inSeconds(-15) })))).toMatchObject({ id: 'alice' })
    const { exp: _, ...endless } = good()
    await expect(verifier()(await signed(endless))).rejects.toMatchObject(refused)
    await expect(verifier()(await signed(good({ nbf: inSeconds(120) })))).rejects.toThrow('nbf')
  })

  it('is refused with alg none', async () => {
    await expect(verifier()(new UnsecuredJWT(good()).encode())).rejects.toMatchObject(refused)
    const [, payload] = (await signed(good())).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid: provider.key().kid })).toString('base64url')
    await expect(verifier()(`${header}.${payload}.`)).rejects.toMatchObject(refused)
  })

  it('is refused with HS256 and the public key as the secret, even if somebody allowed HS256', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(provider.key().publicKey))
    const forged = await new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: provider.key().kid }).sign(secret)
    await expect(verifier()(forged)).rejects.toMatchObject(refused)
    await expect(verifier({ algorithms: ['RS256', 'HS256'] })(forged)).rejects.toMatchObject(refused)
  })

  it('is refused with an algorithm that is not on the list', async () => {
    await expect(verifier({ algorithms: ['ES256'] })(await provider.token())).rejects.toThrow('signed in a way')
  })

  it('is refused when one letter of it was changed', async () => {
    const [header, payload, signature = ''] = (await signed(good())).split('.')
    const changed = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    await expect(verifier()(`${header}.${payload}.${changed}`)).rejects.toMatchObject(refused)
  })

  it.each(['system:sync', 'webhook:platform', 'local', 'bootstrap', 'edict', 'cli', '', 'with space', 'x'.repeat(300)])(
    'is refused when it names %j',
    async (sub) => {
      await expect(verifier()(await signed(good({ sub })))).rejects.toMatchObject(refused)
    },
  )
})

describe('the keys of the identity provider', () => {
  beforeEach(async () => {
    provider = await startProvider()
    now = 0
  })
  afterEach(() => provider.stop())

  it('are fetched once for many tokens', async () => {
    const verify = verifier()
    const token = await provider.token()
    await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    await verify(token)
    expect(provider.fetches()).toBe(1)
  })

  it('are fetched again when they were rotated', async () => {
    const verify = verifier()
    const before = await provider.token()
    await verify(before)
    await provider.rotate()
    now += 10_000
    expect(await verify(await provider.token())).toMatchObject({ id: 'ci-payments' })
    expect(provider.fetches()).toBe(2)
    await expect(verify(before)).rejects.toMatchObject(refused)
  })

  it('are not fetched for every token that names a key which nobody has', async () => {
    const verify = verifier()
    await verify(await provider.token())
    now += 10_000
    for (let i = 0; i < 20; i++)
      await expect(verify(await signed(good(), { kid: `unknown-${i}` }))).rejects.toMatchObject(refused)
    expect(provider.fetches()).toBe(2)
  })

  it('serve while the provider is down, for a time, and then nobody is let in until it is back', async () => {
    const verify = verifier()
    const token = await signed(good({ exp: inSeconds(36_000) }))
    await verify(token)
    await provider.stop()
    for (const minutes of [6, 30, 59]) {
      now = minutes * 60_000
      expect(await verify(token)).toMatchObject({ id: 'alice' })
    }
    now = 60 * 60_000 + 1
    await expect(verify(token)).rejects.toMatchObject({ code: 'identity_unavailable', status: 503 })
    await provider.start()
    now += 10_000
    expect(await verify(token)).toMatchObject({ id: 'alice' })
  })

  it('are not known, and nobody is let in, when the provider was never there', async () => {
    const token = await provider.token()
    await provider.stop()
    await expect(verifier()(token)).rejects.toMatchObject({ code: 'identity_unavailable' })
    await provider.start()
  })

  it('are not taken from a provider that calls itself otherwise', async () => {
    const token = await provider.token()
    const issuer = provider.issuer.replace('127.0.0.1', 'localhost')
    await expect(verifier({}, { issuer })(token)).rejects.toMatchObject({ code: 'identity_unavailable' })
  })
})
