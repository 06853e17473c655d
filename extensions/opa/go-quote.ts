/** Quoted strings and runes as Go's `strconv` writes them. */

/** Letters, marks, numbers, punctuation, symbols and the ASCII space: what Go calls printable. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

export const isPrintable = (char: string): boolean => printable.test(char)

const short: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

export interface QuoteOptions {
  readonly quote?: '"' | "'"
  readonly ascii?: boolean
}

/** `strconv.Quote`; with `ascii`, `QuoteToASCII`; with another quote, `QuoteRune`. */
export function goQuote(text: string, { quote = '"', ascii = false }: QuoteOptions = {}): string {
  let out = quote as string
  for (const char of text) out += escape(char, quote, ascii)
  return out + quote
}

function escape(char: string, quote: string, ascii: boolean): string {
  if (char === quote || char === '\\') return `\\${char}`
  const code = char.codePointAt(0) ?? 0
  if (isPrintable(char) && (!ascii || code < 0x80)) return char
  return short[char] ?? hexEscape(code)
}

function hexEscape(code: number): string {
  const hex = code.toString(16)
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, '0')}`
  if (code >= 0xd800 && code < 0xe000) return '\\ufffd'
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

/** Whether Go would write it between backquotes for `%#q`. */
// oxlint-disable-next-line no-control-regex
export const canBackquote = (text: string): boolean => !/[\0-\u0008\n-\u001f`\u007f\ufeff]/.test(text)
