/** Where a forge shows a commit; undefined when that cannot be told from the address of the repository. */
export const commitUrl = (location: string, commit: string): string | undefined => {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return undefined
  const plain = location.replace(/\.git\/?$/, '').replace(/^(?:ssh:\/\/)?git@([^:/]+)[:/]/, 'https://$1/')
  if (!plain.startsWith('https://')) return undefined
  const { origin, pathname, hostname } = new URL(plain)
  if (/bitbucket/.test(hostname)) return `${origin}${pathname}/commits/${commit}`
  return /gitlab/.test(hostname) ? `${origin}${pathname}/-/commit/${commit}` : `${origin}${pathname}/commit/${commit}`
}
