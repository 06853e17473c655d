/** What the policies of a source may take, as it is written: `limits: { budget, maxMemory, policies }`. */
import { z } from 'zod'
import { coversId } from '../policy/scope.ts'
import { budgetUnits, size } from './values.ts'

/** Undefined: as for all. */
export interface PolicyLimits {
  readonly budget?: number | undefined
  readonly maxMemory?: number | undefined
}

export interface SourceLimits extends PolicyLimits {
  /** By pattern. */
  readonly policies?: Readonly<Record<string, PolicyLimits>> | undefined
}

const own = {
  budget: budgetUnits.optional().describe('As `limits.budget`, for its policies.'),
  maxMemory: size.optional().describe('As `limits.maxMemory`, for its policies.'),
}

export const sourceLimits = z
  .strictObject({
    ...own,
    policies: z
      .record(z.string(), z.strictObject(own))
      .optional()
      .describe(
        'The same for some of them: `{ "gaiax/**": { budget: 50000000 } }`. The first pattern that fits counts.',
      ),
  })
  .describe('What its policies may take.')

/** What is said for this policy, else for its source. */
export const limitsOf = ({ budget, maxMemory, policies = {} }: SourceLimits, key: string): PolicyLimits => {
  const special = Object.entries(policies).find(([pattern]) => coversId([pattern], key))?.[1]
  return { budget: special?.budget ?? budget, maxMemory: special?.maxMemory ?? maxMemory }
}
