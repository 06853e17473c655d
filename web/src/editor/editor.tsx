/** CodeMirror for Rego and JSON, loaded when it is first needed. Tab leaves it, so that a keyboard is not caught in it. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, foldGutter, indentOnInput } from '@codemirror/language'
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import type { Finding } from '../api/types.ts'
import { nonce } from '../nonce.ts'
import type { CodeProps } from './code.tsx'
import { coverageGutter, setCoverage } from './coverage.ts'
import { look } from './look.ts'
import { rego } from './rego.ts'

const setup: Extension = [
  EditorView.cspNonce.of(nonce),
  lineNumbers(),
  foldGutter(),
  drawSelection(),
  bracketMatching(),
  indentOnInput(),
  look,
]

const languages = { rego, json: json(), plain: [] } as const

const diagnosticOf = (view: EditorView, { line = 1, column = 1, severity, message, code }: Finding): Diagnostic => {
  const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines))
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to)
  const word = /^[\w.]+/.exec(at.text.slice(from - at.from))?.[0].length ?? 1
  return { from, to: Math.min(from + word, at.to), severity, message: `${code}: ${message}` }
}

export const Editor = ({ language, value, onChange, label, findings, reached, goTo }: CodeProps) => {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const changed = useRef(onChange)
  changed.current = onChange
  const readOnly = onChange === undefined
  const marksLines = reached !== undefined

  useEffect(() => {
    if (place.current === null) return undefined
    const editing: Extension = readOnly
      ? [EditorState.readOnly.of(true), EditorView.contentAttributes.of({ 'aria-readonly': 'true' })]
      : [
          history(),
          lintGutter(),
          highlightActiveLine(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current?.(update.state.doc.toString())
          }),
        ]
    const extensions = [
      setup,
      languages[language],
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      editing,
      marksLines ? coverageGutter : [],
    ]
    const made = new EditorView({ doc: value, extensions, parent: place.current })
    view.current = made
    return () => made.destroy()
    // The text is brought in step below.
  }, [language, label, readOnly, marksLines])

  useEffect(() => {
    const made = view.current
    if (made === null || made.state.doc.toString() === value) return
    made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: value } })
  }, [value])

  useEffect(() => {
    const made = view.current
    if (made === null || findings === undefined) return
    made.dispatch(
      setDiagnostics(
        made.state,
        findings.map((finding) => diagnosticOf(made, finding)),
      ),
    )
  }, [findings])

  useEffect(() => {
    if (reached !== undefined) view.current?.dispatch({ effects: setCoverage.of(reached) })
  }, [reached])

  useEffect(() => {
    const made = view.current
    if (made === null || goTo == null || goTo.line > made.state.doc.lines) return
    const { from } = made.state.doc.line(goTo.line)
    made.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
    made.focus()
  }, [goTo])

  return <div ref={place} />
}
