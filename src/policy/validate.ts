/**
 * The checks that need no tool: sizes, JSON, package names, who may import whom, data against packages. Each is a
 * function from what is declared to findings; nothing stops at the first.
 */
import { findingOf, findingOfError, type Origin, type ParsedModule } from './analysis.ts'
import type { DeclaredData, DeclaredModule, DeclaredPolicy } from './compose.ts'
import { entryPackage } from './entry.ts'
import { holdsPath, jsonNode, type JsonNode } from './json-tree.ts'
import { scanJson, type JsonKind, type JsonProblem } from './json-text.ts'
import { overlaps, showPath, startsWith, type DataPath } from './paths.ts'
import type { Finding, ModuleAnalysis, SourceFile } from './schema.ts'

export interface PolicyLimits {
  /** Bytes of one data.json. */
  readonly maxData: number
  /** Bytes of one Rego file. */
  readonly maxRego: number
  /** Levels of nesting in a JSON file. */
  readonly maxDepth: number
}

export const defaultLimits: PolicyLimits = { maxData: 32 * 1024 * 1024, maxRego: 1024 * 1024, maxDepth: 500 }

/** What a JSON file is, or what is wrong with it; `tree` looks into it and is made when it is asked for. */
export interface JsonFile {
  readonly verdict: JsonVerdict
  readonly tree: () => JsonNode
}

export type JsonVerdict =
  | { readonly ok: true; readonly kind: JsonKind }
  | { readonly ok: false; readonly problem: JsonProblem }

export type JsonReader = (file: SourceFile) => JsonFile

/** Keeps verdicts by content, so that the same text is never judged twice. */
export function createJsonReader({ maxDepth }: Pick<PolicyLimits, 'maxDepth'>, capacity = 50_000): JsonReader {
  const verdicts = new Map<string, JsonVerdict>()
  const files = new WeakMap<SourceFile, JsonFile>()
  const judge = (file: SourceFile): JsonVerdict => {
    const known = verdicts.get(file.digest)
    if (known !== undefined) return known
    const scan = scanJson(file.text, { maxDepth })
    const verdict = scan.ok ? { ok: true as const, kind: scan.kind } : scan
    if (verdicts.size >= capacity) verdicts.clear()
    verdicts.set(file.digest, verdict)
    return verdict
  }
  return (file) => {
    const known = files.get(file)
    if (known !== undefined) return known
    let tree: JsonNode | undefined
    const made = { verdict: judge(file), tree: () => (tree ??= jsonNode(file.text)) }
    files.set(file, made)
    return made
  }
}

/** Size, JSON, and that it is an object. */
export function checkDataFile(
  origin: Origin,
  file: SourceFile,
  json: JsonReader,
  limits: PolicyLimits,
): readonly Finding[] {
  const size = Buffer.byteLength(file.text)
  if (size > limits.maxData) {
    return [
      findingOf(origin, 'data_too_large', `${size} bytes of data; at most ${limits.maxData} are allowed`, {
        file: file.path,
      }),
    ]
  }
  const { verdict } = json(file)
  if (verdict.ok && verdict.kind !== 'object') {
    return [
      findingOf(origin, 'data_not_object', `data.json holds ${article(verdict.kind)}, not an object`, {
        file: file.path,
        line: 1,
        column: 1,
      }),
    ]
  }
  return checkJson(origin, file, verdict)
}

export function checkJson(origin: Origin, file: SourceFile, verdict: JsonVerdict): readonly Finding[] {
  if (verdict.ok) return []
  const { code, message, line, column } = verdict.problem
  return [findingOf(origin, code, message, { file: file.path, line, column })]
}

function article(kind: string): string {
  return kind === 'null' ? kind : `a${kind === 'array' ? 'n' : ''} ${kind}`
}

/** Too large, does not parse, or is Rego v0 (a warning). */
export function checkRegoFile(
  origin: Origin,
  file: SourceFile,
  parsed: ParsedModule | undefined,
  limits: PolicyLimits,
): readonly Finding[] {
  const size = Buffer.byteLength(file.text)
  if (size > limits.maxRego) {
    return [
      findingOf(origin, 'rego_too_large', `${size} bytes of Rego; at most ${limits.maxRego} are allowed`, {
        file: file.path,
      }),
    ]
  }
  if (parsed === undefined) return []
  if (!parsed.ok) return parsed.errors.map((error) => findingOfError(origin, { ...error, file: file.path }))
  if (parsed.analysis.regoVersion === 1) return []
  const message = 'written in Rego v0; it works, but new policies are written in v1'
  return [
    findingOf(origin, 'rego_v0', message, { file: file.path, line: parsed.analysis.packageLine, severity: 'warning' }),
  ]
}

