/**
 * A transaction has to fit into the database's cache (24 MB do not fit into 256 MB of it). A plan with more text than
 * that keeps its longest texts as blobs, which are written before the transaction; of very many results of tests it keeps
 * the counts, and the first cases of each policy.
 */
import type { ModuleDocument, PolicyDocument, StoredText } from '../policy/schema.ts'
import type { ApplyPlan } from './apply.ts'
import { sha256 } from '../policy/digest.ts'
import type { Blob, Blobs } from './blobs.ts'

const budgetBytes = 6 * 1024 * 1024

export type TextMap = (text: StoredText) => StoredText

export async function lighten(whole: ApplyPlan, blobs: Pick<Blobs, 'put'>): Promise<ApplyPlan> {
  const plan = withFewerCases(whole)
  const limit = limitFor(plan)
  if (limit === Number.POSITIVE_INFINITY) return plan
  const heavy: Blob[] = []
  const lightened = mapTexts(plan, (text) => {
    if (typeof text !== 'string' || text.length <= limit) return text
    const bytes = new TextEncoder().encode(text)
    const digest = sha256(bytes)
    heavy.push({ digest, bytes })
    return { blob: digest, size: bytes.length }
  })
  await blobs.put(heavy)
  return lightened
}

/** Of all policies together: some 150 bytes each. */
const mostCases = 10_000

function withFewerCases(plan: ApplyPlan): ApplyPlan {
  const counts = [...plan.create, ...plan.replace].flatMap(({ tests }) => (tests === null ? [] : tests.cases.length))
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all <= mostCases) return plan
  const share = Math.floor(mostCases / counts.length)
  const trimmed = (policy: PolicyDocument): PolicyDocument =>
    policy.tests === null
      ? policy
      : { ...policy, tests: { ...policy.tests, cases: policy.tests.cases.slice(0, share) } }
  return { ...plan, create: plan.create.map(trimmed), replace: plan.replace.map(trimmed) }
}

/** Texts up to this length stay; all of them together are within the budget. */
function limitFor(plan: ApplyPlan): number {
  const lengths: number[] = []
  mapTexts(plan, (text) => {
    if (typeof text === 'string') lengths.push(text.length)
    return text
  })
  lengths.sort((a, b) => a - b)
  let total = 0
  for (const [index, length] of lengths.entries()) {
    total += length
    if (total > budgetBytes) return Math.min(lengths[index - 1] ?? 0, length - 1)
  }
  return Number.POSITIVE_INFINITY
}

const mapTexts = (plan: ApplyPlan, map: TextMap): ApplyPlan => ({
  ...plan,
  create: plan.create.map((policy) => policyTexts(policy, map)),
  replace: plan.replace.map((policy) => policyTexts(policy, map)),
  modules: { ...plan.modules, put: plan.modules.put.map((module) => moduleTexts(module, map)) },
})

export const policyTexts = (policy: PolicyDocument, map: TextMap): PolicyDocument => ({
  ...policy,
  rego: map(policy.rego),
  data: policy.data === null ? null : map(policy.data),
  files: policy.files.map(({ path, text }) => ({ path, text: map(text) })),
})

export const moduleTexts = (module: ModuleDocument, map: TextMap): ModuleDocument => ({
  ...module,
  text: map(module.text),
})
