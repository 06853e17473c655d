/** The answers of the HTTP API as far as the console reads them; `/openapi.json` describes them whole. */
export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly source: string
  readonly commit?: string
  readonly author?: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

export interface CatalogItem {
  readonly repository: string
  readonly group: string
  readonly name: string
  readonly version: string
  readonly digest: string
  readonly commit: string
  readonly author: string | null
  readonly revision: number
  readonly updated: string
  readonly phase: 'Ready' | 'Quarantined'
  readonly locked: boolean
  readonly evaluation: string
}

export interface CatalogPage {
  readonly policies: readonly CatalogItem[]
  readonly total: number
  readonly next: string | null
  readonly revision: number
}

export interface Lock {
  readonly actor: string
  readonly reason: string | null
  readonly since: string
  readonly until: string | null
}

export interface Policy extends Omit<CatalogItem, 'phase' | 'locked' | 'evaluation'> {
  readonly versions: readonly string[]
  readonly regoVersion: 0 | 1
  readonly status: {
    readonly phase: 'Ready' | 'Quarantined'
    readonly findings: readonly Finding[]
    readonly since: string
    readonly commit?: string
    readonly author?: string
  }
  readonly lock: Lock | null
  readonly rego: string
  readonly data: string | null
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** null: it has none, or they were not run. */
  readonly tests: PolicyTests | null
}

export interface Source {
  readonly name: string
  readonly kind: 'git' | 'directory' | 'api'
  readonly location: string
  readonly phase: 'Ready' | 'Reconciling' | 'Stalled'
  readonly reason: string
  readonly message: string
  readonly findings: readonly Finding[]
  readonly commit: string | null
  readonly revision: string | null
  readonly lastSeenCommit: string | null
  readonly lastAttempt: string | null
  readonly lastSuccess: string | null
  readonly held: { readonly commit: string; readonly removes: readonly string[]; readonly of: number } | null
  readonly plan?: string | null
  readonly counts: { readonly policies: number; readonly modules: number; readonly quarantined: number }
  readonly webhook: { readonly configured: boolean; readonly last: string | null }
}

export interface Revision {
  readonly revision: number
  readonly at: string
  readonly plan: string
  readonly sources: readonly { readonly name: string; readonly commit: string; readonly revision: string }[]
  readonly created: readonly string[]
  readonly replaced: readonly string[]
  readonly removed: readonly string[]
  readonly modules: Readonly<Record<'created' | 'replaced' | 'removed', readonly string[]>>
  readonly policies: number
  /** When asked for the revisions of one policy. */
  readonly change?: {
    readonly kind: 'created' | 'replaced' | 'removed'
    readonly repository: string | null
    readonly commit: string | null
    readonly author: string | null
  }
}

interface PlannedChange {
  readonly create: readonly string[]
  readonly replace: readonly string[]
  readonly remove: readonly string[]
  readonly keep: number
}

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export interface PlanTests extends TestCounts {
  readonly policies: readonly (TestCounts & { readonly policy: string })[]
  readonly failures: readonly {
    readonly policy: string
    readonly test: string
    readonly file: string
    readonly line: number
    readonly message: string
  }[]
}

export interface PolicyTests extends TestCounts {
  readonly at: string
  readonly cases: readonly {
    readonly name: string
    readonly file: string
    readonly line: number
    readonly status: 'passed' | 'failed' | 'skipped'
    readonly message: string
    readonly cost: number | null
  }[]
}

export type PlanStatus = 'Waiting' | 'Applied' | 'Rejected' | 'Superseded' | 'Stale' | 'Failed'

export interface Plan {
  readonly id: string
  readonly kind: 'sync' | 'rollback'
  readonly status: PlanStatus
  readonly message: string
  readonly baseRevision: number
  readonly revision: number | null
  readonly sources: readonly { readonly name: string; readonly commit: string; readonly revision: string }[]
  readonly subject: readonly string[]
  readonly changes: { readonly policies: PlannedChange; readonly modules: PlannedChange }
  readonly findings: readonly Finding[]
  readonly tests: PlanTests | null
  /** Cases whose cost changes, in units of work. */
  readonly cost:
    | readonly { readonly policy: string; readonly test: string; readonly before: number; readonly after: number }[]
    | null
  readonly requests: readonly { readonly id: string; readonly actor: string }[]
  readonly authors: readonly string[]
  readonly createdAt: string
  readonly decidedAt: string | null
  readonly decidedBy: string | null
}

export type FileDiff =
  | { readonly kind: 'text'; readonly file: string; readonly diff: string }
  | {
      readonly kind: 'json'
      readonly file: string
      readonly operations: readonly {
        readonly op: 'add' | 'replace' | 'remove'
        readonly path: string
        readonly value?: string
      }[]
    }
  | {
      readonly kind: 'omitted'
      readonly file: string
      readonly before: { readonly bytes: number } | null
      readonly after: { readonly bytes: number } | null
    }

