/** A commit, linked to where its forge shows it when that can be told. */
import { commitUrl } from './commit-url.ts'
import { shortRevision } from '../parts/short-revision.ts'

export const CommitLink = ({
  location,
  commit,
  short = false,
}: {
  readonly location: string | undefined
  readonly commit: string
  readonly short?: boolean
}) => {
  const url = location === undefined ? undefined : commitUrl(location, commit)
  const text = <code title={commit}>{short ? shortRevision(commit) : commit}</code>
  return url === undefined ? text : <a href={url}>{text}</a>
}
