/**
 * JSON text as a Rego value, read as Go's `encoding/json` reads it: strict (RFC 8259), every digit kept, of several
 * members with one name the last one counts, and a lone surrogate becomes U+FFFD. Throws a SyntaxError.
 */
import { numberOf } from './compare.ts'
import { RegoObject, type RegoValue } from './extension.ts'

const token = /[ \t\n\r]*([[\]{},:]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|"(?:[^"\\]|\\.)*")/y

export function parseJson(text: string): RegoValue {
  let at = 0

  /** The next token; empty at the end. */
  function next(): string {
    token.lastIndex = at
    const found = token.exec(text)?.[1]
    if (found === undefined) {
      if (/[^ \t\n\r]/.test(text.slice(at))) throw new SyntaxError(`not JSON at ${at}`)
      return ''
    }
    at = token.lastIndex
    return found
  }

  function value(first: string): RegoValue {
    switch (first) {
      case '{':
        return object()
      case '[':
        return array()
      case 'true':
        return true
      case 'false':
        return false
      case 'null':
        return null
      default:
        return first.startsWith('"') ? string(first) : number(first)
    }
  }

  function number(literal: string): RegoValue {
    if (!/^[-\d]/.test(literal)) throw new SyntaxError(`not JSON: unexpected "${literal}" before ${at}`)
    return numberOf(literal)
  }

  function string(literal: string): string {
    if (!literal.startsWith('"')) throw new SyntaxError(`not JSON: expected a name before ${at}`)
    return String(JSON.parse(literal)).replace(/\p{Surrogate}/gu, '\ufffd')
  }

  function array(): RegoValue[] {
    const items: RegoValue[] = []
    let token = next()
    if (token === ']') return items
    for (;;) {
      items.push(value(token))
      token = next()
      if (token === ']') return items
      expect(token, ',')
      token = next()
    }
  }

  function object(): RegoObject {
    const members = new Map<string, RegoValue>()
    let token = next()
    while (token !== '}') {
      const name = string(token)
      expect(next(), ':')
      members.set(name, value(next()))
      token = next()
      if (token === '}') break
      expect(token, ',')
      token = next()
      if (token === '}') throw new SyntaxError(`not JSON: a comma before } at ${at}`)
    }
    return new RegoObject([...members])
  }

  const expect = (token: string, wanted: string): void => {
    if (token !== wanted) throw new SyntaxError(`not JSON: expected "${wanted}" before ${at}`)
  }

  const result = value(next())
  if (next() !== '') throw new SyntaxError(`not JSON: more than one value, at ${at}`)
  return result
}
