import { createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { x509 } from '../../../extensions/opa/x509.ts'
import { contextOf } from '../context.ts'
import { ed25519Key, forbidden, intermediate, leaf, leafKey, request, root, rsaKey } from './certificates.ts'
import { compare, disagreements, type Call } from './oracle.ts'

const quoted = (value: unknown): string => JSON.stringify(value)
const bytes = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----.*-----|\n/g, ''), 'base64')
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const chain = root + intermediate + leaf

test('certificates show every field that Go shows, from PEM and from DER', async () => {
  const texts = [
    chain,
    base64(chain),
    ...[root, intermediate, leaf].map((pem) => bytes(pem).toString('base64')),
    '',
    'x',
  ]
  const calls = texts.map((text): Call => ['crypto.x509.parse_certificates', quoted(text)])
  expect(await disagreements(x509, calls)).toEqual([])
})

/** The same damage in each run. */
function damaged(der: Buffer, count: number): Buffer[] {
  let seed = 1
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  return Array.from({ length: count }, () => {
    const copy = Buffer.from(der)
    const at = next(copy.length)
    const how = next(4)
    if (how === 0) return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)])
    if (how === 1) return Buffer.concat([copy.subarray(0, at), Buffer.from([next(256)]), copy.subarray(at)])
    copy[at] = how === 2 ? next(256) : (copy[at] ?? 0) ^ (1 << next(8))
    return copy
  })
}

test('what is damaged is refused, or understood, just as OPA does', async () => {
  const certificates = [root, intermediate, leaf].flatMap((pem) => damaged(bytes(pem), 150))
  const calls: Call[] = [
    ...certificates.map((der): Call => ['crypto.x509.parse_certificates', quoted(der.toString('base64'))]),
    ...damaged(bytes(request), 150).map((der): Call => [
      'crypto.x509.parse_certificate_request',
      quoted(der.toString('base64')),
    ]),
    ...damaged(bytes(rsaKey), 150).map((der): Call => [
      'crypto.parse_private_keys',
      quoted(`-----BEGIN RSA PRIVATE KEY-----\n${der.toString('base64')}\n-----END RSA PRIVATE KEY-----\n`),
    ]),
  ]
  expect(await disagreements(x509, calls)).toEqual([])
}, 30_000)

const year2030 = Date.UTC(2030, 0) * 1e6

test('a chain holds for the names, times and usages for which it does in OPA', async () => {
  const options = [
    { DNSName: 'www.example.com' },
    { DNSName: 'WWW.example.com.' },
    { DNSName: 'a.api.example.com' },
    { DNSName: 'a.b.api.example.com' },
    { DNSName: '10.1.2.3' },
    { DNSName: '[10.1.2.3]' },
    { DNSName: 'Leaf' },
    { CurrentTime: 0 },
    { KeyUsages: ['KeyUsageClientAuth'] },
    { KeyUsages: ['KeyUsageAny'] },
    { KeyUsages: ['KeyUsageClientAuth', 'KeyUsageServerAuth'] },
    { KeyUsages: ['unknown'] },
    { MaxConstraintComparisons: 1 },
    { unknown: 1 },
  ]
  const chains = [chain, root + intermediate + forbidden, root + leaf, intermediate + leaf, root + root, root, 'x']
  const calls = chains.flatMap((text) =>
    options.map((option): Call => [
      'crypto.x509.parse_and_verify_certificates_with_options',
      quoted(text),
      quoted({ CurrentTime: year2030, ...option }),
    ]),
  )
  const answers = await compare(x509, calls)
  expect(answers.filter(({ opa, ours }) => opa !== ours)).toEqual([])
  expect(answers.filter(({ ours }) => ours.startsWith('[true')).length).toBeGreaterThan(5)
})

test('without a time a chain is judged at the time of the decision', () => {
  const verify = x509.find(({ name }) => name === 'crypto.x509.parse_and_verify_certificates')
  const at = (year: number): unknown =>
    verify?.impl([chain], contextOf({ clock: () => BigInt(Date.UTC(year, 0)) * 1_000_000n }))
  expect(at(2030)).toMatchObject([true, [{}, {}, {}]])
  expect(at(2020)).toEqual([false, []])
  expect(at(2200)).toEqual([false, []])
})

test('requests and private keys show what Go shows', async () => {
  const pkcs8 = (pem: string): string => createPrivateKey(pem).export({ format: 'pem', type: 'pkcs8' }).toString()
  const keys = [
    leafKey,
    rsaKey,
    ed25519Key,
    pkcs8(leafKey),
    pkcs8(rsaKey),
    rsaKey + leafKey,
    root + rsaKey,
    root,
    '',
    'x',
  ]
  const calls: Call[] = [
    ...[request, base64(request), bytes(request).toString('base64'), root, 'x'].map((text): Call => [
      'crypto.x509.parse_certificate_request',
      quoted(text),
    ]),
    ...keys.flatMap((text): Call[] => [
      ['crypto.parse_private_keys', quoted(text)],
      ['crypto.x509.parse_rsa_private_key', quoted(text)],
      ['crypto.x509.parse_rsa_private_key', quoted(base64(text))],
      ['crypto.x509.parse_keypair', quoted(leaf), quoted(text)],
      ['crypto.x509.parse_keypair', quoted(base64(chain)), quoted(base64(text))],
    ]),
  ]
  expect(await disagreements(x509, calls)).toEqual([])
})

test('a megabyte of nonsense is refused quickly', () => {
  const parse = x509.find(({ name }) => name === 'crypto.x509.parse_certificates')
  const text = Buffer.concat([Buffer.from('3083100000', 'hex'), Buffer.alloc(1_048_576, 0x30)]).toString('base64')
  const started = performance.now()
  expect(() => parse?.impl([text], contextOf())).toThrow('malformed')
  expect(performance.now() - started).toBeLessThan(2000)
})
