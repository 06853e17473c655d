/** Which shared data is in force: each file by itself; one that does not hold leaves its last good content in place. */
import { isError } from '../../src/policy/analysis.ts'
import type { DeclaredData } from '../../src/policy/compose.ts'
import { moduleKey } from '../../src/policy/documents.ts'
import type { SharedData } from '../../src/policy/packages.ts'
import { startsWith, type DataPath } from '../../src/policy/paths.ts'
import type { Finding, ModuleDocument, SourceFile } from '../../src/policy/schema.ts'
import {
  checkSharedData,
  overlapFinding,
  shadowedPackage,
  shadowFinding,
  type JsonReader,
  type PolicyLimits,
} from '../../src/policy/validate.ts'

export interface DataStage {
  readonly json: JsonReader
  readonly limits: PolicyLimits
  /** Packages of policies, shared modules and the entry. */
  readonly packages: readonly DataPath[]
  readonly readStored: (document: ModuleDocument) => Promise<SourceFile>
  readonly stored: readonly ModuleDocument[]
}

export interface DataInForce {
  readonly data: readonly SharedData[]
  readonly refused: ReadonlyMap<string, readonly Finding[]>
  readonly findings: readonly Finding[]
}

export async function dataInForce(declared: Iterable<DeclaredData>, stage: DataStage): Promise<DataInForce> {
  const documents = stage.stored.filter(({ kind }) => kind === 'data')
  const stored = new Map(documents.map((document) => [document._id, document]))
  const byPath = new Map(documents.map((document) => [document.path, document]))
  const data: SharedData[] = []
  const refused = new Map<string, readonly Finding[]>()
  const findings: Finding[] = []
  for (const item of [...declared].toSorted((a, b) => a.at.length - b.at.length || (a.id < b.id ? -1 : 1))) {
    // What it takes over from another source stays until its own holds.
    const good = stored.get(moduleKey(item.source, item.path)) ?? byPath.get(item.path)
    const candidate = judge(item, stage, data)
    const unchanged = good !== undefined && good.digest === item.file?.digest
    // What is in force already and met by a new package stays: the newcomer is to blame.
    const wrong = candidate.findings.filter(({ code }) => !unchanged || code !== 'data_shadows_rule')
    findings.push(...wrong)
    if (!wrong.some(isError) && item.file !== null) data.push(inForce(item, item.file, stage.json))
    else if (good !== undefined) {
      refused.set(good._id, wrong.filter(isError))
      const origin = { source: good.repository, commit: good.commit, author: good.author }
      data.push(inForce({ ...item, ...origin }, await stage.readStored(good), stage.json))
    }
  }
  return { data, refused, findings }
}

function judge(
  item: DeclaredData,
  { json, limits, packages }: DataStage,
  before: readonly SharedData[],
): { readonly findings: readonly Finding[] } {
  const { file } = item
  const findings = checkSharedData(item, json, limits)
  if (file === null || findings.some(isError)) return { findings }
  const shadowed = shadowedPackage(item.at, () => json(file).tree(), packages)
  const met = before.find((other) => meets(other, item))
  return {
    findings: [
      ...findings,
      ...(shadowed === undefined ? [] : [shadowFinding(item, item.path, shadowed)]),
      ...(met === undefined ? [] : [overlapFinding(item, item.path, item.at, met.file.path)]),
    ],
  }
}

/** The outer file has a member where the inner one begins. */
function meets(outer: SharedData, inner: DeclaredData): boolean {
  const next = inner.at[outer.at.length]
  return next !== undefined && startsWith(inner.at, outer.at) && outer.tree.member(next) !== undefined
}

function inForce(item: DeclaredData, file: SourceFile, json: JsonReader): SharedData {
  const { source, commit, author, id, at } = item
  return {
    source,
    commit,
    author,
    id,
    at,
    file,
    get tree() {
      return json(file).tree()
    },
  }
}
