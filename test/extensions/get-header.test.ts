import { describe, expect, it } from 'vitest'
import { canonicalHeader } from '../../extensions/canonical-header.ts'
import { externalHttpHeader, getHeader } from '../../extensions/get-header.ts'
import { contextOf } from './context.ts'

describe('the canonical form of a header name', () => {
  it.each([
    ['accept-encoding', 'Accept-Encoding'],
    ['ACCEPT-LANGUAGE', 'Accept-Language'],
    ['fOO', 'Foo'],
    ['x-loCATion', 'X-Location'],
    ['www-authenticate', 'Www-Authenticate'],
    ['etag', 'Etag'],
    ['-a--b-', '-A--B-'],
    ["a!#$%&'*+.^_`|~1b", "A!#$%&'*+.^_`|~1b"],
    ['1a-2B', '1a-2b'],
    ['x_fOO', 'X_foo'],
    ['', ''],
  ])('of %j is %j', (name, canonical) => {
    expect(canonicalHeader(name)).toBe(canonical)
    expect(canonicalHeader(canonical)).toBe(canonical)
  })

  it.each(['a b', ' host', 'host ', 'a:b', 'ä-b', 'a\tb', 'a/b', 'a(b)', 'a"b', 'a\nb'])('leaves %j alone', (name) => {
    expect(canonicalHeader(name)).toBe(name)
  })
})

describe.each([getHeader, externalHttpHeader])('$name', ({ impl }) => {
  const headers: Record<string, string> = {
    Host: 'example.org',
    'X-Name': 'José',
  }
  const context = contextOf({ header: (name) => headers[name] ?? '' })

  it('finds a header by its canonical name alone', () => {
    expect(impl(['Host'], context)).toBe('example.org')
    for (const name of ['host', 'HOST', 'Host ', 'X-None', '', 'toString']) expect(impl([name], context)).toBe('')
  })

  it('hands a value on as it is', () => {
    expect(impl(['X-Name'], context)).toBe('José')
  })

  it('is undefined for what is no string', () => {
    for (const name of [1, null, true, []]) expect(impl([name], context)).toBeUndefined()
    expect(impl([], context)).toBeUndefined()
  })
})