export interface DocumentDiff {
  readonly key: string
  readonly change: 'create' | 'replace' | 'remove'
  readonly files: readonly FileDiff[]
}

interface Allowed {
  readonly allowed: boolean
  /** Why not. */
  readonly because: string | null
}

export interface ApprovalRule {
  readonly rule: string
  readonly actors: readonly string[]
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** Only who is in all of these. */
  readonly ownGroups: readonly string[] | null
  readonly uncovered: readonly string[]
}

export interface Approval {
  readonly mode: 'open' | 'required'
  readonly rules: readonly ApprovalRule[]
  /** Who made it, where another must approve. */
  readonly notBy: readonly string[]
  readonly you: { readonly approve: Allowed; readonly reject: Allowed }
}

export interface PlanWithDiffs extends Plan {
  readonly diffs: readonly DocumentDiff[]
  /** null unless it waits. */
  readonly approval: Approval | null
}

export interface Rule {
  readonly id: string
  readonly service_name: string
  readonly resource_type: string
  readonly role: string
  readonly action: string
  readonly is_active: boolean
}

interface NamedChanges {
  readonly create: readonly string[]
  readonly replace: readonly string[]
  readonly remove: readonly string[]
}

export interface Preview {
  readonly ok: boolean
  readonly message: string
  readonly findings: readonly Finding[]
  readonly plan: {
    readonly policies: NamedChanges
    readonly modules: NamedChanges
    readonly rules: { readonly created: number; readonly updated: number; readonly removed: number }
  } | null
  /** Of rules: each service as Rego, now and with the change. */
  readonly rego?: readonly { readonly module: string; readonly before: string | null; readonly after: string }[]
}

/** Of a change through the API. */
export interface Changed {
  readonly message: string
  /** It is not in force: this plan waits with it. */
  readonly plan?: Plan
}

export interface AuditEntry {
  readonly sequence: number
  readonly at: string
  readonly actor: string | null
  readonly from: string | null
  readonly action: string
  readonly resource: string
  readonly details: Readonly<Record<string, unknown>>
  readonly changes: readonly { readonly key: string; readonly before: string | null; readonly after: string | null }[]
  readonly mark: string
}

export interface Owned {
  readonly key: string
  readonly owners: readonly {
    readonly source: string
    readonly commit: string
    readonly file: string
    readonly generated: boolean
  }[]
}

export interface WhoAmI {
  readonly id: string
  readonly kind: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly mode: 'open' | 'required'
  /** The actions that a rule allows. */
  readonly may: readonly string[]
}

export interface Token {
  readonly id: string
  readonly actor: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly created: string
  readonly createdBy: string
  readonly expires: string | null
  readonly revoked: string | null
  /** To the minute. */
  readonly lastUsed: string | null
  readonly state: 'active' | 'expired' | 'revoked'
}

/** How users sign in at the identity provider. */
export interface Oidc {
  readonly issuer: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly audience: string
}

export interface StatsMinute {
  readonly at: string
  readonly decisions: number
  readonly failed: number
  readonly seconds: number
  readonly cost: number
}

export interface DryRun {
  readonly ok: boolean
  readonly findings: readonly Finding[]
  readonly defined: boolean
  readonly result?: unknown
  readonly error: { readonly code: string; readonly message: string } | null
  readonly took: { readonly compileMs: number; readonly evaluateMs: number; readonly cost: number | null } | null
  /** Where asked for; null: it was not evaluated. */
  readonly explanation?: Explanation | null
  /** Of the draft; null: not known. */
  readonly coverage?: Lines | null
}

/** Those of `covered` that never held are `failed`. */
export interface Lines {
  readonly covered: readonly number[]
  readonly failed: readonly number[]
  readonly notCovered: readonly number[]
}

export interface Seen {
  readonly expression: string
  /** None: undefined. */
  readonly values: readonly unknown[]
}

interface Clause {
  readonly file: string
  readonly line: number
  readonly text: string
}

export interface Attempt extends Clause {
  readonly conditions: readonly (Clause & { readonly saw: readonly Seen[]; readonly rules?: readonly string[] })[]
  readonly unasked?: number
}

export interface ExplainedRule {
  readonly rule: string
  /** Absent: undefined. */
  readonly value?: unknown
  readonly by: readonly (Clause & { readonly saw?: readonly Seen[] })[]
  readonly missing: readonly Attempt[]
}

export interface Explanation {
  readonly asked: readonly string[]
  readonly rules: readonly ExplainedRule[]
  readonly unavailable: readonly string[]
  readonly notes: readonly string[]
}
