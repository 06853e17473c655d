/**
 * A sign-in that went off to the identity provider, remembered in this tab until it comes back. The answer is taken out of
 * the URL before anything is shown, so that it stays in no history; each is good once.
 */
const key = 'edict.sign-in'

export interface Pending {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The view that is shown afterwards. */
  readonly back: string
}

export const writePending = (pending: Pending): void => sessionStorage.setItem(key, JSON.stringify(pending))

const readPending = (): Pending | null => {
  const text = sessionStorage.getItem(key)
  return text === null ? null : (JSON.parse(text) as Pending)
}

export const takePending = (): Pending | null => {
  const pending = readPending()
  sessionStorage.removeItem(key)
  return pending
}

/** Where the provider sends the browser back to; the client there has it registered. */
export const redirectUri = (): string => new URL('signed-in', document.baseURI).href

let answer: URLSearchParams | null = null

/** To be called once, before the router looks at the URL. */
export const keepAnswer = (): void => {
  if (location.origin + location.pathname !== redirectUri()) return
  const given = new URLSearchParams(location.search)
  answer = given.has('state') || given.has('error') ? given : null
  history.replaceState(null, '', readPending()?.back ?? document.baseURI)
}

export const takeAnswer = (): URLSearchParams | null => {
  const given = answer
  answer = null
  return given
}
