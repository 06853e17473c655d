/**
 * Routes below a policy exist in two forms: `/policy/{group}/{policy}/{version}…` and the same with the source named
 * first.
 */
import type { z } from '@hono/zod-openapi'
import type { PolicyName } from '../registry/registry.ts'
import { policyParams, repositoryPolicyParams } from './schemas.ts'

export const policyForms = [
  { prefix: '/policy/{group}/{policy}/{version}', params: policyParams, suffix: '' },
  { prefix: '/policy/{repository}/{group}/{policy}/{version}', params: repositoryPolicyParams, suffix: 'InRepository' },
] as const

type Params = z.output<typeof policyParams> & { readonly repository?: string }

export const policyName = ({ repository, group, policy, version }: Params): PolicyName => ({
  repository,
  group,
  name: policy,
  version,
})
