/** Values as Go's `encoding/json` writes the fields of `crypto/x509` structures. */
import { RegoNumber, type RegoObject, type RegoValue } from '../../extension.ts'
import { objectOf } from '../values.ts'

/** A slice that nothing was appended to is nil, hence null. */
export const slice = <T>(items: readonly T[], value: (item: T) => RegoValue): RegoValue =>
  items.length === 0 ? null : items.map(value)

export const strings = (items: readonly string[]): RegoValue => slice(items, (item) => item)

/** A byte slice; undefined is nil. */
export const base64 = (bytes: Buffer | undefined): RegoValue => bytes?.toString('base64') ?? null

export const integer = (value: bigint): RegoValue =>
  BigInt.asIntN(53, value) === value ? Number(value) : new RegoNumber(`${value}`)

/** A structure none of whose fields are exported: an elliptic curve, a key of `crypto/ecdh`. */
export const opaque: RegoObject = objectOf({})
