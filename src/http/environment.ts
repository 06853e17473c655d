/** What middleware leaves for routes. */
import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Actor } from '../auth/actor.ts'

export interface AppEnv {
  /** Absent when the app is called without a socket (`app.request`). */
  readonly Bindings: Partial<HttpBindings>
  readonly Variables: {
    readonly requestId: string
    /** The client's; null without a socket. */
    readonly address: string | null
    /** Who acts; null: nobody said, or the door asks for nobody (see open-doors.ts). */
    readonly actor: Actor | null
    /** Who acts, for an open door that has to know after all. */
    readonly identify: () => Promise<Actor | null>
    /** Bytes of a body. */
    readonly maxBody: number
    /** Errors say their message in `detail`, too. */
    readonly errorDetail?: boolean
  }
}

export type App = OpenAPIHono<AppEnv>
