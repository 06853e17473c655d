/**
 * Chains from a leaf to a root, as Go's `Certificate.Verify` builds them: signatures, validity, CA flags, path lengths,
 * policies, extended key usage, name constraints. No revocation. SHA-1 and MD5 signatures count for nothing.
 */
import { BuiltinError } from '../values.ts'
import { verifies, type SignatureScheme } from '../signatures.ts'
import type { Certificate } from './certificate.ts'
import { speaksFor } from './host-names.ts'
import { checkClaim, claimOf } from './name-constraints.ts'
import { policiesHold } from './policy-graph.ts'
import type { SignatureAlgorithm } from './signature-algorithm.ts'
import { dotted } from '../der.ts'

export interface VerifyOptions {
  readonly dnsName?: string
  /** Nanoseconds since the epoch. */
  readonly now: bigint
  /** Numbers of Go's `x509.ExtKeyUsage`; none: server authentication. */
  readonly keyUsages?: readonly number[]
}

const anyUsage = 0
const serverAuth = 1
/** Chains are short; more than this is an attack. */
const maxSignatureChecks = 100

interface Pool {
  readonly root: Certificate
  readonly intermediates: readonly Certificate[]
}

/** The first chain that holds, from the leaf to the root; throws when there is none. */
export function verifyChain(leaf: Certificate, pool: Pool, options: VerifyOptions): readonly Certificate[] {
  if (!isAcceptable(leaf, { chain: [], now: options.now, intermediate: false })) throw refused('the leaf is not valid')
  const { dnsName = '', keyUsages = [] } = options
  if (dnsName !== '' && !speaksFor(leaf.names, dnsName)) throw refused('not valid for this name')
  const usages = keyUsages.length === 0 ? [serverAuth] : keyUsages
  const chains = leaf.raw.equals(pool.root.raw) ? [[leaf]] : buildChains(leaf, pool, options.now)
  const good = chains.find((chain) => policiesHold(chain) && allowsUsage(chain, usages) && namesAllowed(chain))
  if (good === undefined) throw refused('no chain to the root holds')
  return good
}

const refused = (why: string): BuiltinError => new BuiltinError(`x509: ${why}`)

function buildChains(leaf: Certificate, pool: Pool, now: bigint): Certificate[][] {
  let checks = 0
  const chains: Certificate[][] = []

  function extend(chain: readonly Certificate[], child: Certificate): void {
    for (const candidate of candidates(child, [pool.root])) {
      if (isParent({ chain, child, candidate, intermediate: false })) chains.push([...chain, candidate])
    }
    for (const candidate of candidates(child, pool.intermediates)) {
      if (isParent({ chain, child, candidate, intermediate: true })) extend([...chain, candidate], candidate)
    }
  }

  function isParent({ chain, child, candidate, intermediate }: Step): boolean {
    checks++
    return (
      checks <= maxSignatureChecks &&
      !isInChain(candidate, chain) &&
      hasSigned(candidate, child) &&
      isAcceptable(candidate, { chain, now, intermediate })
    )
  }

  extend([leaf], leaf)
  return chains
}

interface Step {
  readonly chain: readonly Certificate[]
  readonly child: Certificate
  readonly candidate: Certificate
  readonly intermediate: boolean
}

/** By name: those first whose key identifier is the one that the child names, then those where one of the two has none. */
function candidates(child: Certificate, pool: readonly Certificate[]): Certificate[] {
  const wanted = child.authorityKeyId ?? Buffer.alloc(0)
  const rank = ({ subjectKeyId = Buffer.alloc(0) }: Certificate): number => {
    if (subjectKeyId.equals(wanted)) return 0
    return subjectKeyId.length === 0 || wanted.length === 0 ? 1 : 2
  }
  const named = pool.filter(({ rawSubject }) => rawSubject.equals(child.rawIssuer))
  return named.toSorted((a, b) => rank(a) - rank(b))
}

