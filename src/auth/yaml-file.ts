/** A YAML file against its schema: the value, or everything that is wrong with it, each with its line and column. Pure. */
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml'
import type { z } from 'zod'
import type { Finding } from '../policy/schema.ts'

/** Of the deepest part of a path that stands in the file. */
export type PlaceOf = (path: readonly PropertyKey[]) => { readonly line: number; readonly column: number }

export interface ReadOptions<T> {
  readonly text: string
  readonly file: string
  readonly schema: z.ZodType<T>
  /** Of the findings. */
  readonly code: string
}

export type ReadFile<T> =
  | { readonly value: T; readonly placeOf: PlaceOf; readonly finding: (message: string, path: Path) => Finding }
  | { readonly findings: readonly Finding[] }

type Path = readonly PropertyKey[]

export const readFile = <T>({ text, file, schema, code }: ReadOptions<T>): ReadFile<T> => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const made = (message: string, offset: number): Finding => ({
    ...{ code, severity: 'error', message, source: 'authorization', file },
    ...at(offset),
  })
  if (document.errors.length > 0)
    return { findings: document.errors.map(({ message, pos }) => made(message.split('\n')[0] ?? message, pos[0])) }
  const plain = plainOf(document)
  if ('problem' in plain) return { findings: [made(plain.problem, plain.offset)] }
  const parsed = schema.safeParse(plain.value)
  const finding = (message: string, path: Path): Finding => made(message, offsetOf(document, path))
  if (parsed.success) return { value: parsed.data, placeOf: (path) => at(offsetOf(document, path)), finding }
  return {
    findings: parsed.error.issues.flatMap(told).map(({ path, message, key }) => {
      const offset = key === undefined ? offsetOf(document, path) : keyOffset(document, path, key)
      return made(`${path.join('.') || 'the file'}: ${message}`, offset)
    }),
  }
}

type Plain = { readonly value: unknown } | { readonly problem: string; readonly offset: number }

/** Aliases that stand for nothing, or for too much, are no value. */
const plainOf = (document: Document): Plain => {
  try {
    return { value: document.toJS() ?? {} }
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    const offsets: number[] = []
    visit(document, { Alias: (_, alias) => void (alias.resolve(document) ?? offsets.push(alias.range?.[0] ?? 0)) })
    return { problem: error.message, offset: offsets[0] ?? 0 }
  }
}

type Issue = z.core.$ZodIssue

interface Told {
  readonly path: Path
  readonly message: string
  /** One that is not known there. */
  readonly key?: string
}

/** Each unknown key by itself; of alternatives the one whose shape it has. */
const told = (issue: Issue): readonly Told[] => {
  const { path, message } = issue
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path, key, message: `${JSON.stringify(key)} is not known here` }))
  if (issue.code !== 'invalid_union') return [{ path, message }]
  const inside = issue.errors.find((all) => all.every((one) => one.path.length > 0 || one.code === 'unrecognized_keys'))
  return inside === undefined
    ? [{ path, message }]
    : inside.flatMap(told).map((one) => ({ ...one, path: [...path, ...one.path] }))
}

const offsetOf = (document: Document, path: Path): number => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = nodeAt(document, path.slice(0, depth))
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

const keyOffset = (document: Document, path: Path, key: string): number => {
  const map = nodeAt(document, path)
  const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path)
}

const nodeAt = (document: Document, path: Path): unknown =>
  path.length === 0 ? document.contents : document.getIn(path, true)
