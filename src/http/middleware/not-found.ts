/** No route: 404 `not_found`; a route with another method: 405 `method_not_allowed` with `Allow`. */
import type { NotFoundHandler } from 'hono'
import { EdictError } from '../../errors.ts'
import type { App, AppEnv } from '../environment.ts'
import { errorBody } from '../error-body.ts'

export const notFound = (app: App): NotFoundHandler<AppEnv> => {
  let patterns: readonly Pattern[] | undefined
  return (c) => {
    const allowed = allowedMethods((patterns ??= patternsOf(app)), c.req.path)
    const id = c.get('requestId')
    if (allowed === undefined || allowed.includes(c.req.method)) {
      const error = new EdictError('not_found', `no route ${c.req.method} ${c.req.path}`)
      return Response.json(errorBody(error, id), { status: error.status })
    }
    const error = new EdictError('method_not_allowed', `${c.req.method} is not for this route`)
    return Response.json(errorBody(error, id), { status: error.status, headers: { allow: allowed.join(', ') } })
  }
}

interface Pattern {
  readonly segments: readonly string[]
  readonly literals: number
  readonly methods: readonly string[]
}

const isParameter = (segment: string): boolean => segment.startsWith(':')

const patternsOf = (app: App): readonly Pattern[] => {
  const methods = new Map<string, Set<string>>()
  for (const { method, path } of app.routes) {
    if (method === 'ALL') continue
    methods.set(path, (methods.get(path) ?? new Set()).add(method))
  }
  return [...methods].map(([path, set]) => {
    const segments = path.split('/')
    const names = set.has('GET') ? [...set, 'HEAD'] : [...set]
    return { segments, literals: segments.filter((part) => !isParameter(part)).length, methods: names.sort() }
  })
}

/** Of the route that says most literally what the path says. */
const allowedMethods = (patterns: readonly Pattern[], path: string): readonly string[] | undefined => {
  const segments = path.split('/')
  const fits = ({ segments: expected }: Pattern): boolean =>
    expected.length === segments.length &&
    expected.every((part, i) => part === segments[i] || (isParameter(part) && segments[i] !== ''))
  return patterns.filter(fits).sort((a, b) => b.literals - a.literals)[0]?.methods
}
