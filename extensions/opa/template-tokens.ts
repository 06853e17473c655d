/** Go's `text/template`, first step: text and the tokens of actions. https://pkg.go.dev/text/template */
import { BuiltinError } from './values.ts'

export interface Token {
  readonly kind: 'word' | 'field' | 'variable' | 'number' | 'string' | 'space' | 'mark'
  readonly text: string
}

export type Piece = { readonly text: string } | { readonly action: readonly Token[] }

const token = new RegExp(
  [
    '(?<space>[ \\t\\r\\n]+)',
    '(?<string>"(?:[^"\\\\\\n]|\\\\.)*"|`[^`]*`)',
    "(?<number>'(?:[^'\\\\\\n]|\\\\.[^']*)'|[-+]?(?:0[xX][\\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\\d[\\d_]*\\.?\\d*(?:[eE][-+]?\\d+)?|\\.\\d+(?:[eE][-+]?\\d+)?)(?![\\p{L}\\p{N}_]))",
    '(?<field>\\.[\\p{L}_][\\p{L}\\p{N}_]*)',
    '(?<variable>\\$[\\p{L}\\p{N}_]*)',
    '(?<word>[\\p{L}_][\\p{L}\\p{N}_]*)',
    '(?<mark>:=|[=|(),.])',
  ].join('|'),
  'uy',
)

/** `{{-` and `-}}` take the white space beside them away. */
export function tokenize(template: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trim = false
  while (at < template.length) {
    const open = template.indexOf('{{', at)
    const raw = template.slice(at, open === -1 ? template.length : open)
    const trimsLeft = open !== -1 && /^-[ \t\r\n]/.test(template.slice(open + 2, open + 4))
    const left = trim ? raw.replace(/^[ \t\r\n]+/, '') : raw
    pieces.push({ text: trimsLeft ? left.replace(/[ \t\r\n]+$/, '') : left })
    if (open === -1) break
    const start = open + 2 + (trimsLeft ? 2 : 0)
    const action = template.startsWith('/*', start) ? comment(template, start) : readAction(template, start)
    if (action.tokens.length > 0 || !template.startsWith('/*', start)) pieces.push({ action: action.tokens })
    at = action.end
    trim = action.trim
  }
  return pieces
}

interface Action {
  readonly tokens: readonly Token[]
  readonly end: number
  readonly trim: boolean
}

function comment(template: string, start: number): Action {
  const close = template.indexOf('*/', start)
  const [end] = /^(?:[ \t\r\n]-)?\}\}/.exec(template.slice(close + 2)) ?? []
  if (close === -1 || end === undefined) throw new BuiltinError('unclosed comment')
  return { tokens: [], end: close + 2 + end.length, trim: end.length > 2 }
}

function readAction(template: string, start: number): Action {
  const tokens: Token[] = []
  let at = start
  for (;;) {
    const [close] = /^(?:[ \t\r\n]-)?\}\}/.exec(template.slice(at, at + 4)) ?? []
    if (close !== undefined) return { tokens, end: at + close.length, trim: close.length > 2 }
    token.lastIndex = at
    const found = token.exec(template)
    if (found === null) throw new BuiltinError('unexpected character or unclosed action in template')
    tokens.push(tokenOf(found))
    at = token.lastIndex
  }
}

function tokenOf(found: RegExpExecArray): Token {
  const [kind] = Object.entries(found.groups ?? {}).find(([, text]) => text !== undefined) ?? ['mark']
  return { kind: kind as Token['kind'], text: found[0] }
}
