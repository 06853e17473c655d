/** The signature algorithms of X.509, with their numbers in Go (`x509.SignatureAlgorithm`). */
import { dotted, readDer, tags, type DerReader } from '../der.ts'
import { readAlgorithm, type AlgorithmIdentifier, type KeyKind } from './public-key.ts'

export interface SignatureAlgorithm {
  readonly number: number
  readonly key: KeyKind | undefined
  /** As node:crypto names it; undefined where the algorithm hashes itself, or none is known. */
  readonly hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | undefined
  readonly pss: boolean
}

const algorithm = (
  number: number,
  key: SignatureAlgorithm['key'],
  hash?: SignatureAlgorithm['hash'],
  pss = false,
): SignatureAlgorithm => ({ number, key, hash, pss })

const unknown = algorithm(0, undefined)

const byOid: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.113549.1.1.4', algorithm(2, 'rsa', 'md5')],
  ['1.2.840.113549.1.1.5', algorithm(3, 'rsa', 'sha1')],
  ['1.3.14.3.2.29', algorithm(3, 'rsa', 'sha1')],
  ['1.2.840.113549.1.1.11', algorithm(4, 'rsa', 'sha256')],
  ['1.2.840.113549.1.1.12', algorithm(5, 'rsa', 'sha384')],
  ['1.2.840.113549.1.1.13', algorithm(6, 'rsa', 'sha512')],
  ['1.2.840.10040.4.3', algorithm(7, 'dsa', 'sha1')],
  ['2.16.840.1.101.3.4.3.2', algorithm(8, 'dsa', 'sha256')],
  ['1.2.840.10045.4.1', algorithm(9, 'ecdsa', 'sha1')],
  ['1.2.840.10045.4.3.2', algorithm(10, 'ecdsa', 'sha256')],
  ['1.2.840.10045.4.3.3', algorithm(11, 'ecdsa', 'sha384')],
  ['1.2.840.10045.4.3.4', algorithm(12, 'ecdsa', 'sha512')],
  ['1.3.101.112', algorithm(16, 'ed25519')],
])

const byPssHash: ReadonlyMap<string, { readonly found: SignatureAlgorithm; readonly salt: bigint }> = new Map([
  ['2.16.840.1.101.3.4.2.1', { found: algorithm(13, 'rsa', 'sha256', true), salt: 32n }],
  ['2.16.840.1.101.3.4.2.2', { found: algorithm(14, 'rsa', 'sha384', true), salt: 48n }],
  ['2.16.840.1.101.3.4.2.3', { found: algorithm(15, 'rsa', 'sha512', true), salt: 64n }],
])

const rsaPss = '1.2.840.113549.1.1.10'
const ed25519 = '1.3.101.112'

export function signatureAlgorithm(identifier: AlgorithmIdentifier): SignatureAlgorithm {
  if (identifier.oid === rsaPss) return pssAlgorithm(identifier)
  if (identifier.oid === ed25519 && identifier.parameters.length > 0) return unknown
  return byOid.get(identifier.oid) ?? unknown
}

/** Only where mask and message have the same hash and the salt has its length (RFC 3447, A.2.3). */
function pssAlgorithm({ parameters }: AlgorithmIdentifier): SignatureAlgorithm {
  try {
    const reader = readDer(parameters).inside(tags.sequence)
    const hash = readAlgorithm(reader.inside(0xa0).inside(tags.sequence))
    const mask = reader.inside(0xa1).inside(tags.sequence)
    const maskOid = dotted(mask.oid())
    const maskHash = readAlgorithm(mask.inside(tags.sequence))
    const salt = reader.inside(0xa2).integer()
    const known = byPssHash.get(hash.oid)
    const fits = maskOid === '1.2.840.113549.1.1.8' && maskHash.oid === hash.oid && known?.salt === salt
    return fits && isBare(hash) && isBare(maskHash) && trailer(reader) === 1n ? (known?.found ?? unknown) : unknown
  } catch {
    return unknown
  }
}

const trailer = (reader: DerReader): bigint => (reader.next() === 0xa3 ? reader.inside(0xa3).integer() : 1n)

const isBare = ({ parameters }: AlgorithmIdentifier): boolean =>
  parameters.length === 0 || parameters.equals(Buffer.from([tags.null, 0]))
