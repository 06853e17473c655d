/** The kinds of callers of permissions.yaml, and how that table is written. */
import { z } from 'zod'
import type { Actor } from '../../src/auth/actor.ts'
import { person } from '../setup/actors.ts'

/** null: says nothing of who acts. */
export const callers: ReadonlyMap<string, Actor | null> = new Map([
  ['anonymous', null],
  ['viewer', person('vera', { roles: ['viewer'] })],
  ['other', person('otto', { roles: ['author'], groups: ['shop'] })],
  ['author', person('ann', { roles: ['author'], groups: ['payments'] })],
  ['operator', person('olaf', { roles: ['operator'] })],
  ['superuser', person('susan', { roles: ['superuser'] })],
])

const names = [...callers.keys()]

/** One `yes` or `no` for each caller, in their order. */
const answers = z
  .string()
  .transform((text) => text.trim().split(/\s+/))
  .pipe(z.array(z.enum(['yes', 'no'])).length(names.length))
  .transform((all) => Object.fromEntries(all.map((answer, index) => [names[index] ?? '', answer])))
export type Answers = z.infer<typeof answers>

const request = { id: z.string().default(''), query: z.string().default(''), body: z.unknown().optional() }
const entry = z.union([
  answers.transform((may) => ({ may, id: '', query: '', body: undefined })),
  z.strictObject({ may: answers, ...request }),
])

export const tableSchema = z.strictObject({
  values: z.record(z.string(), z.string()),
  routes: z.record(z.string(), entry),
  commands: z.record(z.string(), answers),
  reading: z.array(z.string()),
})
