/**
 * A YAML file as it is read here: nodes with places, values that keep every digit, problems collected with line and
 * column instead of thrown. `!undefined` stands for what must not be there.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type ScalarTag,
  type YAMLMap,
} from 'yaml'
import { numberOf } from '../../extensions/compare.ts'
import { RegoObject, RegoSet, type RegoValue } from '../../extensions/extension.ts'

export interface YamlProblem {
  readonly message: string
  readonly line: number
  readonly column: number
}

export interface YamlPlace {
  readonly line: number
  readonly column: number
}

export interface Member {
  readonly key: string
  readonly keyNode: Node
  /** null: nothing is written there. */
  readonly node: Node | null
}

export interface YamlFile {
  readonly root: Node | null
  readonly problems: YamlProblem[]
  readonly place: (node: Node | null) => YamlPlace
  /** Answers undefined, for where a value is missing for it. */
  readonly problem: (node: Node | null, message: string) => undefined
  /** Of a map, in order; a problem and undefined when it is none, or when a key is not among `allowed`. */
  readonly members: (node: Node | null, what: string, allowed?: readonly string[]) => readonly Member[] | undefined
  readonly items: (node: Node | null, what: string) => readonly Node[] | undefined
  readonly text: (node: Node | null, what: string) => string | undefined
  readonly value: (node: Node | null) => RegoValue
  /** Offsets of what is written for a node. */
  readonly range: (node: Node) => readonly [number, number]
}

/** Compared by identity: no answer is this. */
export const absent: RegoValue = new RegoSet([])

const undefinedTag: ScalarTag = { tag: '!undefined', resolve: () => absent, identify: (value) => value === absent }
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const mostNodes = 1_000_000

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter()
  const document: Document.Parsed = parseDocument(text, {
    lineCounter: lines,
    customTags: [undefinedTag],
    prettyErrors: false,
    stringKeys: true,
  })
  const problems: YamlProblem[] = []
  let nodes = 0

  const at = (offset: number): YamlPlace => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const place: YamlFile['place'] = (node) => at(node?.range?.[0] ?? 0)
  const problem: YamlFile['problem'] = (node, message) => {
    problems.push({ message, ...place(node) })
    return undefined
  }
  for (const { message, pos } of [...document.errors, ...document.warnings]) problems.push({ message, ...at(pos[0]) })

  /** What an alias stands for. */
  function resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(document) ?? null) : node
  }

  function membersOf(map: YAMLMap): readonly Member[] {
    return map.items.flatMap(({ key, value }): Member[] =>
      isScalar(key) ? [{ key: String(key.value), keyNode: key, node: (value as Node | null) ?? null }] : [],
    )
  }

  const members: YamlFile['members'] = (node, what, allowed) => {
    const map = resolved(node)
    if (!isMap(map)) return problem(node, `${what} must be a map`)
    const all = membersOf(map)
    for (const { key, keyNode } of all)
      if (allowed !== undefined && !allowed.includes(key))
        problem(keyNode, `${JSON.stringify(key)} is not known here; ${what} has ${allowed.join(', ')}`)
    return all
  }

  function value(node: Node | null): RegoValue {
    const known = resolved(node)
    if (known === null) return null
    if (++nodes > mostNodes) {
      if (nodes === mostNodes + 1) problem(node, `more than ${mostNodes} values`)
      return null
    }
    if (isSeq(known)) return known.items.map((item) => value(item as Node | null))
    if (isMap(known)) return new RegoObject(membersOf(known).map(({ key, node: member }) => [key, value(member)]))
    return isScalar(known) ? scalar(known, known.value, known.source) : null
  }

  function scalar(node: Node, made: unknown, source: string | undefined): RegoValue {
    if (made === absent || made === null || made === undefined) return made === absent ? absent : null
    if (typeof made === 'boolean' || typeof made === 'string') return made
    if (source !== undefined && jsonNumber.test(source)) return numberOf(source)
    if (typeof made === 'number' && Number.isFinite(made)) return made
    problem(node, `${source ?? 'this'} is no JSON value`)
    return null
  }

  return {
    root: document.contents,
    problems,
    place,
    problem,
    members,
    items: (node, what) => {
      const list = resolved(node)
      return isSeq(list) ? (list.items as Node[]) : problem(node, `${what} must be a list`)
    },
    text: (node, what) => {
      const known = resolved(node)
      if (isScalar(known) && typeof known.value === 'string') return known.value
      return problem(node, `${what} must be a text`)
    },
    value,
    range: (node) => [node.range?.[0] ?? 0, node.range?.[1] ?? 0],
  }
}
