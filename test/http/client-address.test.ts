import { describe, expect, it } from 'vitest'
import { addressKey, createAddressOf } from '../../src/http/client.ts'

describe('the address of a client', () => {
  it('is that of its connection, whatever it writes into X-Forwarded-For', () => {
    const of = createAddressOf([])
    expect(of('192.0.2.1', '10.9.9.9')).toBe('192.0.2.1')
    expect(of('::ffff:192.0.2.1', undefined)).toBe('192.0.2.1')
    expect(of(undefined, '10.9.9.9')).toBeNull()
  })

  it('is what trusted proxies say, and of that the last that no client can have written', () => {
    const of = createAddressOf(['10.0.0.0/8', '::1'])
    expect(of('10.0.0.1', '203.0.113.7')).toBe('203.0.113.7')
    expect(of('10.0.0.1', '1.2.3.4, 203.0.113.7, 10.0.0.2')).toBe('203.0.113.7')
    expect(of('::1', '203.0.113.7:5123')).toBe('203.0.113.7')
    expect(of('::1', '[2001:db8::5]:5123')).toBe('2001:db8::5')
    expect(of('192.0.2.1', '203.0.113.7')).toBe('192.0.2.1')
    expect(of('10.0.0.1', undefined)).toBe('10.0.0.1')
    expect(of('10.0.0.1', 'unknown')).toBe('10.0.0.1')
    expect(of('10.0.0.1', '203.0.113.7, nonsense')).toBe('10.0.0.1')
  })

  it('counts by network where one customer has a whole one', () => {
    expect(addressKey('192.0.2.1')).toBe('192.0.2.1')
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2')
    expect(addressKey('2001:db8:1:2::9')).toBe(addressKey('2001:0db8:1:2:ffff::1'))
    expect(addressKey('::1')).toBe('0:0:0:0')
    expect(addressKey(null)).toBe('')
  })
})
