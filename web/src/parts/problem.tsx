/** What went wrong and what to do about it. */
import { ApiError } from '../api/client.ts'
import { Advised } from '../session/advised.ts'

const advice: Readonly<Record<string, string>> = {
  unreachable: 'It is asked again every 2 s. See whether it runs, and the network between.',
  unauthenticated: 'Sign in with a token that is valid.',
  forbidden: 'Ask an administrator for the role that allows it.',
  store_unavailable: 'The server has lost MongoDB; what is in force goes on. Try again in a moment.',
  sync_unavailable: 'No worker answers: start one with `edict sync --watch`, or a server that syncs.',
  conflict: 'Somebody was faster, or two sources declare the same. Look at what is there now.',
  already_locked: 'It is locked already: look at who holds the lock.',
  policy_not_found: 'It may have been removed. The list has what is in force.',
  rate_limited: 'Too many credentials were wrong; wait a minute.',
}

export const Problem = ({ error }: { readonly error: unknown }) => {
  const known = error instanceof ApiError ? error : null
  const help = error instanceof Advised ? error.advice : advice[known?.code ?? '']
  const text = error instanceof Error ? error.message : String(error)
  return (
    <div className="notice bad stack tight" role="alert">
      <strong>{text}</strong>
      {known !== null && known.errors.length > 0 && (
        <ul>
          {known.errors.map(({ code, message, location }, at) => (
            <li key={`${code}${String(at)}`}>
              <code>{code}</code> {message}
              {location && <span className="quiet"> ({`${location.file}:${location.row}:${location.col}`})</span>}
            </li>
          ))}
        </ul>
      )}
      {help !== undefined && <span>{help}</span>}
      {known?.id && (
        <span className="hint">
          {known.code} · request <code>{known.id}</code>
        </span>
      )}
    </div>
  )
}
