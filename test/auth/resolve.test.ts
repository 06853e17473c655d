import { beforeEach, describe, expect, it } from 'vitest'
import { anything, policyResource } from '../../src/auth/actions.ts'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createGate } from '../../src/auth/gate.ts'
import { createKnownTokens, type KnownTokens } from '../../src/auth/mode.ts'
import { createRateLimit } from '../../src/auth/rate-limit.ts'
import { createResolveActor } from '../../src/auth/resolve.ts'
import { mintToken } from '../../src/auth/token.ts'
import type { TokenDocument } from '../../src/policy/schema.ts'

const address = '192.0.2.1'
const setting = { _id: 'auth', required: true, since: new Date(0), by: 'cli' } as const

const make = (over: Partial<TokenDocument> = {}) => {
  const { id, hash, token } = mintToken()
  const document: TokenDocument = {
    ...{ _id: id, hash, actor: 'alice', roles: ['author'], groups: ['payments'], created: new Date(0) },
    ...{ createdBy: 'cli', expires: null, revoked: null },
    ...over,
  }
  return { document, bearer: `Bearer ${token}` }
}

let known: KnownTokens
const gate = () =>
  createGate({ authz: () => createAuthz({ rules: defaultRules, protectedKeys: [] }), mode: known.mode })
const setUp = ({ perMinute = 0, bootstrap = null as string | null } = {}) => {
  const used: string[] = []
  const resolve = createResolveActor({
    known,
    bootstrap: bootstrap === null ? null : { reveal: () => bootstrap },
    verifyJwt: null,
    failures: createRateLimit({ perMinute, of: 'failures' }),
    onUse: (id) => used.push(id),
  })
  return { used, as: (authorization: string | undefined, from = address) => resolve({ authorization, address: from }) }
}

beforeEach(() => {
  known = createKnownTokens({ required: false })
})

