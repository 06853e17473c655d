/** Signatures by node:crypto, with what Go refuses besides: RSA keys below 1024 bits. A bad signature is `false`, never an error. */
import { constants, verify, type KeyObject } from 'node:crypto'

export type SignatureScheme =
  | { readonly kind: 'rsa'; readonly hash: string }
  | { readonly kind: 'rsa-pss'; readonly hash: string; readonly salt: 'auto' | 'digest' }
  | { readonly kind: 'ecdsa'; readonly hash: string; readonly encoding: 'der' | 'ieee-p1363' }
  | { readonly kind: 'ed25519' }

/** Go's `rsa.checkKeySize`. */
export const minRsaBits = 1024

export const hasRsaSize = (key: KeyObject): boolean =>
  key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits

const keyTypes = { rsa: 'rsa', 'rsa-pss': 'rsa', ecdsa: 'ec', ed25519: 'ed25519' } as const

export const fitsScheme = (key: KeyObject, { kind }: SignatureScheme): boolean =>
  key.asymmetricKeyType === keyTypes[kind] && hasRsaSize(key)

interface Signed {
  readonly data: Buffer
  readonly signature: Buffer
}

/** False as well when the key is of another kind than the scheme. */
export function verifies(key: KeyObject, scheme: SignatureScheme, { data, signature }: Signed): boolean {
  if (!fitsScheme(key, scheme)) return false
  try {
    return verify('hash' in scheme ? scheme.hash : null, data, { key, ...options(scheme) }, signature)
  } catch {
    return false
  }
}

/** With the two halves of an ECDSA signature in any length: OPA's own verification splits in the middle. */
export function verifiesLoosely(key: KeyObject, scheme: SignatureScheme, { data, signature }: Signed): boolean {
  const size = coordinateSizes[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (scheme.kind !== 'ecdsa' || size === undefined) return verifies(key, scheme, { data, signature })
  const middle = signature.length >> 1
  const halves = [signature.subarray(0, middle), signature.subarray(middle)].map((half) => resized(half, size))
  return verifies(key, scheme, { data, signature: Buffer.concat(halves) })
}

const coordinateSizes: Readonly<Record<string, number>> = {
  secp224r1: 28,
  prime256v1: 32,
  secp384r1: 48,
  secp521r1: 66,
}

/** What does not fit keeps its length, and the signature will not verify. */
function resized(half: Buffer, size: number): Buffer {
  const excess = half.subarray(0, Math.max(half.length - size, 0))
  if (excess.some((byte) => byte !== 0)) return half
  return Buffer.concat([Buffer.alloc(size), half]).subarray(-size)
}

interface Options {
  readonly padding?: number
  readonly saltLength?: number
  readonly dsaEncoding?: 'der' | 'ieee-p1363'
}

export function options(scheme: SignatureScheme): Options {
  switch (scheme.kind) {
    case 'rsa':
      return { padding: constants.RSA_PKCS1_PADDING }
    case 'rsa-pss':
      return {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: scheme.salt === 'auto' ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_DIGEST,
      }
    case 'ecdsa':
      return { dsaEncoding: scheme.encoding }
    case 'ed25519':
      return {}
  }
}
