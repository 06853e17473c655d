import { createHmac, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, eventually, evaluate, syncNow, type Reply } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

const secret = `whsec_${Buffer.from('a signing key of 32 bytes, or so').toString('base64')}`
const hex = (body: string, key = secret) => createHmac('sha256', key).update(body).digest('hex')

const standard = (body: string): Record<string, string> => {
  const id = `msg_${randomUUID()}`
  const timestamp = String(Math.floor(Date.now() / 1000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

const forges: Readonly<Record<string, (body: string) => Record<string, string>>> = {
  GitHub: (body) => ({ 'x-hub-signature-256': `sha256=${hex(body)}`, 'x-github-event': 'push' }),
  'GitLab, old': () => ({ 'x-gitlab-token': secret, 'x-gitlab-event': 'Push Hook' }),
  'GitLab, new': standard,
  Gitea: (body) => ({ 'x-gitea-signature': hex(body), 'x-gitea-event': 'push' }),
  Forgejo: (body) => ({ 'x-forgejo-signature': hex(body), 'x-gitea-signature': hex(body) }),
  Bitbucket: (body) => ({ 'x-hub-signature': `sha256=${hex(body)}`, 'x-event-key': 'repo:push' }),
}

let served: ServedRepo
let pushes = 0

const policy = (value: number) => rego('shop', 'price', `limit := ${value}`)
const limit = async (): Promise<string> => (await evaluate(served.edict, 'shop/price/1.0')).text
const newBody = () => JSON.stringify({ ref: 'refs/heads/main', push: ++pushes })

const deliver = (body: string, headers: Record<string, string>, url = served.edict.url): Promise<Reply> =>
  call(`${url}/api/sources/platform/webhook`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

beforeAll(async () => {
  const env = { EDICT_WEBHOOK_SECRET: secret, EDICT_MAX_BODY: '100kB' }
  served = await serveRepo({ files: { 'shop/price/1.0/policy.rego': policy(0) }, env })
})

describe('a webhook', () => {
  it.each(Object.entries(forges))('signed as %s does it makes the pushed commit decide', async (_, sign) => {
    const body = newBody()
    const value = pushes
    await served.repo.publish({ 'shop/price/1.0/policy.rego': policy(value) })
    expect(await deliver(body, sign(body))).toMatchObject({ status: 202, json: { id: expect.any(String) } })
    expect(await eventually(limit, (text) => text === `{"limit":${value}}`)).toBe(`{"limit":${value}}`)
  })

  it.each(Object.entries(forges))('of %s with another signature is 401 and asks for nothing', async (_, sign) => {
    const fetched = served.git.requests.length
    const body = newBody()
    const signed = sign(body)
    const altered = Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, value.replace(/.$/, '~')]))
    const refused = await deliver(body, altered)
    expect(refused).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
    expect(refused.text).not.toContain(secret)
    expect(served.git.requests.length).toBe(fetched)
  })

  it('without any signature, with SHA-1, or with a body that was not signed is 401', async () => {
    const body = newBody()
    const sha1 = createHmac('sha1', secret).update(body).digest('hex')
    const github = { 'x-hub-signature-256': `sha256=${hex(body)}` }
    expect((await deliver(body, {})).status).toBe(401)
    expect((await deliver(body, { 'x-hub-signature': `sha1=${sha1}` })).status).toBe(401)
    expect((await deliver(`${body} `, github)).status).toBe(401)
  })

  it('is taken once: the same delivery again is 401', async () => {
    const body = newBody()
    const headers = { 'x-hub-signature-256': `sha256=${hex(body)}`, 'x-github-delivery': randomUUID() }
    expect((await deliver(body, headers)).status).toBe(202)
    const again = await deliver(body, { ...headers, 'x-github-delivery': randomUUID() })
    expect(again).toMatchObject({ status: 401, json: { message: expect.stringContaining('before') } })
  })

  it('that is too large is 413', async () => {
    const body = JSON.stringify({ commits: 'x'.repeat(100_000) })
    const headers = { 'x-hub-signature-256': `sha256=${hex(body)}` }
    expect(await deliver(body, headers)).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
  })

  it('is only a hint: what its payload says is not believed', async () => {
    const before = await limit()
    const body = JSON.stringify({ ref: 'refs/heads/evil', after: '0'.repeat(40), repository: { url: 'file:///etc' } })
    expect((await deliver(body, { 'x-hub-signature-256': `sha256=${hex(body)}` })).status).toBe(202)
    expect((await syncNow(served.edict, 'platform')).json).toMatchObject({ ok: true, findings: [] })
    expect(await limit()).toBe(before)
    const text = 'this is not JSON'
    expect((await deliver(text, { 'x-hub-signature-256': `sha256=${hex(text)}` })).status).toBe(202)
  })

  it('for a source that is not there is refused', async () => {
    const body = newBody()
    const answered = await call(`${served.edict.url}/api/sources/nothing/webhook`, {
      method: 'POST',
      body,
      headers: { 'x-hub-signature-256': `sha256=${hex(body)}` },
    })
    expect(answered.status).toBe(404)
    expect(answered.json).toMatchObject({ code: 'source_not_found' })
  })

  it('for a source without a secret is 403, however it is signed', async () => {
    const { edict } = await serveRepo({ files: { 'shop/price/1.0/policy.rego': policy(1) } })
    const body = newBody()
    for (const key of [secret, '']) {
      const refused = await deliver(body, { 'x-hub-signature-256': `sha256=${hex(body, key)}` }, edict.url)
      expect(refused).toMatchObject({ status: 403, json: { code: 'forbidden' } })
    }
    expect((await deliver(body, { 'x-gitlab-token': '' }, edict.url)).status).toBe(403)
  })
})
