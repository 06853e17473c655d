/**
 * `/policy/[{repository}/]{group}/{policy}/{version}/evaluation[?…]`, taken apart by hand for the hot path.
 * Four or five segments are told apart by count. undefined: some other route.
 */
import type { PolicyName } from '../registry/registry.ts'

const prefix = '/policy/'
const suffix = '/evaluation'

export const parseEvaluationUrl = (url: string): PolicyName | undefined => {
  if (!url.startsWith(prefix)) return undefined
  const query = url.indexOf('?')
  // An earlier revision is not the hot path's business.
  if (query !== -1 && url.includes('revision', query)) return undefined
  const end = query === -1 ? url.length : query
  if (!url.startsWith(suffix, end - suffix.length)) return undefined
  const parts = url.slice(prefix.length, end - suffix.length).split('/')
  const segments = url.includes('%') ? decode(parts) : parts
  if (segments === undefined || segments.includes('')) return undefined
  const [first, second, third, fourth] = segments
  if (first === undefined || second === undefined || third === undefined || segments.length > 4) return undefined
  return fourth === undefined
    ? { repository: undefined, group: first, name: second, version: third }
    : { repository: first, group: second, name: third, version: fourth }
}

const decode = (parts: readonly string[]): readonly string[] | undefined => {
  try {
    return parts.map(decodeURIComponent)
  } catch {
    return undefined
  }
}
