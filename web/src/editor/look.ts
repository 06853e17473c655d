/** The editor in the console's own colours, light and dark. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

export const look = [
  EditorView.theme({
    '&': { backgroundColor: 'var(--ground)', color: 'var(--text)', fontSize: '13px' },
    '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
    '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
    '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
    '.cm-cursor': { borderLeftColor: 'var(--text)' },
    '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--quiet)', border: 'none' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
      backgroundColor: 'color-mix(in srgb, var(--accent) 24%, transparent)',
    },
    '.cm-reach .cm-gutterElement': { display: 'flex', alignItems: 'center', padding: '0 4px' },
    '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)' },
    // The library's own are pictures in its style sheet, which the page does not allow.
    '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)' },
    '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn)' },
    '.cm-lintRange-active': { backgroundColor: 'var(--bad-soft)' },
    '.cm-lint-marker': { content: 'normal', textAlign: 'center' },
    '.cm-lint-marker-error': { content: 'normal', color: 'var(--bad)' },
    '.cm-lint-marker-warning': { content: 'normal', color: 'var(--warn)' },
    '.cm-lint-marker-error:before': { content: '"●"' },
    '.cm-lint-marker-warning:before': { content: '"▲"' },
    '.cm-diagnostic': { fontFamily: 'var(--sans)' },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
      { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
      { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--warn)' },
      { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
      { tag: tags.special(tags.variableName), color: 'var(--bad)' },
      { tag: tags.function(tags.variableName), fontWeight: '600' },
      { tag: tags.propertyName, color: 'var(--accent)' },
    ]),
  ),
]
