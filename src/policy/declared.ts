/** One fragment's files → the policies, shared modules and data that it declares. Looks at paths alone, never into text. */
import { findingOf, isError, type Origin } from './analysis.ts'
import { place, type Placed, type PolicyName } from './layout.ts'
import type { DataPath } from './paths.ts'
import type { Claim, Finding, Fragment, SourceFile } from './schema.ts'

export interface DeclaredPolicy extends PolicyName, Origin {
  readonly directory: string
  /** `policy.rego` and its siblings that are compiled. */
  readonly rego: readonly SourceFile[]
  readonly tests: readonly SourceFile[]
  readonly data: SourceFile | null
  /** policy.tests.yaml, output-schema.json and the like. */
  readonly sideFiles: readonly SourceFile[]
  /** What could not be read of it. */
  readonly findings: readonly Finding[]
}

/** `file` is null when it could not be read. */
export interface DeclaredModule extends Origin {
  readonly id: string
  readonly path: string
  readonly file: SourceFile | null
  readonly findings: readonly Finding[]
}

export interface DeclaredData extends DeclaredModule {
  readonly at: DataPath
}

export interface DeclaredClaim extends Origin, Claim {}

export interface Declared {
  readonly policies: Map<string, DeclaredPolicy>
  readonly modules: Map<string, DeclaredModule>
  readonly moduleTests: Map<string, DeclaredModule>
  readonly data: Map<string, DeclaredData>
  readonly claims: readonly DeclaredClaim[]
  readonly findings: Finding[]
}

interface PolicyParts {
  readonly name: PolicyName
  readonly rego: SourceFile[]
  readonly tests: SourceFile[]
  data: SourceFile | null
  readonly sideFiles: SourceFile[]
  readonly findings: Finding[]
}

/** `known`: its policies that are in force; one inside a folder that cannot be read is broken, not removed. */
export function declareFragment(fragment: Fragment, known: readonly PolicyName[] = []): Declared {
  const unreadable = new Map<string, Finding[]>()
  for (const finding of fragment.findings.filter(isError)) {
    if (finding.file !== undefined) unreadable.set(finding.file, [...(unreadable.get(finding.file) ?? []), finding])
  }
  const files = new Map<string, SourceFile>(fragment.files.map((file) => [file.path, file]))
  const placed = place([...new Set([...files.keys(), ...unreadable.keys()])].sort())
  const declared: Declared = {
    policies: new Map(),
    modules: new Map(),
    moduleTests: new Map(),
    data: new Map(),
    claims: (fragment.claims ?? []).map((claim) => ({ ...originOf(fragment), ...claim })),
    findings: [...fragment.findings],
  }
  const parts = new Map<string, PolicyParts>()
  for (const [path, what] of placed) {
    const item: Item = { path, file: files.get(path) ?? null, findings: unreadable.get(path) ?? [] }
    if (what.kind === 'policy') addToPolicy(parts, what, item)
    else addShared(declared, originOf(fragment, path), what, item)
  }
  addHiddenPolicies(parts, known, unreadable)
  for (const part of parts.values()) declared.policies.set(part.name.key, policyOf(part, fragment))
  return declared
}

function originOf({ source, commit, author, origins }: Fragment, path = ''): Origin {
  return { source, commit, author, ...origins?.get(path) }
}

interface Item {
  readonly path: string
  readonly file: SourceFile | null
  readonly findings: readonly Finding[]
}

function addToPolicy(parts: Map<string, PolicyParts>, what: Extract<Placed, { kind: 'policy' }>, item: Item): void {
  const part = parts.get(what.policy.key) ?? emptyParts(what.policy)
  parts.set(what.policy.key, part)
  part.findings.push(...item.findings)
  if (item.file === null) return
  if (what.role === 'policy') part.rego.unshift(item.file)
  else if (what.role === 'rego') part.rego.push(item.file)
  else if (what.role === 'test') part.tests.push(item.file)
  else if (what.role === 'data') part.data = item.file
  else part.sideFiles.push(item.file)
}

function emptyParts(name: PolicyName): PolicyParts {
  return { name, rego: [], tests: [], data: null, sideFiles: [], findings: [] }
}

function addShared(declared: Declared, origin: Origin, what: Exclude<Placed, { kind: 'policy' }>, item: Item): void {
  const common = { ...origin, path: item.path, file: item.file, findings: item.findings }
  if (what.kind === 'module') declared.modules.set(what.id, { ...common, id: what.id })
  if (what.kind === 'module-test') declared.moduleTests.set(what.id, { ...common, id: what.id })
  if (what.kind === 'data') declared.data.set(what.id, { ...common, id: what.id, at: what.at })
  // What could not be read has its finding already.
  if (what.kind === 'refused' && item.findings.length === 0)
    declared.findings.push(findingOf(origin, what.code, what.message, { file: item.path }))
}

/** A policy in force whose folder, or a folder above it, cannot be read any more (a link, a submodule). */
function addHiddenPolicies(
  parts: Map<string, PolicyParts>,
  known: readonly PolicyName[],
  unreadable: ReadonlyMap<string, readonly Finding[]>,
): void {
  if (unreadable.size === 0) return
  for (const name of known) {
    if (parts.has(name.key)) continue
    const above = [name.key, `${name.group}/${name.name}`, name.group]
    const findings = above.flatMap((folder) => unreadable.get(folder) ?? [])
    if (findings.length > 0) parts.set(name.key, { ...emptyParts(name), findings })
  }
}

function policyOf({ name, ...rest }: PolicyParts, fragment: Fragment): DeclaredPolicy {
  return { ...name, ...originOf(fragment, `${name.key}/policy.rego`), ...rest, directory: name.key }
}
