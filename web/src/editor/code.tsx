/** Code, coloured; edited when `onChange` is given. The text is there at once, the editor when it has been loaded. */
import { lazy, Suspense } from 'react'
import type { Finding, Lines } from '../api/types.ts'

export interface CodeProps {
  readonly language: 'rego' | 'json' | 'plain'
  readonly value: string
  /** Absent: read only. */
  readonly onChange?: (text: string) => void
  readonly label: string
  /** Shown at their line and column. */
  readonly findings?: readonly Finding[]
  /** Shown in the gutter; null: nothing is known of them now. */
  readonly reached?: Lines | null
  /** Goes there whenever it is another one. */
  readonly goTo?: { readonly line: number } | null
}

const Editor = lazy(async () => ({ default: (await import('./editor.tsx')).Editor }))

export const Code = (props: CodeProps) => (
  <div className="code">
    <Suspense
      fallback={
        <pre tabIndex={0} aria-label={props.label}>
          {props.value}
        </pre>
      }
    >
      <Editor {...props} />
    </Suspense>
  </div>
)