/** The same subject, key and alternative names: cross-signed certificates would go round in circles. */
function isInChain(candidate: Certificate, chain: readonly Certificate[]): boolean {
  const names = namesExtension(candidate)
  for (const { rawSubject, publicKeyInfo, extensions } of chain) {
    if (!rawSubject.equals(candidate.rawSubject) || !publicKeyInfo.equals(candidate.publicKeyInfo)) continue
    const own = namesExtension({ extensions })
    if (own === undefined || names === undefined) return own === names
    if (own.equals(names)) return true
  }
  return false
}

const namesExtension = ({ extensions }: Pick<Certificate, 'extensions'>): Buffer | undefined =>
  extensions.find(({ id }) => dotted(id) === '2.5.29.17')?.value

const certSign = 1 << 5

function hasSigned(parent: Certificate, child: Certificate): boolean {
  const { basicConstraints, keyUsage, version, publicKey } = parent
  if (basicConstraints === undefined ? version === 3 : !basicConstraints.isCa) return false
  if (keyUsage !== 0 && (keyUsage & certSign) === 0) return false
  const scheme = schemeOf(child.signatureAlgorithm)
  if (publicKey.key === undefined || scheme === undefined) return false
  if (publicKey.key.kind !== child.signatureAlgorithm.key) return false
  return verifies(publicKey.key.key(), scheme, { data: child.signed, signature: child.signature })
}

function schemeOf({ key, hash, pss }: SignatureAlgorithm): SignatureScheme | undefined {
  if (key === 'ed25519') return { kind: 'ed25519' }
  if (hash === undefined || hash === 'md5' || hash === 'sha1') return undefined
  if (key === 'rsa') return pss ? { kind: 'rsa-pss', hash, salt: 'digest' } : { kind: 'rsa', hash }
  return key === 'ecdsa' ? { kind: 'ecdsa', hash, encoding: 'der' } : undefined
}

interface Place {
  readonly chain: readonly Certificate[]
  readonly now: bigint
  readonly intermediate: boolean
}

/** May the certificate come next in the chain. */
function isAcceptable(certificate: Certificate, { chain, now, intermediate }: Place): boolean {
  const { basicConstraints, notBefore, notAfter, unhandled } = certificate
  const isCurrent = now >= BigInt(notBefore.at) * 1_000_000n && now <= BigInt(notAfter.at) * 1_000_000n
  if (unhandled.length > 0 || !isCurrent) return false
  if (intermediate && basicConstraints?.isCa !== true) return false
  const limit = basicConstraints?.maxPathLength ?? -1
  return limit < 0 || chain.length - 1 <= limit
}

/** Some wanted usage that every certificate allows which restricts its usage at all. */
function allowsUsage(chain: readonly Certificate[], wanted: readonly number[]): boolean {
  if (wanted.includes(anyUsage)) return true
  const restricting = chain.filter(
    ({ extendedKeyUsage, unknownKeyUsage }) =>
      extendedKeyUsage.length + unknownKeyUsage.length > 0 && !extendedKeyUsage.includes(anyUsage),
  )
  return wanted.some((usage) => restricting.every(({ extendedKeyUsage }) => extendedKeyUsage.includes(usage)))
}

/** The names of a certificate are subject to the constraints of all above it. */
function namesAllowed(chain: readonly Certificate[]): boolean {
  const isConstraining = ({ extensions }: Certificate): boolean =>
    extensions.some(({ id }) => dotted(id) === '2.5.29.30')
  try {
    for (const [i, certificate] of chain.entries()) {
      const above = chain.slice(i + 1).filter(isConstraining)
      if (above.length === 0 || namesExtension(certificate) === undefined) continue
      const claim = claimOf(certificate.names)
      for (const { nameConstraints } of above) checkClaim(nameConstraints, claim)
    }
    return true
  } catch {
    return false
  }
}
