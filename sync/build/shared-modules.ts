/**
 * Which shared modules are in force: what is declared, but where a fragment's part of a package does not hold, the last
 * good files of that part instead. One file's error never reaches beyond the part it stands in.
 */
import {
  findingOf,
  findingOfError,
  isError,
  type Origin,
  type ParsedModule,
  type RegoError,
} from '../../src/policy/analysis.ts'
import type { DeclaredModule } from '../../src/policy/compose.ts'
import { moduleKey } from '../../src/policy/documents.ts'
import { indexPackages, reach, type SharedModule } from '../../src/policy/packages.ts'
import { overlaps, pathKey, showPath, type DataPath } from '../../src/policy/paths.ts'
import { shippedSource } from '../../src/policy/rbac.ts'
import type { Finding, ModuleAnalysis, ModuleDocument, SourceFile } from '../../src/policy/schema.ts'
import {
  checkImports,
  checkRegoFile,
  checkSharedPackage,
  type PolicyLimits,
  type PolicyPackages,
} from '../../src/policy/validate.ts'
import type { CachedOpa } from '../../src/opa/cached.ts'

export interface SharedStage {
  readonly opa: Pick<CachedOpa, 'check'>
  readonly limits: PolicyLimits
  readonly packages: PolicyPackages
  /** May its source's modules be of this package? */
  readonly mayHold: (module: DeclaredModule, path: DataPath) => boolean
  /** Declared shared data that lies at, above or below a package. */
  readonly dataMeets: (path: DataPath) => boolean
  /** Somebody has replaced one of the shipped modules. */
  readonly shippedReplaced: boolean
  /** Parsed by content; undefined for what was not parsed because it is too large. */
  readonly parsed: (file: SourceFile) => Promise<ParsedModule | undefined>
  readonly readStored: (document: ModuleDocument) => Promise<SourceFile>
  readonly stored: readonly ModuleDocument[]
  /** What their tests say, by `<source>:<path>`. */
  readonly failing?: ReadonlyMap<string, readonly Finding[]>
  readonly signal?: AbortSignal | undefined
}

export interface ModulesInForce {
  readonly modules: readonly SharedModule[]
  /** By `<source>:<path>`: what its part was refused for; the stored content stays. */
  readonly refused: ReadonlyMap<string, readonly Finding[]>
  readonly findings: readonly Finding[]
}

/** One fragment's part of one package. */
interface Part {
  readonly source: string
  readonly declared: readonly Member[]
  readonly lastGood: readonly StoredModule[]
  /** What its own files say. */
  readonly findings: Finding[]
  /** What compiling it together with all others says. */
  readonly compiled: Finding[]
  refused: boolean
}

interface Member {
  readonly module: DeclaredModule
  readonly shared: SharedModule | undefined
  readonly findings: readonly Finding[]
}

interface StoredModule {
  readonly document: ModuleDocument
  readonly shared: SharedModule
}

export async function modulesInForce(declared: Iterable<DeclaredModule>, stage: SharedStage): Promise<ModulesInForce> {
  const parts = await partsOf([...declared], stage)
  for (const part of parts) judge(part)
  for (const part of parts) if (isShipped(part) && mustGiveWay(part, parts, stage)) part.refused = true
  while (await refuseCulprits(parts, stage)) stage.signal?.throwIfAborted()
  await readmit(parts, stage)
  const refused = parts.filter((part) => part.refused)
  return {
    modules: inForce(parts),
    refused: new Map(
      refused.flatMap((part) =>
        part.lastGood.map(({ document }) => [document._id, findingsOf(part).filter(isError)] as const),
      ),
    ),
    findings: parts.flatMap(findingsOf),
  }
}

function findingsOf(part: Part): readonly Finding[] {
  return isShipped(part) && part.refused ? [] : [...part.findings, ...part.compiled]
}

/** What Edict ships is never to blame and never in the way: it is left out without a finding of its own. */
function isShipped({ source }: Pick<Part, 'source'>): boolean {
  return source === shippedSource
}

/** A policy's package, other data, or another shared package lies at, above or below its own. */
function mustGiveWay(part: Part, parts: readonly Part[], { dataMeets }: SharedStage): boolean {
  const path = part.declared[0]?.shared?.analysis.package
  if (path === undefined || part.refused || dataMeets(path)) return true
  const others = parts.filter((other) => !isShipped(other)).flatMap(({ declared }) => declared)
  return others.some(({ shared }) => {
    const other = shared?.analysis.package ?? []
    return other.length !== path.length && other.length > 0 && overlaps(other, path)
  })
}

