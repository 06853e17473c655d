/** Whether a text is one address of RFC 5322, as Go's `mail.ParseAddress` has it: with or without a name, or a group of one. */
import { parseAddress as parseIp } from '../net/address.ts'

class NoAddress extends Error {}

export function isEmail(text: string): boolean {
  try {
    return createParser(text).isSingle()
  } catch (error) {
    if (error instanceof NoAddress) return false
    throw error
  }
}

const quoted = /"((?:[!#-[\]-~\u0080-\u{10ffff} \t]|\\[!-~\u0080-\u{10ffff} \t])*)"/uy
const atom = /[!#-'*+\-./0-9=?A-Z^-~\u0080-\u{10ffff}]+/uy
const literal = /\[([!-Z^-~\u0080-\u{10ffff}]*)\]/uy

function createParser(text: string) {
  let at = 0

  function take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at
    const found = pattern.exec(text) ?? undefined
    if (found !== undefined) at = pattern.lastIndex
    return found
  }

  const consume = (char: string): boolean => text[at] === char && ++at > 0
  const expect = (holds: boolean): void => {
    if (!holds) throw new NoAddress()
  }
  const skipSpace = (): void => void take(/[ \t]*/y)

  /** Behind the opening parenthesis. */
  function comment(): string {
    let inside = ''
    for (let depth = 1; ; at++) {
      expect(at < text.length)
      if (text[at] === '\\' && at + 1 < text.length) at++
      else if (text[at] === '(') depth++
      else if (text[at] === ')') depth--
      if (depth === 0) break
      inside += text[at]
    }
    at++
    return inside
  }

  function skipComments(): void {
    skipSpace()
    while (consume('(')) {
      comment()
      skipSpace()
    }
  }

  /** `local@domain` */
  function isSpec(): boolean {
    const start = at
    skipSpace()
    const local = text[at] === '"' ? take(quoted)?.[1] : dotAtom()
    const found = local !== undefined && local !== '' && consume('@') && isDomain()
    if (!found) at = start
    return found
  }

  function dotAtom(): string | undefined {
    const found = take(atom)?.[0]
    return found === undefined || /^\.|\.\.|\.$/.test(found) ? undefined : found
  }

  function isDomain(): boolean {
    skipSpace()
    if (text[at] !== '[') return dotAtom() !== undefined
    const address = take(literal)?.[1]
    return address !== undefined && parseIp(address) !== undefined
  }

  /** Words, at least one; what cannot be read after the first is left to the caller. */
  function skipPhrase(): void {
    for (let words = 0; ; words++) {
      if (words > 0) skipComments()
      skipSpace()
      const word = text[at] === '"' ? take(quoted)?.[0] : take(atom)?.[0]
      const readable = word !== undefined && !isForeign(word)
      expect(readable || words > 0)
      if (!readable) return
    }
  }

  /** How many addresses were there. */
  function addresses(inGroup: boolean): number {
    skipSpace()
    expect(at < text.length)
    if (isSpec()) {
      skipSpace()
      if (consume('('))
        expect(
          !comment()
            .split(/[ \t]+/)
            .some(isForeign),
        )
      return 1
    }
    if (text[at] !== '<') skipPhrase()
    skipSpace()
    if (!inGroup && consume(':')) return group()
    expect(consume('<') && isSpec() && consume('>'))
    return 1
  }

  function group(): number {
    skipSpace()
    let count = 0
    if (!consume(';')) {
      do {
        skipSpace()
        count += addresses(true)
        skipComments()
      } while (consume(','))
      expect(consume(';'))
    }
    skipComments()
    return count
  }

  return {
    isSingle: (): boolean => {
      const count = addresses(false)
      skipComments()
      return count === 1 && at === text.length
    },
  }
}

/** An encoded word (RFC 2047) in a character set that Go does not know. */
function isForeign(word: string): boolean {
  const [, charset = '', encoding = '', content = ''] = /^=\?([^?]+)\?([bq])\?([^?]*)\?=$/i.exec(word) ?? []
  if (charset === '' || /^(?:utf-8|iso-8859-1|us-ascii)$/i.test(charset)) return false
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(content)
  return encoding.toLowerCase() === 'b' ? isBase64 : /^(?:=[0-9A-Fa-f]{2}|[ -<>-~\t])*$/.test(content)
}
