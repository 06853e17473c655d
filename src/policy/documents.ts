/** The documents that a cycle wants in the store, and the blobs they refer to. The store fills in the revision. */
import type { Origin } from './analysis.ts'
import type { DeclaredPolicy } from './compose.ts'
import { sha256 } from './digest.ts'
import type { DataPath } from './paths.ts'
import type {
  Artifact,
  Finding,
  ModuleDocument,
  PolicyDocument,
  PolicyStatus,
  PolicyTests,
  SourceFile,
  StoredText,
} from './schema.ts'

export interface Blob {
  readonly digest: string
  readonly bytes: Uint8Array
}

/** Texts over this many bytes are blobs. */
export const maxInlineText = 256 * 1024

export type TakeBlob = (blob: Blob) => void

export function storedText(text: string, take: TakeBlob): StoredText {
  if (text.length * 3 <= maxInlineText || Buffer.byteLength(text) <= maxInlineText) return text
  const bytes = Buffer.from(text)
  const digest = sha256(bytes)
  take({ digest, bytes })
  return { blob: digest, size: bytes.length }
}

export interface PolicyContent {
  readonly policy: DeclaredPolicy
  readonly artifact: Artifact | null
  readonly digest: string
  readonly inputs: string
  readonly regoVersion: 0 | 1
  readonly tests: PolicyTests | null
  readonly status: PolicyStatus
  readonly now: Date
  readonly take: TakeBlob
}

export function policyDocument({
  policy,
  artifact,
  digest,
  inputs,
  regoVersion,
  tests,
  status,
  now,
  take,
}: PolicyContent): PolicyDocument {
  const main = policy.rego.find(({ path }) => path === `${policy.directory}/policy.rego`)
  const others = [...policy.rego.filter((file) => file !== main), ...policy.tests, ...policy.sideFiles]
  return {
    _id: policy.key,
    repository: policy.source,
    group: policy.group,
    name: policy.name,
    version: policy.version,
    rego: storedText(main?.text ?? '', take),
    data: policy.data === null ? null : storedText(policy.data.text, take),
    files: others.map((file) => ({ path: fileName(file), text: storedText(file.text, take) })),
    tests,
    regoVersion,
    digest,
    inputs,
    artifact,
    commit: policy.commit,
    author: policy.author,
    status,
    updated: now,
    revision: 0,
  }
}

function fileName(file: SourceFile): string {
  return file.path.slice(file.path.lastIndexOf('/') + 1)
}

export interface ModuleContent {
  readonly kind: ModuleDocument['kind']
  readonly id: string
  readonly package?: DataPath | undefined
  readonly file: SourceFile
  readonly origin: Origin
  readonly status: PolicyStatus
  readonly now: Date
  readonly take: TakeBlob
}

export function moduleDocument(content: ModuleContent): ModuleDocument {
  const { kind, id, file, origin, status, now, take } = content
  return {
    _id: moduleKey(origin.source, file.path),
    repository: origin.source,
    kind,
    id,
    ...(content.package === undefined ? {} : { package: [...content.package] }),
    path: file.path,
    text: storedText(file.text, take),
    digest: file.digest,
    commit: origin.commit,
    author: origin.author,
    status,
    updated: now,
    revision: 0,
  }
}

export function moduleKey(source: string, path: string): string {
  return `${source}:${path}`
}

export interface NextStatus {
  readonly before: PolicyStatus | undefined
  readonly phase: PolicyStatus['phase']
  readonly findings: readonly Finding[]
  /** Who broke it, when quarantined. */
  readonly by: Origin
  readonly now: Date
}

/** The same findings again are no news: the first commit that broke it stays named, and nothing is written. */
export function nextStatus({ before, phase, findings, by, now }: NextStatus): PolicyStatus {
  if (before !== undefined && before.phase === phase && sameFindings(before.findings, findings)) return before
  const since = before?.phase === phase ? before.since : now
  if (phase === 'Ready') return { phase, findings: [...findings], since }
  return {
    phase,
    findings: [...findings],
    since,
    commit: by.commit,
    ...(by.author === null ? {} : { author: by.author }),
  }
}

function sameFindings(a: readonly Finding[], b: readonly Finding[]): boolean {
  return a.length === b.length && a.every((finding, index) => findingKey(finding) === findingKey(b[index]))
}

/** What a finding says, whatever commit it was seen at. */
function findingKey(finding: Finding | undefined): string {
  if (finding === undefined) return ''
  const { code, severity, message, source, file, line, column } = finding
  return JSON.stringify([code, severity, message, source, file, line, column])
}
