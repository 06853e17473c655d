/** The Rego that rules would be written as, beside what they are written as now. */
import { z } from '@hono/zod-openapi'
import { renderRules } from '../policy/generate.ts'
import type { RuleInput } from '../policy/rule-list.ts'
import { generatedModule, mostRules, ruleKey } from '../policy/rules.ts'
import type { RuleReader } from './routes/rules.ts'

export const regoPreviewSchema = z.object({
  module: z.string(),
  before: z.string().nullable().openapi({ description: 'null: there is none yet.' }),
  after: z.string(),
})

/** So many modules are shown. */
const mostServices = 20

export async function regoPreview(inputs: readonly RuleInput[], rules: Pick<RuleReader, 'list'>) {
  const services = [...new Set(inputs.map(({ service_name }) => service_name))].sort().slice(0, mostServices)
  return Promise.all(
    services.map(async (service_name) => {
      const { items } = await rules.list({ service_name, limit: mostRules, skip: 0 })
      const next = new Map<string, RuleInput>(items.map((rule) => [ruleKey(rule), rule]))
      for (const rule of inputs) if (rule.service_name === service_name) next.set(ruleKey(rule), rule)
      const before = items.length === 0 ? null : renderRules(items)
      return { module: generatedModule(service_name), before, after: renderRules(next.values()) }
    }),
  )
}
