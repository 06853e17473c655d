import { Link } from '@tanstack/react-router'
import type { PolicyId } from '../api/queries.ts'

export const nameOf = ({ group, name, version }: PolicyId): string => `${group}/${name}/${version}`

export const PolicyLink = ({ of: { group, name, version } }: { readonly of: PolicyId }) => (
  <Link to="/policies/$group/$name/$version" params={{ group, name, version }}>
    {nameOf({ group, name, version })}
  </Link>
)

/** Links what looks like the key of a policy; other text stays text. */
export const KeyLink = ({ text }: { readonly text: string }) => {
  const [group, name, version, ...rest] = text.replace(/^policy:/, '').split('/')
  if (group === undefined || name === undefined || version === undefined || rest.length > 0) return <code>{text}</code>
  return <PolicyLink of={{ group, name, version }} />
}