async function partsOf(declared: readonly DeclaredModule[], stage: SharedStage): Promise<readonly Part[]> {
  const stored = await readStoredModules(stage)
  const packageOfStored = new Map(stored.map(({ document, shared }) => [document._id, shared.analysis.package]))
  const members = new Map<string, Member[]>()
  for (const module of declared) {
    const member = await memberOf(module, stage)
    const path = member.shared?.analysis.package ?? packageOfStored.get(`${module.source}:${module.path}`)
    const key = path === undefined ? `${module.source}\0?${module.path}` : partKey(module.source, path)
    members.set(key, [...(members.get(key) ?? []), member])
  }
  return [...members].map(([key, group]) => ({
    source: group[0]?.module.source ?? '',
    declared: group,
    lastGood: stored.filter((module) => isLastGood(module, key, group)),
    findings: [...group.flatMap(({ findings }) => findings), ...failuresOf(group, stage)],
    compiled: [],
    refused: false,
  }))
}

/** A test may be about several modules of a part. */
function failuresOf(group: readonly Member[], { failing }: SharedStage): readonly Finding[] {
  return [...new Set(group.flatMap(({ module }) => failing?.get(moduleKey(module.source, module.path)) ?? []))]
}

/** The part's own content as it is stored, and of other sources what it takes over from them. */
function isLastGood({ document, shared }: StoredModule, key: string, group: readonly Member[]): boolean {
  if (shared.source === shippedSource) return false
  if (partKey(shared.source, shared.analysis.package) === key) return true
  return group.some(({ module }) => module.path === document.path && module.source !== shared.source)
}

function partKey(source: string, path: DataPath): string {
  return `${source}\0\0${pathKey(path)}`
}

async function readStoredModules(stage: SharedStage): Promise<readonly StoredModule[]> {
  const modules = stage.stored.filter(({ kind }) => kind === 'module')
  const read = modules.map(async (document): Promise<readonly StoredModule[]> => {
    const file = await stage.readStored(document)
    const parsed = await stage.parsed(file)
    if (parsed?.ok !== true) return []
    const origin = { source: document.repository, commit: document.commit, author: document.author }
    return [{ document, shared: { ...origin, id: document.id, file, analysis: parsed.analysis } }]
  })
  return (await Promise.all(read)).flat()
}

async function memberOf(module: DeclaredModule, stage: SharedStage): Promise<Member> {
  const { parsed, limits, packages } = stage
  const { file, ...origin } = module
  if (file === null) return { module, shared: undefined, findings: module.findings }
  const result = await parsed(file)
  const findings = [...module.findings, ...checkRegoFile(origin, file, result, limits)]
  if (result?.ok !== true) return { module, shared: undefined, findings }
  const { analysis } = result
  const shared = { source: module.source, commit: module.commit, author: module.author, id: module.id, file, analysis }
  const more = [
    ...checkSharedPackage(module, analysis, packages),
    ...checkImports({ origin, file, analysis, packages, own: null }),
    ...(stage.mayHold(module, analysis.package) ? [] : [packageOutOfScope(module, analysis)]),
  ]
  return { module, shared, findings: [...findings, ...more] }
}

function packageOutOfScope(module: DeclaredModule, analysis: ModuleAnalysis): Finding {
  const message = `the package ${showPath(analysis.package)} lies outside the scope of ${module.source}`
  return findingOf(module, 'package_out_of_scope', message, { file: module.path, line: analysis.packageLine })
}

/** A part that already is in force as it is stays; a policy that came later and meets its package is to blame. */
function judge(part: Part): void {
  const unchanged = !isChanged(part)
  if (unchanged) {
    const kept = part.findings.filter(({ code }) => code !== 'package_overlap')
    part.findings.splice(0, part.findings.length, ...kept)
  }
  part.refused = part.findings.some(isError)
}

function isChanged(part: Part): boolean {
  const good = new Map(part.lastGood.map(({ document }) => [document.path, document.digest]))
  const same = part.declared.every(({ module }) => module.file !== null && good.get(module.path) === module.file.digest)
  return !same || good.size !== part.declared.length
}

