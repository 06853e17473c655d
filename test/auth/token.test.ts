import { describe, expect, it } from 'vitest'
import { isSecretOf, mintToken, parseToken } from '../../src/auth/token.ts'
import { expiryOf, tokenRequest } from '../../src/auth/token-request.ts'

describe('a token', () => {
  it('can be recognised, is found by its id, and is kept as a hash that says nothing of its secret', () => {
    const { id, hash, token } = mintToken()
    expect(token).toMatch(/^edict_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}$/)
    const parsed = parseToken(token)
    expect(parsed?.id).toBe(id)
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(hash).not.toContain(parsed?.secret)
    expect(isSecretOf(parsed?.secret ?? '', hash)).toBe(true)
  })

  it('is never the same twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => mintToken().token)).size).toBe(1000)
  })

  it('is believed with its own secret only', () => {
    const { hash } = mintToken()
    expect(isSecretOf(parseToken(mintToken().token)?.secret ?? '', hash)).toBe(false)
    expect(isSecretOf('', hash)).toBe(false)
    expect(isSecretOf('', undefined)).toBe(false)
  })

  it.each(['', 'edict_', 'edict_short_secret', `edict_${'a'.repeat(12)}_${'b'.repeat(42)}`, `x${mintToken().token}`])(
    'is not what only looks like one: %s',
    (text) => expect(parseToken(text)).toBeUndefined(),
  )

  it('ends after a span, at an instant, or never; not in the past', () => {
    const now = Date.parse('2030-01-01T00:00:00Z')
    expect(expiryOf('90d', now)?.toISOString()).toBe('2030-04-01T00:00:00.000Z')
    expect(expiryOf('12h', now)?.toISOString()).toBe('2030-01-01T12:00:00.000Z')
    expect(expiryOf('2030-02-01T00:00:00Z', now)?.toISOString()).toBe('2030-02-01T00:00:00.000Z')
    expect(expiryOf('never', now)).toBeNull()
    for (const wrong of ['', 'soon', '90', '0d', '-1d', '2029-01-01']) expect(expiryOf(wrong, now)).toBeUndefined()
  })

  it.each(['system:sync', 'webhook:platform', 'local', 'bootstrap', 'edict', '', 'a b', '../x', `a${'b'.repeat(200)}`])(
    'is not made for an actor named %j',
    (actor) => expect(tokenRequest.safeParse({ actor }).success).toBe(false),
  )
})
