/** One verdict per delivery, by source name: the source's secret, the signature, and that it was not here before. */
import { createReplayCache, verifyWebhook } from './webhook.ts'

export interface WebhookSecrets {
  readonly name: string
  readonly webhookSecret: { readonly reveal: () => string } | null
}

export type VerifyDelivery = (delivery: {
  readonly source: string
  readonly headers: { readonly get: (name: string) => string | null }
  readonly body: Uint8Array
}) => { readonly ok: true } | { readonly ok: false; readonly reason: string }

export function createWebhookVerifier({
  sources,
  clock = () => new Date(),
}: {
  readonly sources: readonly WebhookSecrets[]
  readonly clock?: () => Date
}): VerifyDelivery {
  const byName = new Map(sources.map((source) => [source.name, source]))
  const replays = createReplayCache()
  return ({ source: name, headers, body }) => {
    const source = byName.get(name)
    if (source === undefined) return { ok: false, reason: 'unknown_source' }
    if (source.webhookSecret === null) return { ok: false, reason: 'unconfigured' }
    const now = clock()
    const verdict = verifyWebhook({ secret: source.webhookSecret.reveal(), headers, body, now })
    if (!verdict.ok) return { ok: false, reason: verdict.message }
    return replays.seen(`${name}:${verdict.delivery}`, now)
      ? { ok: false, reason: 'this delivery was received before' }
      : { ok: true }
  }
}
