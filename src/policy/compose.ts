/**
 * All fragments → what is declared, by whom. A key that two fragments declare is a Conflict, and then nothing of the
 * composition may be applied. Looks at paths, and into shared data only where two fragments' data paths are nested.
 */
import { findingOf, isError, sortFindings, type Origin } from './analysis.ts'
import { holdsPath, jsonNode } from './json-tree.ts'
import { scanJson } from './json-text.ts'
import { place, type Placed, type PolicyName } from './layout.ts'
import { startsWith, showPath, type DataPath } from './paths.ts'
import type { Finding, Fragment, PolicyKey, SourceFile } from './schema.ts'

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

export interface Composition {
  readonly policies: ReadonlyMap<PolicyKey, DeclaredPolicy>
  readonly modules: ReadonlyMap<string, DeclaredModule>
  readonly moduleTests: ReadonlyMap<string, DeclaredModule>
  readonly data: ReadonlyMap<string, DeclaredData>
  readonly findings: readonly Finding[]
  readonly conflict: boolean
  /** No error at all. */
  readonly ok: boolean
}

export interface ComposeOptions {
  readonly fragments: readonly Fragment[]
  /** Policies of a source that are in force: one inside a folder that cannot be read is broken, not removed. */
  readonly known?: ReadonlyMap<string, readonly PolicyName[]>
}

export function compose({ fragments, known = new Map() }: ComposeOptions): Composition {
  const parts = fragments.map((fragment) => declare(fragment, known.get(fragment.source) ?? []))
  const policies = collect(
    'policy',
    parts.map((part) => part.policies),
  )
  const modules = collect(
    'shared module',
    parts.map((part) => part.modules),
  )
  const moduleTests = collect(
    'shared module',
    parts.map((part) => part.moduleTests),
  )
  const data = collect(
    'shared data',
    parts.map((part) => part.data),
  )
  const conflicts = [policies, modules, moduleTests, data].flatMap((collected) => collected.conflicts)
  const nested = nestedDataConflicts([...data.all.values()])
  const findings = sortFindings([...parts.flatMap((part) => part.findings), ...conflicts, ...nested])
  return {
    policies: policies.all as ReadonlyMap<PolicyKey, DeclaredPolicy>,
    modules: modules.all,
    moduleTests: moduleTests.all,
    data: data.all,
    findings,
    conflict: conflicts.length + nested.length > 0,
    ok: !findings.some(isError),
  }
}

interface Declared {
  readonly policies: Map<string, DeclaredPolicy>
  readonly modules: Map<string, DeclaredModule>
  readonly moduleTests: Map<string, DeclaredModule>
  readonly data: Map<string, DeclaredData>
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

function declare(fragment: Fragment, known: readonly PolicyName[]): Declared {
  const origin = { source: fragment.source, commit: fragment.commit, author: fragment.author }
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
    findings: [...fragment.findings],
  }
  const parts = new Map<string, PolicyParts>()
  for (const [path, what] of placed) {
    const item: Item = { path, file: files.get(path) ?? null, findings: unreadable.get(path) ?? [] }
    if (what.kind === 'policy') addToPolicy(parts, what, item)
    else addShared(declared, origin, what, item)
  }
  addHiddenPolicies(parts, known, unreadable)
  for (const part of parts.values()) declared.policies.set(part.name.key, policyOf(part, origin))
  return declared
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

function policyOf(part: PolicyParts, origin: Origin): DeclaredPolicy {
  const { name, ...rest } = part
  return { ...name, ...origin, ...rest, directory: name.key }
}

interface Collected<T> {
  readonly all: ReadonlyMap<string, T>
  readonly conflicts: readonly Finding[]
}

function collect<T extends Origin>(what: string, parts: readonly ReadonlyMap<string, T>[]): Collected<T> {
  const all = new Map<string, T>()
  const conflicts: Finding[] = []
  for (const [key, item] of parts.flatMap((part) => [...part])) {
    const first = all.get(key)
    if (first === undefined) all.set(key, item)
    else conflicts.push(...conflictOf(`${what} ${key === '' ? 'at the root' : key}`, first, item))
  }
  return { all, conflicts }
}

/** One finding for each side, so that each source shows it. */
function conflictOf(what: string, a: Origin, b: Origin): readonly Finding[] {
  const message = `${what} is declared by ${sideOf(a)} and by ${sideOf(b)}; nothing is applied until one of them lets go of it`
  return [a, b].map((side) => findingOf(side, 'Conflict', message, { file: fileOf(side) }))
}

function sideOf(side: Origin): string {
  return `${side.source} (${fileOf(side)} at ${side.commit})`
}

function fileOf(side: Origin): string {
  if ('path' in side) return String(side.path)
  return 'directory' in side ? `${String(side.directory)}/policy.rego` : ''
}

/** Data of one fragment that reaches, inside its JSON, to a path that another fragment declares. */
function nestedDataConflicts(data: readonly DeclaredData[]): readonly Finding[] {
  return data.flatMap((outer) =>
    data
      .filter(
        (inner) => inner.source !== outer.source && inner.at.length > outer.at.length && startsWith(inner.at, outer.at),
      )
      .filter((inner) => outer.file !== null && reaches(outer.file.text, inner.at.slice(outer.at.length)))
      .flatMap((inner) => conflictOf(`shared data at ${showPath(inner.at)}`, outer, inner)),
  )
}

function reaches(text: string, path: DataPath): boolean {
  return scanJson(text).ok && holdsPath(jsonNode(text), path)
}
