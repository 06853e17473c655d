/**
 * What protects a server that asks for no credential from web pages: in open mode the `Host` must be a loopback name
 * (against DNS rebinding), unless the operator opened the server explicitly; and, in either mode, a page of another site
 * changes nothing.
 * Evaluation asks for the `Host` alone: it changes nothing, and no answer can be read across sites.
 */
export interface HostGuard {
  /** May a request with this `Host` be answered? */
  readonly allows: (host: string | undefined) => boolean
}

export const createHostGuard = ({ loopbackOnly }: { readonly loopbackOnly: () => boolean }): HostGuard => {
  let last = 'localhost'
  return {
    allows: (host) => {
      if (host === last) return true
      if (!loopbackOnly()) return true
      if (host === undefined || !isLoopbackHost(host)) return false
      last = host
      return true
    },
  }
}

/** `localhost`, `127.0.0.0/8`, `[::1]`, with or without a port. */
export const isLoopbackHost = (host: string): boolean =>
  /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])(?::\d{1,5})?$/i.test(host)

/**
 * Does a browser say that another site's page sends this? `Sec-Fetch-Site` where there is one (pages cannot forge it),
 * else `Origin` against `Host`. Neither: no browser.
 */
export const isCrossSite = (headers: Headers): boolean => {
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  const origin = headers.get('origin')
  return origin !== null && origin.replace(/^https?:\/\//i, '').toLowerCase() !== headers.get('host')?.toLowerCase()
}