function inForce(parts: readonly Part[]): readonly SharedModule[] {
  const current = parts
    .filter((part) => !part.refused)
    .flatMap((part) => part.declared.flatMap(({ shared }) => shared ?? []))
  const taken = new Set(current.map(({ file }) => file.path))
  const standing = parts.filter((part) => part.refused).flatMap((part) => part.lastGood.map(({ shared }) => shared))
  return [...current, ...standing.filter(({ file }) => !taken.has(file.path))].toSorted((a, b) =>
    a.file.path < b.file.path ? -1 : 1,
  )
}

/** Compiles all together; refuses the changed parts that an error lies in, or else those that it comes from. */
async function refuseCulprits(parts: readonly Part[], stage: SharedStage): Promise<boolean> {
  const modules = inForce(parts)
  const errors = await check(modules, stage)
  if (errors.length === 0) return false
  if (stage.shippedReplaced && (await leaveOutShipped(parts, stage))) return true
  const changed = parts.filter((part) => !part.refused && !isShipped(part) && isChanged(part))
  const direct = changed.filter((part) => errors.some((error) => holds(part, error)))
  if (direct.length > 0)
    return refuse(direct, (part) =>
      errors.filter((error) => holds(part, error)).map((error) => findingOfError(originOf(part), error)),
    )
  const reached = reachedBy(errors, modules)
  const behind = changed.filter((part) => part.declared.some(({ module }) => reached.has(module.path)))
  const culprits = behind.length > 0 ? behind : changed
  if (culprits.length > 0) return refuse(culprits, (part) => errors.map((error) => breaks(part, error)))
  if (await leaveOutShipped(parts, stage)) return true
  for (const part of parts) {
    part.compiled.push(
      ...errors.filter((error) => holds(part, error)).map((error) => findingOfError(originOf(part), error)),
    )
  }
  return false
}

function refuse(parts: readonly Part[], findingsOf: (part: Part) => readonly Finding[]): true {
  for (const part of parts) {
    part.refused = true
    part.compiled.push(...findingsOf(part))
  }
  return true
}

async function check(modules: readonly SharedModule[], { opa, signal }: SharedStage): Promise<readonly RegoError[]> {
  if (modules.length === 0) return []
  const files = modules.map(({ file: { path, text }, analysis }) => ({ path, text, regoVersion: analysis.regoVersion }))
  return opa.check(files, { signal })
}

/** When all others compile without what Edict ships, that gives way to them. */
async function leaveOutShipped(parts: readonly Part[], stage: SharedStage): Promise<boolean> {
  const shipped = parts.filter((part) => isShipped(part) && !part.refused)
  if (shipped.length === 0) return false
  for (const part of shipped) part.refused = true
  if ((await check(inForce(parts), stage)).length === 0) return true
  for (const part of shipped) part.refused = false
  return false
}

/** A part that was refused along with another may be good beside that one's last good files. */
async function readmit(parts: readonly Part[], stage: SharedStage): Promise<void> {
  const refused = parts.filter((part) => part.refused && part.compiled.length > 0)
  if (refused.length < 2) return
  for (const part of refused) {
    part.refused = false
    if ((await check(inForce(parts), stage)).length > 0) part.refused = true
    else part.compiled.splice(0)
  }
}

function holds(part: Part, error: RegoError): boolean {
  return part.declared.some(({ module }) => module.path === error.file)
}

function originOf(part: Part): Origin {
  return part.declared[0]?.module ?? { source: part.source, commit: '', author: null }
}

function breaks(part: Part, error: RegoError): Finding {
  const good = new Map(part.lastGood.map(({ document }) => [document.path, document.digest]))
  const first = part.declared.find(({ module }) => good.get(module.path) !== module.file?.digest) ?? part.declared[0]
  const where = error.file === undefined ? '' : `${error.file}:${error.row ?? 1}: `
  return findingOf(originOf(part), 'breaks_module', `with this change: ${where}${error.message}`, {
    file: first?.module.path,
  })
}

function reachedBy(errors: readonly RegoError[], modules: readonly SharedModule[]): ReadonlySet<string> {
  const files = new Set(errors.map(({ file }) => file))
  const failing = modules.filter(({ file }) => files.has(file.path)).map(({ analysis }) => ({ analysis }))
  return new Set(reach(failing, indexPackages(modules)).modules.map(({ file }) => file.path))
}
