/**
 * Headers of the request that a decision is made for, under both names by which policies call it. As Go's
 * `Header.Values(name)[0]` over a map of canonical names: only a name in canonical form finds anything.
 */
import { canonicalHeader } from './canonical-header.ts'
import type { Extension } from './extension.ts'

export const getHeader = header('get_header')
export const externalHttpHeader = header('external.http.header')

function header(name: string): Extension {
  return {
    name,
    decl: { args: [{ type: 'string' }], result: { type: 'string' } },
    kind: 'read',
    doc: 'The first value of a request header by its canonical name (`Accept-Language`); `""` when there is none.',
    impl: ([key], context) => {
      if (typeof key !== 'string') return undefined
      return canonicalHeader(key) === key ? context.header(key) : ''
    },
  }
}
