/** The bearer token of this tab: kept until the tab is closed, never in a URL and never in a cookie. */
const key = 'edict.token'
/** Under which the playground keeps what is typed. */
export const draftPrefix = 'edict.draft'
const outKey = 'edict.signed-out'

const listeners = new Set<() => void>()

export const readToken = (): string | null => sessionStorage.getItem(key)

export const writeToken = (token: string | null): void => {
  if (token === null) sessionStorage.removeItem(key)
  else {
    sessionStorage.setItem(key, token)
    sessionStorage.removeItem(outKey)
  }
  for (const tell of listeners) tell()
}

/** By the user, not because it ended. */
export const signOut = (): void => {
  // Whoever signs in next does not see them.
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(draftPrefix)) sessionStorage.removeItem(name)
  sessionStorage.setItem(outKey, 'yes')
  writeToken(null)
}

export const hasSignedOut = (): boolean => sessionStorage.getItem(outKey) !== null

export const subscribeToken = (tell: () => void): (() => void) => {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
