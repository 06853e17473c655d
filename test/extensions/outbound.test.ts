import { describe, expect, it } from 'vitest'
import { isPublic, parseRule, permittedAddresses, RefusedError } from '../../extensions/outbound.ts'
import type { Outbound } from '../../extensions/extension.ts'

describe('an address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.167.1.1', '2606:4700::1111', '2a00:1450::1', '64:ff9b::8.8.8.8'])(
    'is public: %s',
    (address) => expect(isPublic(address)).toBe(true),
  )

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::169.254.169.254',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'not an address',
  ])('is none for the public: %s', (address) => expect(isPublic(address)).toBe(false))
})

describe('an allowed host', () => {
  it.each([
    ['api.example.org', { host: 'api.example.org', private: false }],
    ['API.Example.org:8443', { host: 'api.example.org', port: 8443, private: false }],
    ['127.0.0.1:8181', { host: '127.0.0.1', port: 8181, private: true }],
    ['[::1]:8181', { port: 8181, private: true }],
    ['::1', { private: true }],
  ])('is written %s', (text, rule) => expect(parseRule(text)).toMatchObject(rule))

  it.each(['', 'a b', 'http://x', 'x:0', 'x:65536', 'x:y', '[x]:1', 'x/y', ':80'])('is not written %j', (text) => {
    expect(parseRule(text)).toBeUndefined()
  })

  const outbound = (...texts: readonly string[]): Outbound => ({
    rules: texts.flatMap((text) => parseRule(text) ?? []),
    secret: () => undefined,
  })

  it('is one host and one port, in any spelling of an address', async () => {
    expect(await permittedAddresses(outbound('127.0.0.1:80'), '127.0.0.1', 80)).toEqual([
      { address: '127.0.0.1', family: 4 },
    ])
    expect(await permittedAddresses(outbound('[::1]:80'), '[0:0::1]', 80)).toEqual([{ address: '0:0::1', family: 6 }])
    await expect(permittedAddresses(outbound('127.0.0.1:80'), '127.0.0.1', 81)).rejects.toThrow(RefusedError)
    await expect(permittedAddresses(outbound('127.0.0.1'), '127.0.0.2', 80)).rejects.toThrow(RefusedError)
    await expect(permittedAddresses(outbound('example.org'), 'sub.example.org', 80)).rejects.toThrow(RefusedError)
    await expect(permittedAddresses(outbound('example.org'), 'notexample.org', 80)).rejects.toThrow(RefusedError)
  })

  it('has public addresses alone unless its rule says otherwise', async () => {
    await expect(permittedAddresses(outbound('localhost'), 'localhost', 80)).rejects.toThrow('not public')
    const rules = [{ host: 'localhost', private: true }]
    expect(await permittedAddresses({ rules, secret: () => undefined }, 'LOCALHOST', 80)).not.toEqual([])
  })
})
