/** The store: one connection to MongoDB, and each thing that is kept there under its own name. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { enforceNothing, type Enforce } from '../auth/enforce.ts'
import type { HeadDocument } from '../policy/schema.ts'
import { type Apply, createApply } from './apply.ts'
import { type Audit, createAudit } from './audit.ts'
import { type Blobs, createBlobs } from './blobs.ts'
import { type Change, createChange } from './change.ts'
import { collectionsOf } from './collections.ts'
import { type Connection, createConnection, type StoreLog } from './connection.ts'
import { createEnsure, type Ensured } from './ensure.ts'
import { emptyHead } from './head.ts'
import { createHolds, type Holds } from './holds.ts'
import { createLeases, type Leases } from './lease.ts'
import { createLocks, type Locks } from './locks.ts'
import { createPlans, type Plans } from './plans.ts'
import { createPolicies, type Policies } from './policies.ts'
import { createReplicas, type Replicas } from './replicas.ts'
import { createRequests, type Requests } from './requests.ts'
import { createRevisions, type Revisions } from './revisions.ts'
import { createRules, type Rules } from './rules.ts'
import { createRulesChanges, type RulesChanges } from './rules-changes.ts'
import { createSources, type Sources } from './sources.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { createStats, type Stats } from './stats.ts'
import { sleep } from './wait.ts'

/** A store that is away is not told for longer that this replica leaves; it finds out by its silence. */
const leaveMs = 1_500

export interface StoreOptions {
  readonly uri: string
  readonly database: string
  readonly log: StoreLog
  /** Stands at the head of each operation that changes something. Absent: nobody may change anything. */
  readonly enforce?: Enforce
  /** Actors come in by other means than tokens, so that the last token may be revoked. */
  readonly identityProvider?: boolean
  /** Aborted: the store closes. */
  readonly signal: AbortSignal
  /** Host and process, made unique, when it is not given. */
  readonly replicaId?: string
}

export interface Store extends Apply {
  readonly connection: Connection
  readonly log: StoreLog
  /** What stands at the head of its operations. */
  readonly enforce: Enforce
  /** Whether the server answers now; never rejects. */
  readonly ready: () => Promise<boolean>
  /** Resolves when the server was first reached; rejects only when the store is closed before. */
  readonly opened: Promise<void>
  /** Collections, validators, indexes, head, lease, lost locks; changes nothing when all is there. */
  readonly ensureCollections: () => Promise<Ensured>
  readonly head: () => Promise<HeadDocument>
  readonly change: Change
  readonly audit: Audit
  readonly blobs: Blobs
  readonly policies: Policies
  readonly locks: Locks
  readonly sources: Sources
  readonly plans: Plans
  readonly holds: Holds
  readonly revisions: Revisions
  readonly requests: Requests
  readonly rules: Rules
  readonly tokens: Tokens
  readonly rulesChanges: RulesChanges
  readonly leases: Leases
  readonly replicas: Replicas
  readonly stats: Stats
  /** Takes this replica off the list and closes the connection. */
  readonly close: () => Promise<void>
}

/** Never fails because the server is away; a URI that cannot be read is `config_invalid`. */
export function openStore(options: StoreOptions): Store {
  const { uri, database, log, enforce = enforceNothing, identityProvider = false, signal, replicaId } = options
  const connection = createConnection({ uri, database, log, signal })
  const change = createChange(connection)
  const blobs = createBlobs(connection)
  const locks = createLocks({ connection, change, enforce })
  const replicas = createReplicas(connection, replicaId ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`)

  let closed: Promise<void> | null = null
  const leave = async (): Promise<void> => {
    const left = new AbortController()
    await Promise.race([replicas.remove().catch(() => undefined), sleep(leaveMs, left.signal)])
    left.abort()
  }
  const close = () => (closed ??= leave().then(connection.close))
  signal.addEventListener('abort', () => void close().catch(() => undefined), { once: true })

  return {
    connection,
    log,
    enforce,
    ready: connection.ping,
    opened: connection.opened,
    ensureCollections: createEnsure({ connection, change, blobs, log }),
    head: () => connection.run(async (db) => (await collectionsOf(db).head.findOne({ _id: 'head' })) ?? emptyHead),
    change,
    ...createApply({ connection, change, blobs, enforce }),
    audit: createAudit({ connection, change, enforce }),
    blobs,
    policies: createPolicies({ connection, blobs, locks, log }),
    locks,
    sources: createSources(connection),
    plans: createPlans({ connection, change, enforce }),
    holds: createHolds({ connection, change, enforce }),
    revisions: createRevisions(connection),
    requests: createRequests({ connection, log, enforce }),
    rules: createRules({ connection, log }),
    tokens: createTokens({ connection, change, enforce, identityProvider }),
    rulesChanges: createRulesChanges({ connection, change, enforce }),
    leases: createLeases(connection),
    replicas,
    stats: createStats(connection),
    close,
  }
}
