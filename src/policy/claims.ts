/** Who claims which key: what a fragment declares in files, and what it owns without one. Two of one key are a Conflict. */
import { findingOf, type Origin } from './analysis.ts'
import type { Declared } from './declared.ts'
import { scanJson } from './json-text.ts'
import { holdsPath, jsonNode } from './json-tree.ts'
import { showPath, type DataPath } from './paths.ts'
import type { Claim, Finding } from './schema.ts'
import { coversModule, coversPolicy, dataOutside, type SourceScope } from './scope.ts'

export interface Claimed extends Origin, Claim {
  /** Of a data document that could be read. */
  readonly text: string | null
  /** It has no file of its own. */
  readonly generated: boolean
}

/** `policy:gaiax/x/1.0`, `module:rbac/core`, `data:roles`. */
export function claimId({ kind, key }: Pick<Claim, 'kind' | 'key'>): string {
  return `${kind}:${key}`
}

/** The declarations of one fragment, or of a composition. */
type Declarations = {
  readonly [K in 'policies' | 'modules' | 'moduleTests' | 'data']: ReadonlyMap<string, ValueOf<Declared[K]>>
} & Pick<Declared, 'claims'>
type ValueOf<M> = M extends ReadonlyMap<string, infer V> ? V : never

export function claimsOf({ policies, modules, moduleTests, data, claims }: Declarations): readonly Claimed[] {
  const written = { text: null, generated: false }
  return [
    ...[...policies.values()].map(({ source, commit, author, key, directory }) => {
      return { ...written, kind: 'policy' as const, key, file: `${directory}/policy.rego`, source, commit, author }
    }),
    ...[...modules.values(), ...moduleTests.values()].map(({ source, commit, author, id, path }) => {
      return { ...written, kind: 'module' as const, key: id, file: path, source, commit, author }
    }),
    ...[...data.values()].map(({ source, commit, author, id, path, file }) => {
      const text = file?.text ?? null
      return { kind: 'data' as const, key: id, file: path, source, commit, author, text, generated: false }
    }),
    ...claims.map((claim) => ({ ...claim, text: null, generated: true })),
  ]
}

/** What of a claim lies outside the scope, for people; undefined when nothing does. */
export function outsideScope(scope: SourceScope, claim: Claimed): string | undefined {
  if (claim.kind === 'policy') return coversPolicy(scope, claim.key) ? undefined : nameOf(claim)
  if (claim.kind === 'module') return coversModule(scope, claim.key) ? undefined : nameOf(claim)
  const outside = dataOutside(scope, pathOf(claim), claim.text)
  return outside === undefined ? undefined : `shared data at ${showPath(outside)}`
}

export function findConflicts(claims: readonly Claimed[]): readonly Finding[] {
  const first = new Map<string, Claimed>()
  const findings: Finding[] = []
  for (const claim of claims) {
    const other = first.get(claimId(claim))
    if (other === undefined) first.set(claimId(claim), claim)
    else findings.push(...conflictOf(nameOf(claim), other, claim))
  }
  for (const inner of first.values()) {
    const outer = nestingAround(inner, first)
    if (outer !== undefined && outer.source !== inner.source)
      findings.push(...conflictOf(`shared data at ${showPath(pathOf(inner))}`, outer, inner))
  }
  return findings
}

/** Whether `claims`, by id, take this key, or lie inside or around it. */
export function isTaken(claim: Claimed, claims: ReadonlyMap<string, Claimed>): boolean {
  if (claims.has(claimId(claim)) || nestingAround(claim, claims) !== undefined) return true
  const own = new Map([[claimId(claim), claim]])
  return claim.kind === 'data' && [...claims.values()].some((other) => nestingAround(other, own) !== undefined)
}

/** The data above it that reaches, inside its JSON, to its path. */
function nestingAround(inner: Claimed, claims: ReadonlyMap<string, Claimed>): Claimed | undefined {
  if (inner.kind !== 'data' || inner.key === '') return undefined
  const path = pathOf(inner)
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const outer = claims.get(claimId({ kind: 'data', key: path.slice(0, depth).join('/') }))
    if (outer !== undefined && reaches(outer, path.slice(depth))) return outer
  }
  return undefined
}

function reaches({ text, generated }: Claimed, rest: DataPath): boolean {
  return generated || (text !== null && scanJson(text).ok && holdsPath(jsonNode(text), rest))
}

function pathOf({ key }: Pick<Claim, 'key'>): DataPath {
  return key === '' ? [] : key.split('/')
}

function nameOf({ kind, key }: Pick<Claim, 'kind' | 'key'>): string {
  if (kind === 'policy') return `policy ${key}`
  return `shared ${kind} ${key === '' ? 'at the root' : key}`
}

/** One finding for each side, so that each source shows it. */
function conflictOf(what: string, a: Claimed, b: Claimed): readonly Finding[] {
  const message = `${what} is declared by ${sideOf(a)} and by ${sideOf(b)}; nothing is applied until one of them lets go of it`
  return [a, b].map((side) => findingOf(side, 'Conflict', message, { file: side.file }))
}

function sideOf({ source, file, commit }: Claimed): string {
  return `${source} (${file} at ${commit})`
}
