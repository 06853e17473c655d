/**
 * The public keys of the identity provider, by discovery. They are fetched anew every five minutes, and at once when a
 * token names one that is not there (keys rotate), though not more often than the cool-down allows. A provider that is
 * down is bridged for a bounded time; after that there are no keys, and nobody is let in.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { EdictError } from '../errors.ts'

export interface OidcKeysOptions {
  readonly issuer: string
  /** How long keys are good that cannot be fetched anew. */
  readonly keysForMs: number
  readonly freshMs?: number
  readonly cooldownMs?: number
  readonly timeoutMs?: number
  readonly log: { readonly warn: (fields: object, message: string) => void }
  readonly now?: () => number
}

export interface OidcKeys {
  /** Rejects with `identity_unavailable`. */
  readonly current: () => Promise<JWTVerifyGetKey>
  /** After a token named a key that is not among the current ones: other keys, or undefined when there are none yet. */
  readonly newer: () => Promise<JWTVerifyGetKey | undefined>
}

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) })

/** No key set is larger than that. */
const maxBytes = 1_000_000

interface Held {
  readonly keys: JWTVerifyGetKey
  readonly at: number
}

export const createOidcKeys = ({
  issuer,
  keysForMs,
  freshMs = 5 * 60_000,
  cooldownMs = 10_000,
  timeoutMs = 5_000,
  log,
  now = () => performance.now(),
}: OidcKeysOptions): OidcKeys => {
  let held: Held | null = null
  let triedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<Held | null> | null = null

  const load = async (): Promise<Held | null> => {
    triedAt = now()
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const keys = createLocalJWKSet(await fetchKeys(issuer, signal))
      held = { keys, at: now() }
    } catch (error) {
      log.warn({ issuer, err: error }, 'the keys of the identity provider cannot be fetched')
      return null
    }
    return held
  }
  const fetchOnce = (): Promise<Held | null> => (fetching ??= load().finally(() => (fetching = null)))
  const mayTry = (): boolean => fetching !== null || now() - triedAt >= cooldownMs

  return {
    current: async () => {
      const age = held === null ? Number.POSITIVE_INFINITY : now() - held.at
      if (held !== null && age < keysForMs) {
        if (age >= freshMs && mayTry()) void fetchOnce()
        return held.keys
      }
      const fetched = mayTry() ? await fetchOnce() : null
      if (fetched !== null) return fetched.keys
      throw new EdictError('identity_unavailable', 'the identity provider does not answer, and its keys are not known')
    },
    newer: async () => (mayTry() ? (await fetchOnce())?.keys : undefined),
  }
}

const fetchKeys = async (issuer: string, signal: AbortSignal): Promise<JSONWebKeySet> => {
  const found = discovery.parse(
    await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal),
  )
  if (found.issuer !== issuer) throw new Error(`it calls itself ${found.issuer}, not ${issuer}`)
  if (issuer.startsWith('https:') && !found.jwks_uri.startsWith('https:'))
    throw new Error(`its keys lie at ${found.jwks_uri}, which is not https`)
  return keySet.parse(await fetchJson(found.jwks_uri, signal))
}

const fetchJson = async (url: string, signal: AbortSignal): Promise<unknown> => {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new Error(`${url} answers more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}
