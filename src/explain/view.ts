/** The shape of an explanation, as it is answered over HTTP and printed. Values are as JSON has them, with numbers exact (exact-json.ts), secrets masked, long ones told in words. */
import { z } from 'zod'

const clause = z.object({ file: z.string(), line: z.number().int(), text: z.string() })
const ruleNames = z.array(z.string()).readonly().optional().describe('Rules that it depends on, explained, too.')

const seen = z.object({
  expression: z.string(),
  values: z.array(z.unknown()).readonly().describe('None: undefined.'),
})
export type SeenView = z.infer<typeof seen>
const allSeen = z.array(seen).readonly()

const maker = clause.extend({ saw: allSeen.optional().describe('What its value is made of.'), rules: ruleNames })
export type ClauseView = z.infer<typeof maker>

const condition = clause.extend({ saw: allSeen, rules: ruleNames })
export type ConditionView = z.infer<typeof condition>

const attempt = clause.extend({
  conditions: z.array(condition).readonly(),
  unasked: z.number().int().optional().describe('Further conditions, which need names that those would have bound.'),
})
export type AttemptView = z.infer<typeof attempt>

const rule = z.object({
  rule: z.string().describe('Its name; of a function with the arguments of the call.'),
  value: z.unknown().optional().describe('Absent: undefined.'),
  by: z.array(maker).readonly().describe('The clauses that made the value.'),
  missing: z.array(attempt).readonly().describe('Of a denial: the other ways, the one that lacks least first.'),
})
export type RuleExplanation = z.infer<typeof rule>

export const explanationSchema = z.object({
  decision: z
    .object({ value: z.unknown().optional() })
    .nullable()
    .describe('Without a value: undefined. null: the evaluation failed.'),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      location: z.object({ file: z.string(), row: z.number().int(), col: z.number().int() }).optional(),
    })
    .optional(),
  asked: z.array(z.string()).readonly().describe('The rules asked for.'),
  rules: z.array(rule).readonly().describe('Those asked for first, then those that they depend on.'),
  unavailable: z.array(z.string()).readonly().describe('Builtins of the outside that it called: undefined here.'),
  notes: z.array(z.string()).readonly().describe('What could not be explained.'),
})
export type Explanation = z.infer<typeof explanationSchema>
