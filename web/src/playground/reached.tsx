/** What the marks beside the lines mean, in words: for who does not see them, and as their legend. */
import type { Lines } from '../api/types.ts'

type GoTo = (line: number) => void

const count = (lines: readonly number[]): string => `${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`

const Numbers = ({ lines, goTo }: { readonly lines: readonly number[]; readonly goTo: GoTo }) =>
  lines.slice(0, most).map((line, at) => (
    <span key={line}>
      {at > 0 && ', '}
      <button type="button" className="link" aria-label={`line ${line}`} onClick={() => goTo(line)}>
        {line}
      </button>
    </span>
  ))

const most = 12

const Part = ({ look, word, lines, goTo }: PartProps) =>
  lines.length > 0 && (
    <li className="row">
      <span className={`reach ${look}`} aria-hidden="true" />
      <span>
        {count(lines)} {word}
        {look !== 'covered' && (
          <>
            : <Numbers lines={lines} goTo={goTo} />
            {lines.length > most && ' …'}
          </>
        )}
      </span>
    </li>
  )

interface PartProps {
  readonly look: 'covered' | 'failed' | 'missed'
  readonly word: string
  readonly lines: readonly number[]
  readonly goTo: GoTo
}

export const Reached = ({ lines, goTo }: { readonly lines: Lines; readonly goTo: GoTo }) => {
  const failed = new Set(lines.failed)
  const held = lines.covered.filter((line) => !failed.has(line))
  return (
    <ul className="row reached" aria-label="Lines of the Rego">
      <Part look="covered" word="held" lines={held} goTo={goTo} />
      <Part look="failed" word="did not hold" lines={lines.failed} goTo={goTo} />
      <Part look="missed" word="not reached" lines={lines.notCovered} goTo={goTo} />
    </ul>
  )
}
