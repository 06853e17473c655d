/**
 * Calls of the public HTTP API with the user's own token. An answer that is not 2xx becomes an ApiError, which says what
 * the server said; a server that cannot be reached becomes one with status 0.
 */
import { readToken } from '../session/token.ts'

export interface ErrorDetail {
  readonly code: string
  readonly message: string
  readonly location?: { readonly file: string; readonly row: number; readonly col: number }
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly id: string | null
  readonly errors: readonly ErrorDetail[]

  constructor(status: number, body: Partial<{ code: string; message: string; id: string; errors: ErrorDetail[] }>) {
    super(body.message ?? `the server answered ${status}`)
    this.status = status
    this.code = body.code ?? 'unknown'
    this.id = body.id ?? null
    this.errors = body.errors ?? []
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly json?: unknown
  /** A body as it is. */
  readonly text?: string
  readonly type?: string
  readonly signal?: AbortSignal
}

/** The server's own address, whatever prefix a reverse proxy gives it. */
export const serverUrl = (path: string): string => new URL(`../${path.replace(/^\//, '')}`, document.baseURI).href

export const authorization = (): Record<string, string> => {
  const token = readToken()
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

export const send = async (path: string, options: CallOptions = {}): Promise<Response> => {
  const { method = 'GET', json, text, type, signal } = options
  const body = json === undefined ? text : JSON.stringify(json)
  const contentType = json === undefined ? type : 'application/json'
  const response = await fetch(serverUrl(path), {
    method,
    headers: { ...authorization(), ...(contentType !== undefined && { 'content-type': contentType }) },
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, { code: 'unreachable', message: 'the server cannot be reached' })
  })
  if (response.ok) return response
  throw new ApiError(response.status, await response.json().catch(() => ({})))
}

export const call = async <T>(path: string, options: CallOptions = {}): Promise<T> => {
  const response = await send(path, options)
  return (await response.json()) as T
}

export const query = (parameters: Readonly<Record<string, string | number | boolean | undefined>>): string => {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()
  return text === '' ? '' : `?${text}`
}

export const policyPath = ({ group, name, version }: { group: string; name: string; version: string }): string =>
  `/policy/${group}/${name}/${version}`