describe('who acts', () => {
  it('is the local actor while no credential was ever made, whatever the header says', async () => {
    known.replace({ tokens: [], settings: [] })
    const { as } = setUp()
    expect(await as(undefined)).toMatchObject({ id: 'local', kind: 'local' })
    expect(await as('Bearer whatever')).toMatchObject({ id: 'local' })
  })

  it('is the actor of the token, with its roles and groups, and the use is noted', async () => {
    const { document, bearer } = make()
    known.replace({ tokens: [document], settings: [setting] })
    const { as, used } = setUp()
    expect(await as(bearer)).toEqual({ id: 'alice', kind: 'token', roles: ['author'], groups: ['payments'] })
    expect(await as(bearer.replace('Bearer', 'bearer'))).toMatchObject({ id: 'alice' })
    expect(used).toEqual([document._id, document._id])
  })

  it('is nobody without a credential', async () => {
    known.replace({ tokens: [], settings: [setting] })
    expect(await setUp().as(undefined)).toBeNull()
  })

  it.each([
    ['is not known', () => make().bearer],
    ['is no bearer token', () => 'Basic YWxpY2U6c2VjcmV0'],
    ['is empty', () => 'Bearer '],
    ['is two at once', () => `${make().bearer}, ${make().bearer}`],
    ['is something else', () => 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.'],
  ])('is refused when the credential %s', async (_, header) => {
    known.replace({ tokens: [make().document], settings: [setting] })
    await expect(setUp().as(header())).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  })

  it('is refused when the token has expired, was revoked, or has the secret of another', async () => {
    const expired = make({ expires: new Date(Date.now() - 1) })
    const revoked = make({ revoked: new Date(0) })
    const good = make()
    known.replace({ tokens: [expired.document, revoked.document, good.document], settings: [setting] })
    const { as } = setUp()
    await expect(as(expired.bearer)).rejects.toThrow('expired')
    await expect(as(revoked.bearer)).rejects.toThrow('revoked')
    const swapped = `Bearer edict_${good.document._id}_${revoked.bearer.split('_')[2]}`
    await expect(as(swapped)).rejects.toThrow('not known')
  })

  it('is refused from the change on that revokes the token', async () => {
    const { document, bearer } = make()
    known.replace({ tokens: [document], settings: [setting] })
    const { as } = setUp()
    expect(await as(bearer)).toMatchObject({ id: 'alice' })
    known.advance({ tokens: { set: [{ ...document, revoked: new Date() }], removed: [] }, settings: [] })
    await expect(as(bearer)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('cannot be said while the store was not heard of: neither let in nor called wrong', async () => {
    const { as } = setUp()
    await expect(as(make().bearer)).rejects.toMatchObject({ code: 'store_unavailable' })
    const enforce = gate()
    await expect(enforce(null, 'lock', policyResource('a/b/1'))).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('a server that asked for credentials once', () => {
  it.each([
    ['tokens and the setting are taken away', { tokens: [], settings: [] }],
    ['every token has been revoked', { tokens: [make({ revoked: new Date(0) }).document], settings: [setting] }],
    ['every token has expired', { tokens: [make({ expires: new Date(0) }).document], settings: [] }],
  ])('goes on asking when %s', (_, then) => {
    known.replace({ tokens: [make().document], settings: [setting] })
    known.replace(then)
    expect(known.mode()).toBe('required')
  })
})

describe('the bootstrap secret', () => {
  const bootstrap = 'a-secret-of-thirty-two-characters'

  it('makes the first token, and is worth nothing once there is one', async () => {
    known = createKnownTokens({ required: true })
    known.replace({ tokens: [], settings: [] })
    const { as } = setUp({ bootstrap })
    const actor = await as(`Bearer ${bootstrap}`)
    expect(actor).toMatchObject({ kind: 'bootstrap' })
    const enforce = gate()
    expect(await enforce(actor, 'token', anything)).toBe(actor)
    await expect(enforce(actor, 'lock', policyResource('a/b/1'))).rejects.toMatchObject({ code: 'forbidden' })
    known.advance({ tokens: { set: [make().document], removed: [] }, settings: [setting] })
    await expect(as(`Bearer ${bootstrap}`)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('is not half right', async () => {
    known.replace({ tokens: [], settings: [setting] })
    await expect(setUp({ bootstrap }).as(`Bearer ${bootstrap.slice(1)}`)).rejects.toMatchObject({ status: 401 })
  })
})

describe('who tries credentials out', () => {
  it('is refused for a while, and nobody else is', async () => {
    const good = make()
    known.replace({ tokens: [good.document], settings: [setting] })
    const { as } = setUp({ perMinute: 3 })
    for (let i = 0; i < 3; i++) await expect(as(make().bearer)).rejects.toMatchObject({ status: 401 })
    await expect(as(make().bearer)).rejects.toMatchObject({ status: 429, retryAfter: 20 })
    await expect(as(good.bearer)).rejects.toMatchObject({ status: 429 })
    expect(await as(good.bearer, '192.0.2.2')).toMatchObject({ id: 'alice' })
  })

  it('is refused for one token from all addresses, while that token itself stays good', async () => {
    const good = make()
    known.replace({ tokens: [good.document], settings: [setting] })
    const { as } = setUp({ perMinute: 3 })
    const guess = () => `Bearer edict_${good.document._id}_${make().bearer.split('_')[2]}`
    for (let i = 0; i < 3; i++) await expect(as(guess(), `192.0.2.${i}`)).rejects.toMatchObject({ status: 401 })
    await expect(as(guess(), '192.0.2.9')).rejects.toMatchObject({ status: 429 })
    expect(await as(good.bearer, '192.0.2.9')).toMatchObject({ id: 'alice' })
  })
})

describe('a limit of so many a minute', () => {
  it('fills evenly and counts each key alone', () => {
    let now = 0
    const limit = createRateLimit({ perMinute: 2, of: 'changes', now: () => now })
    limit.take('a')
    limit.take('a')
    expect(() => limit.take('a')).toThrow('too many changes')
    limit.take('b')
    now = 30_000
    limit.take('a')
    expect(() => limit.take('a')).toThrow('too many changes')
  })
})
