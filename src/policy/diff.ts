/**
 * What changes inside of documents, file by file: unified diffs of text, JSON Patch operations of data. Bounded: what is
 * too large, or one too many, is told by its name and sizes.
 */
import { createTwoFilesPatch } from 'diff'
import { z } from 'zod'
import { compareText } from './analysis.ts'
import { jsonDiff } from './json-diff.ts'
import { scanJson } from './json-text.ts'

const size = z.object({ digest: z.string(), bytes: z.number().int() })

export const fileDiffSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), file: z.string(), diff: z.string() }),
  z.object({
    kind: z.literal('json'),
    file: z.string(),
    operations: z.array(
      z.object({ op: z.enum(['add', 'replace', 'remove']), path: z.string(), value: z.string().optional() }),
    ),
  }),
  z.object({ kind: z.literal('omitted'), file: z.string(), before: size.nullable(), after: size.nullable() }),
])
export type FileDiff = z.infer<typeof fileDiffSchema>

export const documentDiffSchema = z.object({
  key: z.string(),
  change: z.enum(['create', 'replace', 'remove']),
  files: z.array(fileDiffSchema),
})
export type DocumentDiff = z.infer<typeof documentDiffSchema>

/** `text` is null for what is too large to be compared. */
export interface FileText {
  readonly digest: string
  readonly bytes: number
  readonly text: string | null
}

/** Files of one document by their path in the source. */
export type FileTexts = ReadonlyMap<string, FileText>

export interface DocumentPair {
  readonly key: string
  readonly before: FileTexts | null
  readonly after: FileTexts | null
}

export interface DiffBounds {
  /** Characters of one file's difference. */
  readonly perFile: number
  /** Characters of all differences together. */
  readonly total: number
}

export const defaultBounds: DiffBounds = { perFile: 64 * 1024, total: 1024 * 1024 }

/** Texts above this many bytes are not compared. */
export const mostCompared = 256 * 1024

export function diffDocuments(
  pairs: Iterable<DocumentPair>,
  { perFile, total }: DiffBounds = defaultBounds,
): readonly DocumentDiff[] {
  let left = total
  return [...pairs].map(({ key, before, after }) => {
    const change = before === null ? 'create' : after === null ? 'remove' : 'replace'
    const files = changedFiles(before, after).map((pair) => {
      const full = left > 0 ? fileDiff(pair) : omitted(pair)
      const length = lengthOf(full)
      if (length > perFile || length > left) return omitted(pair)
      left -= length
      return full
    })
    return { key, change, files }
  })
}

interface FilePair {
  readonly file: string
  readonly before: FileText | null
  readonly after: FileText | null
}

function changedFiles(before: FileTexts | null, after: FileTexts | null): readonly FilePair[] {
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
  return [...names]
    .toSorted(compareText)
    .map((file) => ({ file, before: before?.get(file) ?? null, after: after?.get(file) ?? null }))
    .filter((pair) => pair.before?.digest !== pair.after?.digest)
}

function fileDiff(pair: FilePair): FileDiff {
  const { file, before, after } = pair
  if (before?.text === null || after?.text === null) return omitted(pair)
  if (file.endsWith('.json') && before !== null && after !== null && isJson(before.text) && isJson(after.text))
    return { kind: 'json', file, operations: [...jsonDiff(before.text, after.text)] }
  const diff = unified(file, before?.text ?? null, after?.text ?? null)
  return diff === undefined ? omitted(pair) : { kind: 'text', file, diff }
}

function isJson(text: string): boolean {
  return scanJson(text).ok
}

/** More edits than this are a rewrite, which is shown as such sooner than it is computed. */
const mostEdits = 4_000

/** As `diff -u` writes it; undefined when the two differ too much. */
export function unified(file: string, before: string | null, after: string | null): string | undefined {
  const from = before === null ? '/dev/null' : `a/${file}`
  const to = after === null ? '/dev/null' : `b/${file}`
  const options = { context: 3, maxEditLength: mostEdits }
  const patch = createTwoFilesPatch(from, to, before ?? '', after ?? '', undefined, undefined, options)
  return patch?.replace(/^=+\n/, '')
}

function omitted({ file, before, after }: FilePair): FileDiff {
  return { kind: 'omitted', file, before: sizeOf(before), after: sizeOf(after) }
}

function sizeOf(text: FileText | null): z.infer<typeof size> | null {
  return text === null ? null : { digest: text.digest, bytes: text.bytes }
}

function lengthOf(diff: FileDiff): number {
  if (diff.kind === 'text') return diff.diff.length
  if (diff.kind === 'omitted') return 0
  return diff.operations.reduce((sum, { path, value = '' }) => sum + path.length + value.length + 30, 0)
}
