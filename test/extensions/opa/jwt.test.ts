import { createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { jwt } from '../../../extensions/opa/jwt.ts'
import { parseJson } from '../../../extensions/parse-json.ts'
import { contextOf } from '../context.ts'
import { ed25519Key, leaf, leafKey, root, rsaKey } from './certificates.ts'
import { compare, disagreements, type Call } from './oracle.ts'

const quoted = (value: unknown): string => JSON.stringify(value)
const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const keys = { RS: createPrivateKey(rsaKey), ES: createPrivateKey(leafKey), Ed: createPrivateKey(ed25519Key) }
const publicKeys = Object.values(keys).map((key) => createPublicKey(key))
const pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()
const jwk = (key: KeyObject, more: object = {}): string => quoted({ ...key.export({ format: 'jwk' }), ...more })
const secret = Buffer.from('secret')

type Algorithm = 'HS256' | 'HS512' | 'RS256' | 'PS384' | 'ES256' | 'ES512' | 'EdDSA'

function signature(alg: Algorithm, text: string): Buffer {
  const hash = `sha${alg.slice(2)}`
  const data = Buffer.from(text)
  if (alg === 'EdDSA') return sign(null, data, keys.Ed)
  if (alg.startsWith('HS')) return createHmac(hash, secret).update(data).digest()
  if (alg.startsWith('ES')) return sign(hash, data, { key: keys.ES, dsaEncoding: 'ieee-p1363' })
  return sign(hash, data, alg.startsWith('PS') ? { key: keys.RS, padding: 6, saltLength: -1 } : { key: keys.RS })
}

/** Signed by `alg`, whatever the header says. */
function token(alg: Algorithm, header: unknown = { alg }, payload: unknown = { a: 1 }): string {
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${signature(alg, text).toString('base64url')}`
}

/** A builtin, with arguments as JSON. */
const ask = (name: string, ...args: readonly string[]): unknown =>
  jwt.find((one) => one.name === name)?.impl(args.map(parseJson), contextOf())

const algorithms: readonly Algorithm[] = ['HS256', 'HS512', 'RS256', 'PS384', 'ES256', 'ES512', 'EdDSA']
const verifiers = jwt.filter(({ name }) => name.startsWith('io.jwt.verify_')).map(({ name }) => name)

const keyTexts = [
  ...publicKeys.flatMap((key) => [pem(key), jwk(key), jwk(key, { alg: 'RS256', kid: 'k' }), `{"keys":[${jwk(key)}]}`]),
  jwk(keys.RS),
  leaf,
  leaf + root,
  quoted({ kty: 'oct', k: secret.toString('base64url') }),
  `{"keys":[${publicKeys.map((key) => jwk(key)).join()}]}`,
  'secret',
  '{}',
]

test('each algorithm takes the keys of its kind, and no other, as in OPA', async () => {
  const calls = algorithms.flatMap((alg) =>
    keyTexts.flatMap((key): Call[] => [
      ...verifiers.map((name): Call => [name, quoted(token(alg)), quoted(key)]),
      ...[{ alg }, { alg, kid: 'k' }, { alg: 'HS256' }].flatMap((header): Call[] => [
        ['io.jwt.decode_verify', quoted(token(alg, header)), quoted({ cert: key })],
      ]),
    ]),
  )
  const answers = await compare(jwt, calls)
  expect(answers.filter(({ opa, ours }) => opa !== ours)).toEqual([])
  expect(answers.filter(({ ours }) => /^(?:true|\[true)/.test(ours)).length).toBeGreaterThan(50)
}, 30_000)

test('a public key is no secret, and no algorithm is none', () => {
  const text = pem(createPublicKey(keys.RS))
  const signed = `${part({ alg: 'HS256' })}.${part({ admin: true })}`
  const forged = `${signed}.${createHmac('sha256', text).update(signed).digest('base64url')}`
  expect(ask('io.jwt.decode_verify', quoted(forged), quoted({ cert: text }))).toMatchObject([false, {}, {}])
  expect(ask('io.jwt.verify_rs256', quoted(forged), quoted(text))).toBe(false)
  const unsigned = `${part({ alg: 'none' })}.${part({ admin: true })}.`
  expect(ask('io.jwt.decode_verify', quoted(unsigned), quoted({ cert: text }))).toMatchObject([false, {}, {}])
})

const payloads = [
  { exp: 2e9 },
  { exp: 1e9 },
  { exp: 1.5e9, nbf: 1.5e9 },
  { exp: 1_500_000_000.5 },
  { exp: 'x' },
  { nbf: 1.6e9 },
  { nbf: null },
  { iss: 'i' },
  { aud: 'a' },
  { aud: ['b', 'a'] },
  { aud: [1] },
  { aud: 1 },
  '{"big":12345678901234567890123,"f":1.50,"a":1,"a":2}',
  '[1]',
  '{',
]

const constraints = [
  {},
  { iss: 'i' },
  { aud: 'a' },
  { aud: '' },
  { time: 0 },
  { time: 'x' },
  { time: -1 },
  { secret: '' },
  { unknown: 1 },
]

test('claims meet constraints as in OPA', async () => {
  const calls = payloads.flatMap((payload) =>
    constraints.map((constraint): Call => [
      'io.jwt.decode_verify',
      quoted(token('HS256', { alg: 'HS256' }, payload)),
      quoted({ secret: 'secret', time: 1.5e18, ...constraint }),
    ]),
  )
  expect(await disagreements(jwt, calls)).toEqual([])
})

test('a claim of another type than its constraint makes the call undefined', () => {
  // OPA panics here.
  const text = token('HS256', { alg: 'HS256' }, { iss: 1 })
  expect(() => ask('io.jwt.decode_verify', quoted(text), '{"secret":"secret","iss":"i"}')).toThrow('must be string')
})

test('without a time the decision’s own counts', () => {
  const verify = jwt.find(({ name }) => name === 'io.jwt.decode_verify')
  const at = (seconds: number): unknown =>
    verify?.impl(
      [token('HS256', { alg: 'HS256' }, { exp: 1000 }), parseJson('{"secret":"secret"}')],
      contextOf({ clock: () => BigInt(seconds) * 1_000_000_000n }),
    )
  expect(at(999)).toMatchObject([true, {}, {}])
  expect(at(1000)).toMatchObject([false, {}, {}])
})

const headers = [
  { crit: ['x'] },
  { crit: ['x'], x: 1 },
  { crit: [] },
  { crit: 1 },
  { typ: 1 },
  { kid: 1 },
  { enc: 'x' },
]
const broken = [
  '',
  'a',
  'a.b',
  '..',
  'e30.e30.',
  'e30=.e30=.eA',
  'e30.e30.e',
  'W10.e30.',
  'e30\n.e30.',
  'eyJhIjoi_yJ9.e30.',
]

test('odd headers, nested tokens and what is no token at all', async () => {
  const inner = token('HS256')
  const nested = ['JWT', 'jwt', 'text'].flatMap((cty) =>
    [inner, `"${inner}"`].map((payload) => token('HS256', { alg: 'HS256', cty }, payload)),
  )
  const odd = headers.map((header) => token('HS256', { alg: 'HS256', ...header }))
  const calls = [...nested, ...odd, ...broken].flatMap((text): Call[] => [
    ['io.jwt.decode', quoted(text)],
    ['io.jwt.decode_verify', quoted(text), '{"secret":"secret"}'],
    ['io.jwt.verify_hs256', quoted(text), '"secret"'],
  ])
  expect(await disagreements(jwt, calls)).toEqual([])
})

test('tokens are signed as OPA signs them, where signing is not left to chance', async () => {
  const signers = [quoted({ kty: 'oct', k: 'c2VjcmV0' }), jwk(keys.RS), jwk(keys.Ed), '{"kty":"oct"}', '{"keys":[]}']
  const calls = signers.flatMap((key) =>
    ['HS256', 'RS256', 'RS512', 'EdDSA', 'none']
      .filter((alg) => key !== jwk(keys.Ed) || alg !== 'HS256')
      .flatMap((alg): Call[] => [
        ['io.jwt.encode_sign', quoted({ alg, typ: 'JWT' }), quoted({ b: '<é>', a: [1.5, null] }), key],
        ...['{"a": 1}', 'no json'].flatMap((payload): Call[] => [
          ['io.jwt.encode_sign_raw', quoted(quoted({ alg })), quoted(payload), quoted(key)],
          ['io.jwt.encode_sign_raw', quoted(quoted({ alg, typ: 'text' })), quoted(payload), quoted(key)],
        ]),
      ]),
  )
  expect(await disagreements(jwt, calls)).toEqual([])
})

test('what is signed by chance verifies', () => {
  for (const [alg, key] of [
    ['ES256', keys.ES],
    ['PS512', keys.RS],
  ] as const) {
    const signed = ask('io.jwt.encode_sign', quoted({ alg }), '{"a":1}', jwk(key))
    const constraint = quoted({ cert: pem(createPublicKey(key)) })
    expect(ask('io.jwt.decode_verify', quoted(signed), constraint)).toMatchObject([true, {}, {}])
  }
})

test('a private key of another kind never serves as a secret', () => {
  // OPA signs by HMAC with an Ed25519 key.
  expect(() => ask('io.jwt.encode_sign', quoted({ alg: 'HS256' }), '{}', jwk(keys.Ed))).toThrow('cannot sign by HS256')
})
