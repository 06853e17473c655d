/**
 * The HTTP API as one Hono application. It is handed everything it needs and touches neither sockets nor environment.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Enforce } from '../auth/enforce.ts'
import type { Registry } from '../registry/registry.ts'
import type { Admission } from './admit.ts'
import type { AtRevision } from './at-revision.ts'
import type { OpenBatch } from './batch/open-batch.ts'
import type { ApplyChange } from './changes.ts'
import type { Decide } from './decide.ts'
import type { App, AppEnv } from './environment.ts'
import type { ErrorLog } from './error-body.ts'
import { createEventHub } from './event-hub.ts'
import type { HostGuard } from './host-guard.ts'
import type { ReadDocument } from './opa/documents.ts'
import { invalidRequest } from './json-request.ts'
import type { MayEvaluate } from './may-evaluate.ts'
import type { Metrics } from './metrics.ts'
import type { Approvals } from './plan-approval.ts'
import { errorDetail } from './middleware/error-detail.ts'
import { identify, type Identity } from './middleware/identify.ts'
import { notFound } from './middleware/not-found.ts'
import { onError } from './middleware/on-error.ts'
import { openModeGuard } from './middleware/open-mode-guard.ts'
import { requestId } from './middleware/request-id.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { type AuditLog, auditRoutes } from './routes/audit.ts'
import { authzRoutes, type RulesPort } from './routes/authz.ts'
import { catalogRoutes } from './routes/catalog.ts'
import { consoleRoutes } from './routes/console.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { type ExplainPolicy, explainRoutes } from './routes/explain.ts'
import { dryRunRoutes, type RunDraft } from './routes/dry-run.ts'
import { evaluationRoutes } from './routes/evaluation.ts'
import { type BatchLimits, evaluationsRoutes } from './routes/evaluations.ts'
import { lockRoutes, type LockStore } from './routes/lock.ts'
import { type Health, operationRoutes } from './routes/operation.ts'
import { eventRoutes } from './routes/events.ts'
import { type ModuleReader, moduleRoutes } from './routes/modules.ts'
import { opaDataRoutes } from './routes/opa-data.ts'
import { opaPolicyRoutes } from './routes/opa-policies.ts'
import { ownershipRoutes, type ReadOwnership } from './routes/ownership.ts'
import { policyRoutes, type PolicyReader } from './routes/policy.ts'
import { type RuleReader, ruleRoutes } from './routes/rules.ts'
import type { CycleRequests } from './routes/cycle-requests.ts'
import { type PlanStore, planRoutes } from './routes/plans.ts'
import { type HoldStore, releaseRoutes } from './routes/release.ts'
import { type RevisionStore, revisionRoutes } from './routes/revisions.ts'
import { type ReadStats, statsRoutes } from './routes/stats.ts'
import { type SignInWithOidc, signInRoutes } from './routes/sign-in.ts'
import { sourceRoutes, type SourceStore, type Webhooks } from './routes/sources.ts'
import { type TokenStore, tokenRoutes } from './routes/tokens.ts'
import { type VerifyWebhook, webhookRoutes } from './routes/webhook.ts'
import { whoamiRoutes } from './routes/whoami.ts'

export interface AppDeps {
  readonly decide: Decide
  readonly openBatch: OpenBatch
  readonly admission: Admission
  readonly explainPolicy: ExplainPolicy
  readonly atRevision: AtRevision
  readonly readDocument: ReadDocument
  /** Decisions are logged: answers in OPA's shape name theirs. */
  readonly showIds: boolean
  readonly registry: Pick<Registry, 'find' | 'list' | 'lock' | 'state'>
  readonly policies: PolicyReader
  readonly locks: LockStore
  readonly sources: SourceStore
  readonly webhooks: Webhooks
  readonly audit: AuditLog
  readonly requests: CycleRequests
  readonly ownership: ReadOwnership
  readonly plans: PlanStore
  readonly revisions: RevisionStore
  readonly holds: HoldStore
  readonly applyChange: ApplyChange
  readonly modules: ModuleReader
  readonly rules: RuleReader
  readonly runDraft: RunDraft
  readonly readStats: ReadStats
  /** Where the management of modules is offered. */
  readonly prefixes: readonly string[]
  readonly verifyWebhook: VerifyWebhook
  readonly health: () => Health
  readonly metrics: Pick<Metrics, 'scrape' | 'contentType'>
  readonly identity: Identity
  readonly mayEvaluate: MayEvaluate
  readonly tokens: TokenStore
  readonly authz: RulesPort
  readonly enforce: Enforce
  readonly authzInForce: Approvals['authz']
  readonly guard: HostGuard
  readonly limits: BatchLimits
  /** How the console signs users in at the identity provider; null: it does not. */
  readonly signIn: SignInWithOidc | null
  /** Where the built console lies. */
  readonly consoleFolder: string
  readonly log: ErrorLog
  /** Aborted: nobody is kept waiting any more. */
  readonly signal: AbortSignal
  readonly version: string
}

