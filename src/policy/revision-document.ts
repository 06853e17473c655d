/** Collections `versions`, `pastRules` and `holds`: what earlier revisions consisted of, and which sources stand still since a decision. */
import { z } from 'zod'
import { ruleSchema } from './rules.ts'
import { moduleDocumentSchema, policyDocumentSchema } from './schema.ts'

const common = {
  /** `<kind>:<key>@<from>`. */
  _id: z.string(),
  /** The `_id` of the document. */
  key: z.string(),
  /** The revision that wrote it. */
  from: z.number().int(),
  /** The revision that replaced or removed it; null while it is in force. */
  to: z.number().int().nullable(),
}

/** A document as one revision wrote it, every text a blob. It belongs to all revisions from `from` to before `to`. */
export const versionDocumentSchema = z.discriminatedUnion('kind', [
  z.object({ ...common, kind: z.literal('policy'), document: policyDocumentSchema }),
  z.object({ ...common, kind: z.literal('module'), document: moduleDocumentSchema }),
])
export type VersionDocument = z.infer<typeof versionDocumentSchema>

/** A rule as it was until a revision changed or deleted it. */
export const pastRuleSchema = z.object({
  /** `<id>@<from>`. */
  _id: z.string(),
  /** The revision that wrote it. */
  from: z.number().int(),
  /** The revision that changed or deleted it. */
  to: z.number().int(),
  rule: ruleSchema,
})
export type PastRuleDocument = z.infer<typeof pastRuleSchema>

/** `_id` is the source's name. */
export const holdDocumentSchema = z.object({
  _id: z.string(),
  /** `rejected`: that commit is not taken, the next one is. `rollback`: nothing is taken until it is released. */
  kind: z.enum(['rejected', 'rollback']),
  /** The rejected commit. */
  commit: z.string().nullable(),
  /** The revision that it was turned back to. */
  revision: z.number().int().nullable(),
  plan: z.string(),
  actor: z.string(),
  reason: z.string().nullable(),
  at: z.date(),
})
export type HoldDocument = z.infer<typeof holdDocumentSchema>
