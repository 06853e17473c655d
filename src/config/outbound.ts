/** Where policies may connect to, as it is written: `http: { allow, secrets }`. */
import { z } from 'zod'
import type { Outbound, OutboundRule } from '../../extensions/extension.ts'
import { parseRule } from '../../extensions/outbound.ts'
import type { Secret } from '../config.ts'
import { secretReference } from './values.ts'

const rule = (text: string, isPrivate: boolean, context: z.RefinementCtx): OutboundRule => {
  const parsed = parseRule(text.trim(), isPrivate)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: `${text} is not a host, such as api.example.org or 127.0.0.1:8181` })
  return z.NEVER
}

const written = z.union([
  z.string(),
  z.strictObject({
    host: z.string(),
    private: z.boolean().default(false).describe('Its addresses may be private, loopback or link-local.'),
  }),
])

/** A list of hosts, or in a variable: hosts with commas between them. */
export const allowList = z
  .union([z.array(written), z.string()])
  .transform((list, context) =>
    (typeof list === 'string' ? list.split(',').filter((text) => text.trim() !== '') : list).map((entry) =>
      typeof entry === 'string' ? rule(entry, false, context) : rule(entry.host, entry.private, context),
    ),
  )

export const sourceHttp = z
  .strictObject({
    allow: allowList.optional().describe('Hosts that its policies may connect to, instead of `http.allow`.'),
    secrets: z
      .record(z.string(), secretReference)
      .default({})
      .describe('Keys and certificates that its policies may name in `tls_*_file` and `tls_*_env_variable`.'),
  })
  .describe('What its policies may do over the network.')

export const outboundOf = (rules: readonly OutboundRule[], secrets?: ReadonlyMap<string, Secret>): Outbound => ({
  rules,
  secret: (name) => secrets?.get(name)?.reveal(),
})
