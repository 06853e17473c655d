/**
 * All fragments → what is declared, by whom. A fragment that declares anything outside its scope is left out whole. A key
 * that two fragments declare is a Conflict, and then nothing of the composition may be applied. Reads no stored state.
 */
import { isError, sortFindings } from './analysis.ts'
import { claimId, claimsOf, findConflicts, isTaken, outsideScope, type Claimed } from './claims.ts'
import {
  declareFragment,
  type Declared,
  type DeclaredClaim,
  type DeclaredData,
  type DeclaredModule,
  type DeclaredPolicy,
} from './declared.ts'
import { moduleKey } from './documents.ts'
import type { PolicyName } from './layout.ts'
import { outOfScope } from './out-of-scope.ts'
import type { Finding, Fragment, PolicyKey } from './schema.ts'
import { emptyScope, type SourceScope } from './scope.ts'

export type { DeclaredData, DeclaredModule, DeclaredPolicy } from './declared.ts'

export interface Composition {
  readonly policies: ReadonlyMap<PolicyKey, DeclaredPolicy>
  readonly modules: ReadonlyMap<string, DeclaredModule>
  readonly moduleTests: ReadonlyMap<string, DeclaredModule>
  readonly data: ReadonlyMap<string, DeclaredData>
  /** What is owned without a file of its own. */
  readonly claims: readonly DeclaredClaim[]
  /** `<source>:<path>` of modules and data that stand without a claim: their source may not declare them (any more). */
  readonly unclaimed: ReadonlySet<string>
  readonly findings: readonly Finding[]
  /** By source: why its fragment is refused whole. */
  readonly outOfScope: ReadonlyMap<string, readonly Finding[]>
  readonly conflict: boolean
  /** No error at all. */
  readonly ok: boolean
}

export interface ComposeOptions {
  readonly fragments: readonly Fragment[]
  /** By source; one that is not named may declare everything. */
  readonly scopes?: ReadonlyMap<string, SourceScope>
  /** Stored content that stands in. What lies outside its source's scope stands too, but gives way to every claim. */
  readonly standing?: readonly Fragment[]
  /** Stored content of which only what lies outside its source's scope stands; all of it for a source without one. */
  readonly leftover?: readonly Fragment[]
  /** Each of its modules is in force unless somebody else has its id. */
  readonly defaults?: Fragment | undefined
  /** Policies of a source that are in force: one inside a folder that cannot be read is broken, not removed. */
  readonly known?: ReadonlyMap<string, readonly PolicyName[]>
}

export function compose({
  fragments,
  scopes = new Map(),
  standing = [],
  leftover = [],
  defaults,
  known = new Map(),
}: ComposeOptions): Composition {
  const all = fragments.map((fragment) => partOf(fragment, known.get(fragment.source)))
  const refused = outOfScope(all, scopes)
  const stored = standing.map((fragment) => split(partOf(fragment), scopes.get(fragment.source)))
  const claimed = [...all.filter(({ source }) => !refused.has(source)), ...stored.map(({ within }) => within)]
  const conflicts = findConflicts(claimed.flatMap(({ claims }) => claims))
  const beyond = freeOf(
    [
      ...stored.map((part) => part.beyond),
      ...leftover.map((fragment) => split(partOf(fragment), scopes.get(fragment.source) ?? emptyScope).beyond),
    ],
    claimed,
  )
  const shipped = freeOf(defaults === undefined ? [] : [partOf(defaults)], [...claimed, ...beyond])
  const parts = [...claimed, ...beyond, ...shipped].map(({ declared }) => declared)
  const findings = sortFindings([
    ...all.flatMap(({ declared }) => declared.findings),
    ...[...refused.values()].flat(),
    ...conflicts,
  ])
  return {
    policies: merged(parts.map(({ policies }) => policies)) as ReadonlyMap<PolicyKey, DeclaredPolicy>,
    modules: merged(parts.map(({ modules }) => modules)),
    moduleTests: merged(parts.map(({ moduleTests }) => moduleTests)),
    data: merged(parts.map(({ data }) => data)),
    claims: claimed.flatMap(({ declared }) => declared.claims),
    unclaimed: new Set(beyond.flatMap(({ claims }) => claims.map(({ source, file }) => moduleKey(source, file)))),
    findings,
    outOfScope: refused,
    conflict: conflicts.length > 0,
    ok: !findings.some(isError),
  }
}

/** One fragment, or a part of one. */
interface Part {
  readonly source: string
  readonly declared: Declared
  readonly claims: readonly Claimed[]
}

function partOf(fragment: Fragment, known?: readonly PolicyName[]): Part {
  const declared = declareFragment(fragment, known)
  return { source: fragment.source, declared, claims: claimsOf(declared) }
}

/** What a source may still declare, and shared content that it may not; its policies there are left alone. */
function split(part: Part, scope: SourceScope | undefined): { readonly within: Part; readonly beyond: Part } {
  const isWithin = (claim: Claimed) => scope === undefined || outsideScope(scope, claim) === undefined
  return {
    within: only(part, isWithin),
    beyond: only(part, (claim) => !isWithin(claim) && claim.kind !== 'policy' && !claim.generated),
  }
}

/** The parts without what `others` claim. */
function freeOf(parts: readonly Part[], others: readonly Part[]): readonly Part[] {
  if (parts.every(({ claims }) => claims.length === 0)) return parts
  const taken = new Map(others.flatMap(({ claims }) => claims.map((claim) => [claimId(claim), claim])))
  return parts.map((part) => only(part, (claim) => !isTaken(claim, taken)))
}

function only({ source, declared, claims: all }: Part, holds: (claim: Claimed) => boolean): Part {
  const claims = all.filter(holds)
  const kept = new Set(claims.map(claimId))
  const pick = <T>(kind: Claimed['kind'], items: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...items].filter(([key]) => kept.has(claimId({ kind, key }))))
  const part = {
    policies: pick('policy', declared.policies),
    modules: pick('module', declared.modules),
    moduleTests: pick('module', declared.moduleTests),
    data: pick('data', declared.data),
    claims: declared.claims.filter((claim) => kept.has(claimId(claim))),
    findings: declared.findings,
  }
  return { source, declared: part, claims }
}

/** Of one key that several declare, the first. */
function merged<T>(maps: readonly ReadonlyMap<string, T>[]): ReadonlyMap<string, T> {
  return new Map(maps.toReversed().flatMap((map) => [...map]))
}
