/**
 * Looking into valid JSON text and joining such texts, without ever parsing a value: what lies at a path, and one
 * object made of a policy's own data and of shared data nested at their paths.
 */
import { compareText } from './analysis.ts'
import { scanJson, type JsonKind, type JsonMember } from './json-text.ts'
import { type DataPath } from './paths.ts'

/** A value inside a text; its members are found when first asked for. */
export interface JsonNode {
  readonly kind: JsonKind
  readonly member: (key: string) => JsonNode | undefined
  readonly keys: () => readonly string[]
}

/** `text` must be valid JSON. */
export function jsonNode(text: string): JsonNode {
  const scanned = scanJson(text, { maxDepth: Number.POSITIVE_INFINITY })
  const members = scanned.ok ? scanned.members : []
  const byKey = new Map(members.map((member) => [member.key, member]))
  const children = new Map<string, JsonNode>()
  return {
    kind: scanned.ok ? scanned.kind : 'null',
    keys: () => [...byKey.keys()],
    member: (key) => {
      const found = byKey.get(key)
      if (found === undefined) return undefined
      const known = children.get(key) ?? jsonNode(text.slice(found.start, found.end))
      children.set(key, known)
      return known
    },
  }
}

/** Does the document answer anything at `path`, or stop short of it with something that is not an object? */
export function holdsPath(root: JsonNode, path: DataPath): boolean {
  let node = root
  for (const key of path) {
    if (node.kind !== 'object') return true
    const next = node.member(key)
    if (next === undefined) return false
    node = next
  }
  return true
}

/** Text of an object that stands at `at` under `data`. */
export interface DataPart {
  readonly at: DataPath
  readonly text: string
}

export type JoinedData =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly part: number; readonly path: DataPath }

interface Branch {
  readonly own: Map<string, string>
  readonly children: Map<string, Branch>
}

/**
 * One object out of objects (valid JSON each). A part that meets a member of an earlier one is refused, whatever lies
 * below it; `path` says where they meet. Members keep their text, digit for digit.
 */
export function joinData(parts: readonly DataPart[]): JoinedData {
  const [first] = parts
  if (first === undefined) return { ok: true, text: '{}' }
  if (parts.length === 1 && first.at.length === 0) return { ok: true, text: first.text }
  const root = branch()
  for (const [index, part] of parts.entries()) {
    const clash = insert(root, part)
    if (clash !== undefined) return { ok: false, part: index, path: clash }
  }
  return { ok: true, text: write(root) }
}

function insert(root: Branch, part: DataPart): DataPath | undefined {
  let node = root
  for (const [depth, key] of part.at.entries()) {
    if (node.own.has(key)) return part.at.slice(0, depth + 1)
    const next = node.children.get(key) ?? branch()
    node.children.set(key, next)
    node = next
  }
  for (const member of membersOf(part.text)) {
    if (node.own.has(member.key) || node.children.has(member.key)) return [...part.at, member.key]
    node.own.set(member.key, part.text.slice(member.keyStart, member.end))
  }
  return undefined
}

function membersOf(text: string): readonly JsonMember[] {
  const scanned = scanJson(text, { maxDepth: Number.POSITIVE_INFINITY })
  return scanned.ok ? scanned.members : []
}

function branch(): Branch {
  return { own: new Map(), children: new Map() }
}

function write(node: Branch): string {
  const nested = [...node.children]
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, child]) => `${JSON.stringify(key)}:${write(child)}`)
  return `{${[...node.own.values(), ...nested].join(',')}}`
}