export const createApp = (deps: AppDeps): App => {
  const { decide, registry, policies, locks, sources, requests, enforce, limits, version } = deps
  const app: App = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest('the request is not valid', result.error)
    },
  })
  app.onError(onError(deps.log))
  app.notFound(notFound(app))
  app.use(async (c, next) => {
    c.set('maxBody', limits.maxBody)
    await next()
  })
  app.use(errorDetail(deps.prefixes))
  app.use(requestId, securityHeaders, openModeGuard(deps.guard), identify(deps.identity))

  operationRoutes(app, { health: deps.health, metrics: deps.metrics, version })
  const past = { atRevision: deps.atRevision, enforce, mayEvaluate: deps.mayEvaluate }
  evaluationRoutes(app, { decide, ...past })
  evaluationsRoutes(app, { openBatch: deps.openBatch, limits, ...past })
  opaDataRoutes(app, {
    readDocument: deps.readDocument,
    mayEvaluate: deps.mayEvaluate,
    showIds: deps.showIds,
    registry,
    limits,
    log: deps.log,
    version,
  })
  lockRoutes(app, { registry, locks, enforce })
  catalogRoutes(app, { registry })
  sourceRoutes(app, { sources, webhooks: deps.webhooks, requests, enforce })
  ownershipRoutes(app, { ownership: deps.ownership })
  releaseRoutes(app, { sources, holds: deps.holds, requests, enforce })
  const approvals = { enforce, mode: deps.identity.mode, authz: deps.authzInForce }
  planRoutes(app, { plans: deps.plans, requests, enforce, approvals })
  revisionRoutes(app, { revisions: deps.revisions, requests, enforce })
  moduleRoutes(app, { prefixes: deps.prefixes, modules: deps.modules, applyChange: deps.applyChange, enforce })
  ruleRoutes(app, { rules: deps.rules, applyChange: deps.applyChange, enforce, maxImport: limits.maxBatchBody })
  opaPolicyRoutes(app, {
    registry,
    policies,
    modules: deps.modules,
    applyChange: deps.applyChange,
    enforce,
    log: deps.log,
  })
  tokenRoutes(app, { tokens: deps.tokens, enforce })
  authzRoutes(app, { rules: deps.authz, enforce })
  whoamiRoutes(app, { mode: deps.identity.mode, enforce })
  signInRoutes(app, { oidc: deps.signIn })
  webhookRoutes(app, {
    sources,
    requests,
    verifyWebhook: deps.verifyWebhook,
    enforce,
    failures: deps.identity.failures,
  })
  statsRoutes(app, { readStats: deps.readStats })
  dryRunRoutes(app, { runDraft: deps.runDraft, enforce })
  auditRoutes(app, { audit: deps.audit, enforce })
  explainRoutes(app, {
    admission: deps.admission,
    explainPolicy: deps.explainPolicy,
    enforce,
    maxDepth: limits.maxDepth,
  })
  eventRoutes(app, { hub: createEventHub({ registry, sources: sources.list }), signal: deps.signal })
  documentationRoutes(app, { version })
  const connect = deps.signIn === null ? [] : [new URL(deps.signIn.issuer).origin]
  consoleRoutes(app, { folder: deps.consoleFolder, connect })
  policyRoutes(app, { registry, policies, enforce })
  return app
}
