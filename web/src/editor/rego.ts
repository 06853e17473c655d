/** Rego for CodeMirror: enough of its grammar to colour it, indent it, and toggle its comments. */
import { StreamLanguage, type StringStream } from '@codemirror/language'

const keywords = new Set([
  'package',
  'import',
  'as',
  'default',
  'if',
  'contains',
  'else',
  'some',
  'every',
  'in',
  'with',
  'not',
])
const atoms = new Set(['true', 'false', 'null'])
const roots = new Set(['input', 'data'])

interface State {
  readonly raw: boolean
}

const word = (text: string, stream: StringStream): string => {
  if (keywords.has(text)) return 'keyword'
  if (atoms.has(text)) return 'atom'
  if (roots.has(text)) return 'variableName.special'
  return stream.match(/^\s*\(/, false) ? 'variableName.function' : 'variableName'
}

export const rego = StreamLanguage.define<{ raw: boolean }>({
  name: 'rego',
  startState: (): State => ({ raw: false }),
  token: (stream, state) => {
    if (state.raw || stream.eat('`')) {
      state.raw = !stream.skipTo('`')
      if (state.raw) stream.skipToEnd()
      else stream.next()
      return 'string'
    }
    if (stream.eatSpace()) return null
    if (stream.match(/^#.*/)) return 'comment'
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string'
    if (stream.match(/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)) return 'number'
    const found = stream.match(/^[A-Za-z_]\w*/)
    if (found !== null && typeof found === 'object') return word(found[0], stream)
    if (stream.match(/^(?::=|==|!=|<=|>=|[=<>+\-*/%&|])/)) return 'operator'
    stream.next()
    return 'punctuation'
  },
  languageData: { commentTokens: { line: '#' }, closeBrackets: { brackets: ['(', '[', '{', '"', '`'] } },
})
