/**
 * Is this request really from the forge that knows our secret? Over the raw bytes, in constant time; the payload is
 * never parsed: a webhook is only a hint to fetch. Size caps are the route's business. SHA-1 is never accepted.
 * Senders: https://docs.github.com/webhooks, https://www.standardwebhooks.com (GitLab), Gitea, Forgejo, Bitbucket, Flux.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export type WebhookSender = 'forgejo' | 'gitea' | 'github' | 'gitlab' | 'bitbucket' | 'generic'

export type WebhookVerdict =
  | {
      readonly ok: true
      readonly sender: WebhookSender
      /** Identity of what was signed, for the replay cache. */
      readonly delivery: string
    }
  | { readonly ok: false; readonly message: string }

interface Request {
  readonly secret: string
  readonly header: (name: string) => string | null
  readonly body: Uint8Array
  readonly now: Date
}

const toleranceMs = 5 * 60_000

export function verifyWebhook({
  secret,
  headers,
  body,
  now,
}: {
  readonly secret: string | null
  readonly headers: { readonly get: (name: string) => string | null }
  readonly body: Uint8Array
  readonly now: Date
}): WebhookVerdict {
  if (secret === null || secret === '') return refused('no webhook secret is configured for this source')
  const request: Request = { secret, header: (name) => headers.get(name), body, now }
  const scheme = schemes.find(({ header }) => headers.get(header) !== null)
  if (scheme === undefined) return refused('the request carries no signature that is known here')
  return scheme.check(request, headers.get(scheme.header) ?? '')
}

interface Scheme {
  readonly header: string
  readonly check: (request: Request, value: string) => WebhookVerdict
}

/** The first header that is present decides alone, so that a weaker second one cannot stand in for it. */
const schemes: readonly Scheme[] = [
  { header: 'x-forgejo-signature', check: (request, value) => checkHex('forgejo', request, value) },
  { header: 'x-gitea-signature', check: (request, value) => checkHex('gitea', request, value) },
  { header: 'x-hub-signature-256', check: (request, value) => checkPrefixed('github', request, value) },
  { header: 'webhook-signature', check: checkStandard },
  { header: 'x-gitlab-token', check: checkToken },
  { header: 'x-hub-signature', check: (request, value) => checkPrefixed('bitbucket', request, value) },
  { header: 'x-signature', check: (request, value) => checkPrefixed('generic', request, value) },
]

function checkPrefixed(sender: WebhookSender, request: Request, value: string): WebhookVerdict {
  const [algorithm, hex] = value.split('=', 2)
  if (algorithm?.toLowerCase() !== 'sha256') return refused('the signature must be sha256=…')
  return checkHex(sender, request, hex ?? '')
}

function checkHex(sender: WebhookSender, { secret, body }: Request, hex: string): WebhookVerdict {
  const expected = createHmac('sha256', secret).update(body).digest()
  const given = /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : Buffer.alloc(32)
  return timingSafeEqual(expected, given) && hex.length === 64
    ? { ok: true, sender, delivery: `${sender}:${expected.toString('hex')}` }
    : refused('the signature does not match')
}

/** `v1,<base64>`, several separated by spaces, over `{id}.{timestamp}.{body}`. */
function checkStandard({ secret, header, body, now }: Request, value: string): WebhookVerdict {
  const id = header('webhook-id') ?? ''
  const timestamp = header('webhook-timestamp') ?? ''
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) return refused('webhook-id or webhook-timestamp is missing')
  if (Math.abs(now.getTime() - Number(timestamp) * 1000) > toleranceMs)
    return refused('the webhook-timestamp is too far from now')
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  if (key.length === 0) return refused('the configured secret is not of the form whsec_<base64>')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  const matches = value.split(' ').map((part) => {
    const given = part.startsWith('v1,') ? Buffer.from(part.slice(3), 'base64') : Buffer.alloc(0)
    return given.length === expected.length && timingSafeEqual(expected, given)
  })
  return matches.includes(true)
    ? { ok: true, sender: 'gitlab', delivery: `gitlab:${id}:${expected.toString('hex')}` }
    : refused('the signature does not match')
}

/** The secret itself; nothing binds it to the body. */
function checkToken({ secret, header, body }: Request, value: string): WebhookVerdict {
  if (!timingSafeEqual(sha256(secret), sha256(value))) return refused('the token does not match')
  const event = header('idempotency-key') ?? header('x-gitlab-event-uuid') ?? ''
  return { ok: true, sender: 'gitlab', delivery: `gitlab:${event}:${sha256(body).toString('hex')}` }
}

const sha256 = (content: string | Uint8Array): Buffer => createHash('sha256').update(content).digest()
const refused = (message: string): WebhookVerdict => ({ ok: false, message })

export interface ReplayCache {
  /** True when this delivery was already here; remembers it otherwise. */
  readonly seen: (delivery: string, now: Date) => boolean
}

/** Remembers deliveries for a while, the newest `max` at most. */
export function createReplayCache({
  max = 10_000,
  ttlMs = 60 * 60_000,
}: { readonly max?: number; readonly ttlMs?: number } = {}): ReplayCache {
  const until = new Map<string, number>()
  return {
    seen(delivery, now) {
      const key = sha256(delivery).toString('base64')
      const known = until.get(key)
      if (known !== undefined && known > now.getTime()) return true
      until.delete(key)
      until.set(key, now.getTime() + ttlMs)
      for (const oldest of until.keys()) {
        if (until.size <= max) break
        until.delete(oldest)
      }
      return false
    },
  }
}
