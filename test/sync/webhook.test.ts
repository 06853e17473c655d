import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createReplayCache, verifyWebhook } from '../../sync/webhook.ts'

const secret = "It's a Secret to Everybody"
const whsec = `whsec_${Buffer.from('a signing key of 32 bytes, or so').toString('base64')}`
const body = Buffer.from('{"ref":"refs/heads/main","é":1}')
const now = new Date('2026-05-04T10:00:00Z')
const seconds = String(now.getTime() / 1000)

const hex = (content: Uint8Array = body, key = secret) => createHmac('sha256', key).update(content).digest('hex')
const sha1 = createHmac('sha1', secret).update(body).digest('hex')
const standard = (id: string, timestamp: string, content: Uint8Array = body) =>
  `v1,${createHmac('sha256', Buffer.from(whsec.slice(6), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(content)
    .digest('base64')}`

const verify = (headers: Record<string, string>, { key = secret, content = body, at = now } = {}) =>
  verifyWebhook({ secret: key, headers: new Headers(headers), body: content, now: at })

const forges = {
  github: { 'X-Hub-Signature-256': `sha256=${hex()}`, 'X-Hub-Signature': `sha1=${sha1}`, 'X-GitHub-Delivery': '1' },
  gitea: { 'X-Gitea-Signature': hex(), 'X-Hub-Signature-256': `sha256=${hex()}`, 'X-Gitea-Delivery': '1' },
  forgejo: { 'X-Forgejo-Signature': hex(), 'X-Gitea-Signature': hex() },
  bitbucket: { 'X-Hub-Signature': `sha256=${hex()}`, 'X-Event-Key': 'repo:push' },
  generic: { 'X-Signature': `sha256=${hex()}` },
} as const

describe('each forge is recognised by its signature', () => {
  for (const [sender, headers] of Object.entries(forges)) {
    test(`${sender}: right`, () => expect(verify(headers)).toMatchObject({ ok: true, sender }))

    test(`${sender}: another body, another secret and a cut signature are refused`, () => {
      expect(verify(headers, { content: Buffer.from('{"ref":"refs/heads/main","é":2}') }).ok).toBe(false)
      expect(verify(headers, { key: 'other' }).ok).toBe(false)
      const cut = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.slice(0, -1)]))
      expect(verify(cut).ok).toBe(false)
      const longer = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `${value}00`]))
      expect(verify(longer).ok).toBe(false)
    })
  }

  test('GitHub: the vector of its documentation', () => {
    const headers = { 'X-Hub-Signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' }
    expect(verify(headers, { content: Buffer.from('Hello, World!') }).ok).toBe(true)
  })

  test('GitLab, old: the token itself', () => {
    expect(verify({ 'X-Gitlab-Token': secret, 'X-Gitlab-Event-UUID': 'u' })).toMatchObject({
      ok: true,
      sender: 'gitlab',
    })
    expect(verify({ 'X-Gitlab-Token': `${secret}x` }).ok).toBe(false)
    expect(verify({ 'X-Gitlab-Token': '' }).ok).toBe(false)
  })

  test('GitLab, new: Standard Webhooks, within five minutes', () => {
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': standard('msg_1', seconds),
    }
    expect(verify(headers, { key: whsec })).toMatchObject({ ok: true, sender: 'gitlab' })
    const several = { ...headers, 'webhook-signature': `v1,AAAA v1a,xyz ${standard('msg_1', seconds)}` }
    expect(verify(several, { key: whsec }).ok).toBe(true)
    expect(verify({ ...headers, 'webhook-id': 'msg_2' }, { key: whsec }).ok).toBe(false)
    expect(verify({ ...headers, 'webhook-timestamp': String(Number(seconds) + 1) }, { key: whsec }).ok).toBe(false)
    expect(verify(headers, { key: whsec, content: Buffer.from('{}') }).ok).toBe(false)
    expect(verify(headers, { key: whsec, at: new Date(now.getTime() + 299_000) }).ok).toBe(true)
    expect(verify(headers, { key: whsec, at: new Date(now.getTime() + 301_000) }).ok).toBe(false)
    expect(verify(headers, { key: whsec, at: new Date(now.getTime() - 301_000) }).ok).toBe(false)
    expect(verify({ 'webhook-signature': headers['webhook-signature'] }, { key: whsec }).ok).toBe(false)
  })

  test('Standard Webhooks: the vector of its specification', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    const verdict = verify(headers, {
      key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      content: Buffer.from('{"test": 2432232314}'),
      at: new Date(1614265330_000),
    })
    expect(verdict.ok).toBe(true)
  })
})

describe('what is never accepted', () => {
  test('SHA-1, even beside nothing else', () => {
    expect(verify({ 'X-Hub-Signature': `sha1=${sha1}` }).ok).toBe(false)
    expect(verify({ 'X-Hub-Signature-256': `sha1=${sha1}` }).ok).toBe(false)
    expect(verify({ 'X-Signature': `sha1=${sha1}` }).ok).toBe(false)
  })

  test('a wrong Forgejo signature beside a right Gitea one', () => {
    expect(verify({ 'X-Forgejo-Signature': '0'.repeat(64), 'X-Gitea-Signature': hex() }).ok).toBe(false)
  })

  test('no signature, no secret, an empty secret', () => {
    expect(verify({})).toMatchObject({ ok: false })
    const empty = { 'X-Hub-Signature-256': `sha256=${hex(body, '')}` }
    expect(verify(empty, { key: '' })).toMatchObject({
      ok: false,
      message: expect.stringContaining('no webhook secret'),
    })
    expect(verifyWebhook({ secret: null, headers: new Headers(forges.github), body, now }).ok).toBe(false)
  })

  test('hex that is not hex', () => {
    expect(verify({ 'X-Gitea-Signature': 'z'.repeat(64) }).ok).toBe(false)
    expect(verify({ 'X-Gitea-Signature': '' }).ok).toBe(false)
  })

  test('no refusal repeats the secret or the expected signature', () => {
    const verdict = JSON.stringify(verify({ 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` }))
    expect(verdict).not.toContain(secret)
    expect(verdict).not.toContain(hex())
  })
})

describe('the replay cache', () => {
  const deliveryOf = (headers: Record<string, string>) => {
    const verdict = verify(headers)
    if (!verdict.ok) throw new Error(verdict.message)
    return verdict.delivery
  }

  test('a signed request is new once, whatever its unsigned delivery id says', () => {
    const cache = createReplayCache()
    expect(cache.seen(deliveryOf(forges.github), now)).toBe(false)
    expect(cache.seen(deliveryOf({ ...forges.github, 'X-GitHub-Delivery': '2' }), now)).toBe(true)
  })

  test('it forgets after a while, and the oldest first when it is full', () => {
    const cache = createReplayCache({ max: 2, ttlMs: 1000 })
    expect(cache.seen('a', now)).toBe(false)
    expect(cache.seen('a', new Date(now.getTime() + 1000))).toBe(false)
    expect(cache.seen('b', now)).toBe(false)
    expect(cache.seen('c', now)).toBe(false)
    expect(cache.seen('b', now)).toBe(true)
    expect(cache.seen('a', now)).toBe(false)
  })
})
