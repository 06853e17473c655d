/** The bearer token of this tab: kept until the tab is closed, never in a URL and never in a cookie. */
const key = 'edict.token'

const listeners = new Set<() => void>()

export const readToken = (): string | null => sessionStorage.getItem(key)

export const writeToken = (token: string | null): void => {
  if (token === null) sessionStorage.removeItem(key)
  else sessionStorage.setItem(key, token)
  for (const tell of listeners) tell()
}

export const subscribeToken = (tell: () => void): (() => void) => {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
