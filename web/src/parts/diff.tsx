/** The differences of documents, as a pull request shows them. */
import type { DocumentDiff, FileDiff } from '../api/types.ts'

const lookOf = (line: string): string => {
  if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('@@') || line.startsWith('===')) return 'hunk'
  if (line.startsWith('+')) return 'add'
  return line.startsWith('-') ? 'del' : ''
}

const linesOf = (file: FileDiff): readonly string[] => {
  if (file.kind === 'text') return file.diff.replace(/\n$/, '').split('\n')
  if (file.kind === 'omitted')
    return [`${file.before?.bytes ?? 0} → ${file.after?.bytes ?? 0} bytes: too large to be shown`]
  return file.operations.map(({ op, path, value }) => {
    const sign = { add: '+', remove: '-', replace: '~' }[op]
    return `${sign} ${path === '' ? '/' : path}${value === undefined ? '' : `  ${value}`}`
  })
}

const TextDiff = ({ lines, name }: { readonly lines: readonly string[]; readonly name: string }) => (
  <pre className="diff" tabIndex={0} aria-label={`Differences of ${name}`}>
    {lines.map((line, at) => (
      <span key={String(at)} className={lookOf(line)}>
        {line}
      </span>
    ))}
  </pre>
)

export const Diffs = ({ diffs }: { readonly diffs: readonly DocumentDiff[] }) => (
  <div className="stack">
    {diffs.map(({ key, change, files }) => (
      <section key={key} className="stack tight">
        <h3>
          <code>{key}</code> <span className="quiet">{change}</span>
        </h3>
        {files.map((file) => (
          <div key={file.file} className="code">
            <TextDiff lines={linesOf(file)} name={file.file} />
          </div>
        ))}
      </section>
    ))}
  </div>
)
