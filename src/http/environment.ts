/** What middleware leaves for routes. */
import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'

export interface AppEnv {
  /** Absent when the app is called without a socket (`app.request`). */
  readonly Bindings: Partial<HttpBindings>
  readonly Variables: {
    readonly requestId: string
    /** Bytes of a body. */
    readonly maxBody: number
  }
}

export type App = OpenAPIHono<AppEnv>
