/**
 * The doors at which an `Authorization` header is not Edict's: evaluations, where it is the policy's to judge; signed
 * webhooks; what an orchestrator or a monitor asks; documentation; and how to sign in.
 */
const exact = new Set(['/', '/liveness', '/readiness', '/health', '/metrics', '/openapi.json', '/api/sign-in'])
const below = /^\/(?:swagger-ui|console|v1\/data|v0\/data|v1\/batch\/data)(?:\/|$)/
const evaluation = /^\/policy\/.+\/evaluations?$/
const webhook = /^\/api\/sources\/[^/]+\/webhook$/

export const isEvaluation = (path: string): boolean => evaluation.test(path)

export const takesNoCredential = (path: string): boolean =>
  exact.has(path) || below.test(path) || isEvaluation(path) || webhook.test(path)
