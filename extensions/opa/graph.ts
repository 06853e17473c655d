/** Paths in a graph that is given as an object of neighbours. */
import { compareValues, isArray } from '../compare.ts'
import { type RegoObject, RegoSet, type PureExtension, type RegoValue } from '../extension.ts'
import { regoText } from './rego-text.ts'
import { any, arrayOf, objectOf, oneOf, pure, setOf } from './types.ts'
import { asItems, asObject, BuiltinError, setOf as set } from './values.ts'

const arrayOrSet = oneOf(arrayOf(any), setOf(any))

export const graph: readonly PureExtension[] = [
  pure(
    'graph.reachable_paths',
    [objectOf(any, arrayOrSet), arrayOrSet],
    setOf(arrayOf(any)),
    'All paths from the given vertices to where it goes no further, or round again.',
    (args) => reachablePaths(asObject(args[0]), asItems(args[1])),
  ),
]

/** The neighbours of a vertex, each with its text, by which vertices are told apart. */
type Neighbours = (vertex: RegoValue) => readonly RegoValue[] | undefined

/** A graph with n diamonds in a row has 2^n paths. */
const mostPaths = 1_000_000

/** Numbers that are equal have different texts when they are written differently: `1` and `1.0`. */
function neighboursOf(graph: RegoObject): Neighbours {
  const byText = new Map<string, readonly RegoValue[]>()
  for (const [vertex, edges] of graph.entries) byText.set(regoText(vertex), edgesOf(edges))
  return (vertex) =>
    byText.get(regoText(vertex)) ?? maybeEdges(graph.entries.find(([own]) => compareValues(own, vertex) === 0)?.[1])
}

const maybeEdges = (edges: RegoValue | undefined): readonly RegoValue[] | undefined =>
  edges === undefined ? undefined : edgesOf(edges)

function edgesOf(edges: RegoValue): readonly RegoValue[] {
  if (edges instanceof RegoSet) return edges.items.toSorted(compareValues)
  return isArray(edges) ? edges : []
}

function reachablePaths(object: RegoObject, roots: readonly RegoValue[]): RegoSet {
  const neighbours = neighboursOf(object)
  const paths: RegoValue[] = []

  function add(path: readonly RegoValue[]): void {
    if (paths.length >= mostPaths) throw new BuiltinError('too many paths')
    paths.push(path)
  }

  function follow(vertex: RegoValue, path: readonly RegoValue[]): void {
    const next = neighbours(vertex)
    // A vertex that the graph does not know ends the path before it.
    if (next === undefined) return add(path)
    const longer = [...path, vertex]
    if (next.length === 0) return add(longer)
    for (const neighbour of next) {
      if (longer.some((seen) => compareValues(seen, neighbour) === 0)) add(longer)
      else follow(neighbour, longer)
    }
  }

  for (const root of roots) {
    const next = neighbours(root)
    if (next === undefined) continue
    if (next.length === 0) add([root])
    for (const neighbour of next) follow(neighbour, [root])
  }
  return set(paths)
}
