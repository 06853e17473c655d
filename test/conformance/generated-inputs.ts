/** Inputs for the policies in `policies/`, by the name of the file. Nothing here meets a difference that is documented. */
import fc from 'fast-check'

type Inputs = fc.Arbitrary<unknown>

const integer = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }))
const decimal = fc.oneof(
  fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.constantFrom(10, 100, 1000)).map(([top, bottom]) => top / bottom),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }),
)
const number = fc.oneof(integer, decimal)
const word = fc.constantFrom('a', 'b', 'c', 'a/b', 'read', 'write', 'any', '', 'é', '😀', 'A.b-c_d 1')
const text = fc.oneof(word, fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 6 }))
const scalar = fc.oneof(fc.constant(null), fc.boolean(), integer, text)

/** Which characters can be printed depends on the version of Unicode, which Go and Node do not share. */
const settledCharacter = fc.constantFrom(
  ...Array.from('abzAZ019 _-/.,:;%&<>"\'\\\n\t\0\u007f\u00a0éßΩЖ漢字あ\u200b\ufeff\ufffd😀🚀'),
)
const settledText = fc.oneof(word, fc.string({ unit: settledCharacter, maxLength: 8 }))

function jsonOf(texts: fc.Arbitrary<string>): Inputs {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.oneof(fc.constant(null), fc.boolean(), integer, texts),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(texts, tie('value'), { maxKeys: 4 }),
    ),
  }))
  return value
}

const json = jsonOf(text)
const settledJson = jsonOf(settledText)

/** What the policy expects, now and then anything. */
const mostly = (wanted: Inputs, anything: Inputs): Inputs =>
  fc.oneof({ weight: 9, arbitrary: wanted }, { weight: 1, arbitrary: anything })

/** Now and then a member is missing. */
function record(shape: Readonly<Record<string, Inputs>>, anything = json): Inputs {
  const members = Object.entries(shape).map(([key, value]) => [key, mostly(value, anything)] as const)
  return mostly(fc.record(Object.fromEntries(members), { requiredKeys: [] }), anything)
}

const list = (item: Inputs): Inputs => fc.array(item, { maxLength: 6 })
const position = fc.integer({ min: -3, max: 8 })
const object = fc.dictionary(word, json, { maxKeys: 5 })
const byte = fc.integer({ min: 0, max: 255 })
const version = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.constantFrom('', '-rc.1', '-a', '+b'))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`)
const network = fc.tuple(byte, byte, fc.nat(32)).map(([a, b, bits]) => `10.${a}.${b}.0/${bits}`)
const size = fc
  .tuple(fc.integer({ min: -5, max: 5000 }), fc.constantFrom('', 'k', 'K', 'Ki', 'MB', 'mib', 'G', 'm', 'q', ' M'))
  .map(([amount, unit]) => `${amount}${unit}`)
const address = fc.webUrl({ withQueryParameters: true, withFragments: true })
const moment = fc
  .date({ min: new Date('1700-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const duration = fc
  .tuple(fc.nat(500), fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h', '', 'h3m', '.5s', 'd'))
  .map(([amount, unit]) => `${amount}${unit}`)

export const inputs: Readonly<Record<string, Inputs>> = {
  roles: record({
    user: fc.constantFrom('alice', 'bob', 'eve', 'nobody'),
    action: fc.constantFrom('read', 'write', 'any', 'none'),
    path: fc.constantFrom('/', '/public/x', '/private', ''),
  }),
  attributes: record({
    amount: fc.integer({ min: 0, max: 2000 }),
    numbers: list(fc.integer({ min: -200, max: 200 })),
    owner: word,
    user: word,
    items: list(record({ kind: fc.constantFrom('x', 'y', 'hidden'), name: word })),
    meta: record({ label: word }),
  }),
  values: record({ list: list(json), other: json }),
  numbers: record({
    a: number,
    b: fc.oneof(fc.integer({ min: -30, max: 30 }), decimal),
    list: list(fc.oneof(fc.integer({ min: -1000, max: 1000 }), decimal)),
    text: fc.oneof(
      word,
      fc.integer().map(String),
      fc.constantFrom('1e2', '-0.5', '0x10', ' 1', '12345678901234567890', '1a', '1e400'),
    ),
  }),
  strings: record({ s: text, t: text, from: position, length: position }),
  collections: record({ x: list(scalar), y: list(scalar), o: object, p: object, from: position, to: position }),
  host: record(
    {
      s: settledText,
      n: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 })),
      value: settledJson,
      other: settledJson,
      size,
      time: moment,
      duration,
      version,
      networks: list(network),
      uri: fc.oneof(address, settledText),
    },
    settledJson,
  ),
}

export const data = {
  users: {
    alice: { roles: ['reader', 'writer'], admin: false },
    bob: { roles: [], admin: true },
    eve: { roles: ['reader', 'ghost'] },
  },
  grants: {
    reader: [
      { action: 'read', under: '/public' },
      { action: 'any', under: '/' },
    ],
    writer: [{ action: 'write', under: '/' }],
  },
  actions: ['read', 'write', 'any', 'none'],
}
