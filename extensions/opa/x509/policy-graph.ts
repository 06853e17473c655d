/**
 * Certificate policies along a chain: RFC 5280, 6.1, with the graph of RFC 9618 in place of the tree, for a verifier
 * to whom any policy is acceptable. What remains to be decided: does some policy hold where one is required.
 */
import { dotted } from '../der.ts'
import type { Certificate } from './certificate.ts'

interface Node {
  readonly policy: string
  expected: readonly string[]
  readonly parents: Set<Node>
  readonly children: Set<Node>
}

type Stratum = Map<string, Node>

const anyPolicy = '2.5.29.32.0'

function addNode(stratum: Stratum, policy: string, parents: Iterable<Node>): Node {
  const node: Node = { policy, expected: [policy], parents: new Set(parents), children: new Set() }
  for (const parent of node.parents) parent.children.add(node)
  stratum.set(policy, node)
  return node
}

/** `chain`: from the leaf to the root, which is trusted as it is. */
export function policiesHold(chain: readonly Certificate[]): boolean {
  const path = chain.slice(0, -1).toReversed()
  const counters = { explicit: path.length + 1, mapping: path.length + 1, any: path.length + 1 }
  const root: Stratum = new Map()
  addNode(root, anyPolicy, [])
  let strata: Stratum[] | undefined = [root]
  for (const [i, certificate] of path.entries()) {
    const isLast = i === path.length - 1
    if ((certificate.policies ?? []).length === 0) strata = undefined
    if (counters.explicit === 0 && strata === undefined) return false
    if (strata !== undefined) {
      grow(strata, certificate, counters.any > 0 || (!isLast && isSelfIssued(certificate)))
      if (!isLast && !map(strata, certificate, counters.mapping > 0)) return false
    }
    if (!isLast) count(counters, certificate)
  }
  const explicit = chain[0]?.requireExplicitPolicy === 0 ? 0 : counters.explicit - 1
  return path.length === 0 || explicit > 0 || (strata !== undefined && hasPolicy(strata))
}

const isSelfIssued = ({ rawIssuer, rawSubject }: Certificate): boolean => rawIssuer.equals(rawSubject)

/** 6.1.3 (d): a node for each policy of the certificate that the one before allows. */
function grow(strata: Stratum[], certificate: Certificate, anyCounts: boolean): void {
  const above = strata.at(-1) ?? new Map<string, Node>()
  const below: Stratum = new Map()
  strata.push(below)
  const byExpected = grouped(
    [...above.values()].flatMap((node) => node.expected.map((policy) => [policy, node] as const)),
  )
  const policies = (certificate.policies ?? []).map(dotted)
  for (const policy of policies.filter((own) => own !== anyPolicy)) {
    const fallback = above.get(anyPolicy)
    const parents = byExpected.get(policy) ?? (fallback === undefined ? [] : [fallback])
    if (parents.length > 0) addNode(below, policy, parents)
  }
  if (anyCounts && policies.includes(anyPolicy)) {
    for (const [policy, parents] of byExpected) if (!below.has(policy)) addNode(below, policy, parents)
  }
  prune(strata)
}

function grouped<T>(pairs: readonly (readonly [string, T])[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, value] of pairs) {
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}

/** What led to nothing; neither the root nor the newest stratum. */
function prune(strata: readonly Stratum[]): void {
  for (const stratum of strata.slice(1, -1).toReversed()) {
    for (const node of [...stratum.values()].filter(({ children }) => children.size === 0)) remove(stratum, node)
  }
}

function remove(stratum: Stratum, node: Node): void {
  for (const parent of node.parents) parent.children.delete(node)
  for (const child of node.children) child.parents.delete(node)
  stratum.delete(node.policy)
}

/** 6.1.4 (a, b): policies of the issuer that the subject knows by other names; false for a mapping of any policy. */
function map(strata: readonly Stratum[], { policyMappings }: Certificate, allowed: boolean): boolean {
  const leaves = strata.at(-1) ?? new Map<string, Node>()
  if (!allowed) {
    for (const { issuer } of policyMappings) {
      const node = leaves.get(issuer)
      if (node !== undefined) remove(leaves, node)
    }
    prune(strata)
    return true
  }
  if (policyMappings.some(({ issuer, subject }) => issuer === anyPolicy || subject === anyPolicy)) return false
  for (const [issuer, subjects] of grouped(policyMappings.map((mapping) => [mapping.issuer, mapping.subject]))) {
    const any = leaves.get(anyPolicy)
    const node = leaves.get(issuer) ?? (any === undefined ? undefined : addNode(leaves, issuer, [any]))
    if (node !== undefined) node.expected = subjects
  }
  return true
}

interface Counters {
  explicit: number
  mapping: number
  any: number
}

/** 6.1.4 (h–j) */
function count(counters: Counters, certificate: Certificate): void {
  const step = isSelfIssued(certificate) ? 0 : 1
  const next = (counter: number, limit: number | undefined): number =>
    Math.min(Math.max(counter - step, 0), limit !== undefined && limit >= 0 ? limit : Infinity)
  counters.explicit = next(counters.explicit, certificate.requireExplicitPolicy)
  counters.mapping = next(counters.mapping, certificate.inhibitPolicyMapping)
  counters.any = next(counters.any, certificate.inhibitAnyPolicy)
}

/** 6.1.5 (g): a policy that only any policy stands above, or any policy itself. */
function hasPolicy(strata: readonly Stratum[]): boolean {
  if (strata.at(-1)?.has(anyPolicy) === true) return true
  return strata.some((stratum) =>
    [...stratum.values()].some(({ policy, parents }) => {
      const [parent] = parents
      return policy !== anyPolicy && parents.size === 1 && parent?.policy === anyPolicy
    }),
  )
}
