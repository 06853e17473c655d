/** Joins the HTTP server: the hot path and the application over one registry, one guard and one set of numbers. */
import { createWebhookVerifier } from '../../sync/webhook-verifier.ts'
import type { OidcConfig } from '../config.ts'
import { consoleFolder } from '../console-folder.ts'
import { createAdmission } from '../http/admit.ts'
import { createApp } from '../http/app.ts'
import { createAtRevision } from '../http/at-revision.ts'
import { createOpenBatch } from '../http/batch/open-batch.ts'
import { createDecide } from '../http/decide.ts'
import { createDecisionLog } from '../http/decision-log.ts'
import { createHostGuard } from '../http/host-guard.ts'
import { createMayEvaluate } from '../http/may-evaluate.ts'
import { createMetrics, type Decided } from '../http/metrics.ts'
import { createDocuments } from '../http/opa/documents.ts'
import type { Numbers } from '../http/numbers.ts'
import { createStatsCounter } from '../http/stats-counter.ts'
import { createServer, type HttpServer } from '../http/server.ts'
import { portsOf } from '../ports.ts'
import type { Archive } from '../registry/archive.ts'
import type { Registry } from '../registry/registry.ts'
import { version } from '../version.ts'
import type { OpenIdentity } from './identity.ts'
import { createPolicyExplainer } from './explain.ts'
import { createDryRun } from './dry-run.ts'
import type { ReplicaOptions } from './replica.ts'
import { rulesPortOf } from './rules-changes.ts'

export interface HttpOptions extends ReplicaOptions {
  readonly registry: Registry
  readonly archive: Archive
  readonly who: OpenIdentity
  readonly firstSync: () => boolean
}

export interface Http {
  readonly server: HttpServer
  readonly numbers: () => Promise<Numbers>
  /** Hands over what was counted last. */
  readonly close: () => Promise<void>
}

const openDecisionLog = ({ config, log }: HttpOptions) => {
  const { decisions, decisionInput: input, decisionHeaders: headers } = config.log
  return decisions ? createDecisionLog({ log: log.child({ part: 'decision' }), input, headers }) : undefined
}

const signInOf = (oidc: OidcConfig | null) =>
  oidc === null || oidc.console === null
    ? null
    : { ...oidc.console, scopes: [...oidc.console.scopes], issuer: oidc.issuer, audience: oidc.audience }

export const createHttp = (options: HttpOptions): Http => {
  const { known, identity, enforce } = options.who
  const { config, store, registry, archive, log, signal, firstSync } = options
  const ports = portsOf({ store, signal })
  const stats = createStatsCounter({ add: store.stats.add })
  const counted = createMetrics({ registry, sources: () => ports.sources.list().catch(() => []) })
  const metrics = {
    ...counted,
    decision: (key: string, decided: Decided): void => {
      counted.decision(key, decided)
      stats.count(key, decided)
    },
  }
  const { scrape = metrics.scrape } = options
  const { stale } = config.server
  const decisions = { registry, stale, metrics, log, decisionLog: openDecisionLog(options) }
  const decide = createDecide(decisions)
  const batches = { ...decisions, maxInput: config.limits.maxBody }
  const openBatch = createOpenBatch(batches)
  const atRevision = createAtRevision({ ...batches, archive, policyAt: store.revisions.policyAt })
  const admission = createAdmission(decisions)
  const readDocument = createDocuments({
    ...decisions,
    admission,
    readBlob: (digest) => store.blobs.get(digest),
  })
  const guard = createHostGuard({ loopbackOnly: () => !config.auth.explicit && known.mode() !== 'required' })
  const mayEvaluate = createMayEvaluate({ groups: config.auth.evaluate, mode: known.mode, enforce })
  const app = createApp({
    ...ports,
    decide,
    openBatch,
    atRevision,
    readDocument,
    admission,
    explainPolicy: createPolicyExplainer({ ...options, print: (line) => log.info(line) }),
    showIds: config.log.decisions,
    registry,
    webhooks: {
      isConfigured: (name) => config.sources.some((one) => one.name === name && one.webhookSecret !== null),
      last: store.requests.lastWebhooks,
    },
    verifyWebhook: createWebhookVerifier({ sources: config.sources }),
    health: () => ({
      store: registry.state.loaded && registry.state.staleSince === null,
      stream: registry.state.ready,
      firstSync: firstSync(),
    }),
    metrics: { contentType: metrics.contentType, scrape },
    identity,
    mayEvaluate,
    enforce,
    authz: rulesPortOf(options),
    authzInForce: options.rules.authz,
    guard,
    limits: config.limits,
    signIn: signInOf(config.auth.oidc),
    consoleFolder,
    prefixes: config.api.prefixes,
    log,
    signal,
    readStats: store.stats.read,
    runDraft: createDryRun({ ...options, print: (line) => log.info(line) }),
    version,
  })
  const server = createServer({ app, decide, guard, mayEvaluate, limits: config.limits, metrics, log })
  return { server, numbers: metrics.numbers, close: stats.close }
}
