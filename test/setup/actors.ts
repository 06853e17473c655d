/** People for tests. */
import type { Actor } from '../../src/auth/actor.ts'

export const person = (id: string, over: Partial<Actor> = {}): Actor => ({
  id,
  kind: 'token',
  roles: [],
  groups: [],
  ...over,
})
