/** How scopes and libraries are written in `edict.yaml`. */
import { z } from 'zod'

export const pattern = z
  .string()
  .regex(/^[^/\s]+(\/[^/\s]+)*$/, 'is not a pattern such as gaiax/**, rbac/core or roles')
  .refine((text) => text.split('/').every((step) => step === '**' || !step.includes('**')), {
    error: '** must stand alone between slashes',
  })

const patterns = z.array(pattern)

export const scopeSchema = z
  .strictObject({
    policies: patterns.default([]).describe('Policies that it may declare: `gaiax/**`, `shop/*/1.0`.'),
    modules: patterns.default([]).describe('Shared modules that it may declare: `rbac/core`, `lib/**`.'),
    data: patterns.default([]).describe('Paths of shared data that it may declare, with everything below: `roles`.'),
    read: z
      .strictObject({
        modules: patterns.optional().describe('Shared modules of others that it may use. Default: all.'),
        data: patterns.optional().describe('Shared data of others that it may use. Default: all.'),
      })
      .optional()
      .describe('What its policies may use of others, beside the libraries.'),
  })
  .describe('What it may declare; one declaration outside refuses the whole commit. Default: everything.')

const library = z.strictObject({
  source: z.string().min(1).describe('The source that declares them.'),
  modules: patterns.default([]).describe('Shared modules that every source may use.'),
  data: patterns.default([]).describe('Shared data that every source may use.'),
})

export const protectedSchema = patterns.describe(
  'Policies and shared modules that rules with the scope `unprotected` do not reach: `rbac/**`, `edict/**`.',
)

export const librariesSchema = z
  .array(library)
  .describe('Shared modules and data that every source may use, whatever its `scope.read` says.')
