/** Fragments that declare something outside their scope: each such thing is a finding, and the fragment is refused whole. */
import { findingOf } from './analysis.ts'
import { outsideScope, type Claimed } from './claims.ts'
import type { Finding } from './schema.ts'
import { showScope, type SourceScope } from './scope.ts'

export interface ClaimsOfSource {
  readonly source: string
  readonly claims: readonly Claimed[]
}

/** By source, only those that are refused. */
export function outOfScope(
  all: readonly ClaimsOfSource[],
  scopes: ReadonlyMap<string, SourceScope>,
): ReadonlyMap<string, readonly Finding[]> {
  const refused = new Map<string, readonly Finding[]>()
  for (const { source, claims } of all) {
    const scope = scopes.get(source)
    const findings = scope === undefined ? [] : claims.flatMap((claim) => findingsOf(scope, claim))
    if (findings.length > 0) refused.set(source, findings)
  }
  return refused
}

function findingsOf(scope: SourceScope, claim: Claimed): readonly Finding[] {
  const outside = outsideScope(scope, claim)
  if (outside === undefined) return []
  const message = `${outside} is outside the scope of ${claim.source} (${showScope(scope)}); nothing of its commit is applied`
  return [findingOf(claim, 'OutOfScope', message, { file: claim.file })]
}
