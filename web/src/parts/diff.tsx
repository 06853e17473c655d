/** The differences of documents, as a pull request shows them: one below the other, or side by side. */
import { useMemo, useState } from 'react'
import type { DocumentDiff, FileDiff } from '../api/types.ts'
import { changedLines, diffRows, type DiffRow, type Line, pairs } from './diff-lines.ts'

type Look = 'unified' | 'split'

const place = 'edict-diff'
const readLook = (): Look => (localStorage.getItem(place) === 'split' ? 'split' : 'unified')

const Numbered = ({
  line,
  look,
  sign,
}: {
  readonly line: Line | undefined
  readonly look: string
  readonly sign: string
}) => (
  <>
    <td className={`at ${look}`} data-line={line?.number} />
    <td className={`text ${look}`}>{line === undefined ? '' : `${sign}${line.text}`}</td>
  </>
)

const Hunk = ({ text, columns }: { readonly text: string; readonly columns: number }) => (
  <tr>
    <td className="hunk" colSpan={columns}>
      {text}
    </td>
  </tr>
)

const Unified = ({ rows }: { readonly rows: readonly DiffRow[] }) =>
  rows.map((row, at) => {
    if (row.kind === 'hunk') return <Hunk key={String(at)} text={row.text} columns={3} />
    const look = row.kind === 'same' ? '' : row.kind
    const sign = { same: ' ', add: '+', del: '-' }[row.kind]
    const line = row.kind === 'add' ? row.after : row.before
    return (
      <tr key={String(at)}>
        <td className={`at ${look}`} data-line={row.kind === 'add' ? undefined : row.before.number} />
        <td className={`at ${look}`} data-line={row.kind === 'del' ? undefined : row.after.number} />
        <td className={`text ${look}`}>{`${sign}${line.text}`}</td>
      </tr>
    )
  })

const Split = ({ rows }: { readonly rows: readonly DiffRow[] }) =>
  pairs(rows).map((row, at) => {
    if (row.kind === 'hunk') return <Hunk key={String(at)} text={row.text} columns={4} />
    const look = (side: 'add' | 'del', line: Line | undefined): string =>
      row.kind === 'same' ? '' : line === undefined ? 'none' : side
    return (
      <tr key={String(at)}>
        <Numbered line={row.before} look={look('del', row.before)} sign={row.kind === 'same' ? ' ' : '-'} />
        <Numbered line={row.after} look={look('add', row.after)} sign={row.kind === 'same' ? ' ' : '+'} />
      </tr>
    )
  })

const TextDiff = ({
  rows,
  name,
  look,
}: {
  readonly rows: readonly DiffRow[]
  readonly name: string
  readonly look: Look
}) => (
  <div className="scroll" tabIndex={0} role="group" aria-label={`Differences of ${name}`}>
    <table className={`diff ${look}`}>
      <tbody>{look === 'split' ? <Split rows={rows} /> : <Unified rows={rows} />}</tbody>
    </table>
  </div>
)

const signs = { add: '+', remove: '-', replace: '~' } as const
const looks = { add: 'add', remove: 'del', replace: '' } as const

const Content = ({ file, look }: { readonly file: FileDiff; readonly look: Look }) => {
  if (file.kind === 'text') return <TextDiff rows={diffRows(file.diff)} name={file.file} look={look} />
  if (file.kind === 'omitted')
    return (
      <p className="pad quiet">
        {file.before?.bytes ?? 0} → {file.after?.bytes ?? 0} bytes: too large to be shown here
      </p>
    )
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={`Differences of ${file.file}`}>
      <table className="diff">
        <tbody>
          {file.operations.map(({ op, path, value }, at) => (
            <tr key={String(at)}>
              <td className={`text ${looks[op]}`}>
                {`${signs[op]} ${path === '' ? '/' : path}${value === undefined ? '' : `  ${value}`}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const countsOf = (file: FileDiff): { readonly added: number; readonly removed: number } | undefined =>
  file.kind === 'text' ? changedLines(diffRows(file.diff)) : undefined

const linesOf = (file: FileDiff): number => {
  if (file.kind === 'text') return diffRows(file.diff).length
  return file.kind === 'json' ? file.operations.length : 1
}

/** Of closed ones nothing is drawn but the name. */
const File = ({ file, look, isOpen }: { readonly file: FileDiff; readonly look: Look; readonly isOpen: boolean }) => {
  const [open, setOpen] = useState(isOpen)
  const counts = countsOf(file)
  return (
    <details className="code file" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code>{file.file}</code>
        {counts !== undefined && (
          <span className="counts">
            <span className="added">+{counts.added}</span> <span className="removed">−{counts.removed}</span>
          </span>
        )}
      </summary>
      {open && <Content file={file} look={look} />}
    </details>
  )
}

/** So many lines are drawn at once; further files are opened by who wants to read them. */
const mostLines = 2_000

const openedAtFirst = (diffs: readonly DocumentDiff[]): ReadonlySet<FileDiff> => {
  const open = new Set<FileDiff>()
  let lines = 0
  for (const file of diffs.flatMap(({ files }) => files)) {
    lines += linesOf(file)
    if (lines <= mostLines) open.add(file)
  }
  return open
}

const words = { create: 'created', replace: 'replaced', remove: 'removed' } as const

export const Diffs = ({ diffs }: { readonly diffs: readonly DocumentDiff[] }) => {
  const [look, setLook] = useState(readLook)
  const choose = (next: Look): void => {
    localStorage.setItem(place, next)
    setLook(next)
  }
  const opened = useMemo(() => openedAtFirst(diffs), [diffs])
  const hasText = diffs.some(({ files }) => files.some(({ kind }) => kind === 'text'))
  return (
    <div className="stack">
      {hasText && (
        <fieldset className="choice">
          <legend className="visually-hidden">How differences are shown</legend>
          {(['unified', 'split'] as const).map((one) => (
            <button key={one} type="button" className="button" aria-pressed={look === one} onClick={() => choose(one)}>
              {one === 'unified' ? 'Unified' : 'Side by side'}
            </button>
          ))}
        </fieldset>
      )}
      {diffs.map(({ key, change, files }) => (
        <section key={key} className="stack tight">
          {files[0]?.file !== key && (
            <h3>
              <code>{key}</code> <span className="quiet">{words[change]}</span>
            </h3>
          )}
          {files.map((file) => (
            <File key={file.file} file={file} look={look} isOpen={opened.has(file)} />
          ))}
        </section>
      ))}
    </div>
  )
}