/** Every file of a policy that is compiled has the package `<group>.<name>`. */
export function checkPackage(policy: DeclaredPolicy, file: SourceFile, analysis: ModuleAnalysis): readonly Finding[] {
  const wanted = [policy.group, policy.name]
  if (analysis.package.length === 2 && startsWith(analysis.package, wanted)) return []
  const message = `the package is ${showPath(analysis.package)}, but the folder says ${showPath(wanted)}`
  return [findingOf(policy, 'wrong_package', message, { file: file.path, line: analysis.packageLine })]
}

/** The packages of all policies, by group and name. */
export type PolicyPackages = ReadonlyMap<string, ReadonlySet<string>>

export function policyPackages(policies: Iterable<DeclaredPolicy>): PolicyPackages {
  const packages = new Map<string, Set<string>>()
  for (const { group, name } of policies) packages.set(group, (packages.get(group) ?? new Set()).add(name))
  return packages
}

/** References into another policy's package that no data of one's own explains. */
export function checkImports(options: {
  readonly origin: Origin
  readonly file: SourceFile
  readonly analysis: ModuleAnalysis
  readonly packages: PolicyPackages
  readonly own: DataPath | null
  readonly isData?: (path: DataPath) => boolean
}): readonly Finding[] {
  const { origin, file, analysis, packages, own, isData = () => false } = options
  const foreign = new Map<string, DataPath>()
  for (const ref of analysis.refs) {
    const [group, name] = ref
    if (group === undefined || name === undefined || packages.get(group)?.has(name) !== true) continue
    if ((own !== null && startsWith(ref, own)) || isData(ref.slice(0, 2))) continue
    foreign.set(showPath([group, name]), ref)
  }
  return [...foreign.keys()].map((shown) => {
    const message = `it refers to ${shown}, which is a policy; only shared modules and data may be used`
    return findingOf(origin, 'imports_policy', message, { file: file.path, line: analysis.packageLine })
  })
}

/** A shared package apart from every policy's package and from the generated entry. */
export function checkSharedPackage(
  module: DeclaredModule,
  analysis: ModuleAnalysis,
  packages: PolicyPackages,
): readonly Finding[] {
  const met = [...meetingPolicies(analysis.package, packages), entryPackage].find((path) =>
    overlaps(path, analysis.package),
  )
  if (met === undefined) return []
  const what = met === entryPackage ? 'the generated entry' : 'a policy'
  const message = `the shared package ${showPath(analysis.package)} meets ${showPath(met)}, the package of ${what}`
  return [findingOf(module, 'package_overlap', message, { file: module.path, line: analysis.packageLine })]
}

function meetingPolicies(path: DataPath, packages: PolicyPackages): readonly DataPath[] {
  const [group, name] = path
  if (group === undefined) return []
  const names = packages.get(group)
  if (names === undefined) return []
  if (name === undefined) return [...names].slice(0, 1).map((first) => [group, first])
  return names.has(name) ? [[group, name]] : []
}

/**
 * Where a document at `at` would answer in place of the rules of a package: when it equals, contains or lies under it.
 */
export function shadowedPackage(
  at: DataPath,
  tree: () => JsonNode,
  packages: Iterable<DataPath>,
): DataPath | undefined {
  for (const path of packages) {
    if (startsWith(at, path)) return path
    if (startsWith(path, at) && holdsPath(tree(), path.slice(at.length))) return path
  }
  return undefined
}

export function shadowFinding(origin: Origin, file: string, path: DataPath): Finding {
  const message = `the data stands where the package ${showPath(path)} answers; it would hide its rules`
  return findingOf(origin, 'data_shadows_rule', message, { file })
}

export function overlapFinding(origin: Origin, file: string, path: DataPath, other: string): Finding {
  return findingOf(origin, 'data_overlap', `${showPath(path)} is also given by ${other}`, { file })
}

export function checkSharedData(data: DeclaredData, json: JsonReader, limits: PolicyLimits): readonly Finding[] {
  return data.file === null ? data.findings : [...data.findings, ...checkDataFile(data, data.file, json, limits)]
}
