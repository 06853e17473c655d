import { expect, test } from 'vitest'
import { crypto } from '../../../extensions/opa/crypto.ts'
import { disagreements, type Call } from './oracle.ts'

const texts = ['""', '"x"', '"é😀"', '"a\\u0000b"']

test('digests and codes are those of OPA', async () => {
  const calls: Call[] = texts.flatMap((text): Call[] => [
    ...['md5', 'sha1', 'sha256'].map((name): Call => [`crypto.${name}`, text]),
    ...texts.flatMap((key): Call[] => [
      ...['md5', 'sha1', 'sha256', 'sha512'].map((name): Call => [`crypto.hmac.${name}`, text, key]),
      ['crypto.hmac.equal', text, key],
    ]),
  ])
  expect(await disagreements(crypto, calls)).toEqual([])
})
