/**
 * What a source may declare: patterns over policies, shared modules and data paths. `*` stands for any text within one
 * segment, `**` for any number of segments (at the end of a longer pattern: at least one).
 */
import { scanJson } from './json-text.ts'
import { jsonNode, type JsonNode } from './json-tree.ts'
import type { DataPath } from './paths.ts'

export interface SourceScope {
  readonly policies: readonly string[]
  readonly modules: readonly string[]
  /** A path covers everything below it. */
  readonly data: readonly string[]
  /** Shared modules and data of others that its policies may use; what is left out is not limited. */
  readonly read?: ReadScope | undefined
}

export interface ReadScope {
  readonly modules?: readonly string[] | undefined
  readonly data?: readonly string[] | undefined
}

/** Modules and data of a source that every other one may use. */
export interface Library {
  readonly source: string
  readonly modules: readonly string[]
  readonly data: readonly string[]
}

/** May declare nothing. */
export const emptyScope: SourceScope = { policies: [], modules: [], data: [] }

export function coversPolicy({ policies }: SourceScope, key: string): boolean {
  return coversId(policies, key)
}

/** A test belongs to the module that it is named after. */
export function coversModule({ modules }: SourceScope, id: string): boolean {
  return coversId(modules, id) || (id.endsWith('_test') && coversId(modules, id.slice(0, -'_test'.length)))
}

/** A module's package lies where the modules that the scope allows lie, or above them: `rbac/core` allows `rbac`. */
export function coversPackage({ modules }: SourceScope, path: DataPath): boolean {
  return leadsInto(modules, path)
}

/** `id`: a policy's key, or a shared module's. */
export function coversId(patterns: readonly string[], id: string): boolean {
  return patterns.some((pattern) => walk(pattern, id.split('/')).ends)
}

/** The path, or one above it, is allowed. */
export function coversPath(patterns: readonly string[], path: DataPath): boolean {
  return patterns.some((pattern) => walk(pattern, path).passes)
}

/**
 * The first path outside the scope that a data document at `at` declares; undefined when it stays within. Looks into
 * the document only where the scope lies below it. Text that is no JSON declares nothing yet.
 */
export function dataOutside({ data }: SourceScope, at: DataPath, text: string | null): DataPath | undefined {
  if (coversPath(data, at)) return undefined
  if (!leadsInto(data, at)) return at
  return text !== null && scanJson(text).ok ? memberOutside(data, at, jsonNode(text)) : undefined
}

function leadsInto(patterns: readonly string[], at: DataPath): boolean {
  return patterns.some((pattern) => walk(pattern, at).leads)
}

function memberOutside(patterns: readonly string[], at: DataPath, node: JsonNode): DataPath | undefined {
  if (coversPath(patterns, at)) return undefined
  if (node.kind !== 'object' || !leadsInto(patterns, at)) return at
  for (const key of node.keys()) {
    const member = node.member(key)
    const outside = member === undefined ? undefined : memberOutside(patterns, [...at, key], member)
    if (outside !== undefined) return outside
  }
  return undefined
}

/** For people: `policies gaiax/**; modules none; data roles`. */
export function showScope({ policies, modules, data }: SourceScope): string {
  const shown = (patterns: readonly string[]) => (patterns.length === 0 ? 'none' : patterns.join(', '))
  return `policies ${shown(policies)}; modules ${shown(modules)}; data ${shown(data)}`
}

interface Walk {
  /** The pattern matches the path itself. */
  readonly ends: boolean
  /** It matches the path or one above it. */
  readonly passes: boolean
  /** It matches the path or one below it. */
  readonly leads: boolean
}

/** All places in the pattern at once, segment by segment: the time is linear whatever the pattern. */
function walk(pattern: string, path: DataPath): Walk {
  const steps = stepsOf(pattern)
  let places = reachable(steps, new Set([0]))
  let passes = places.has(steps.length)
  for (const segment of path) {
    places = reachable(steps, advance(steps, places, segment))
    passes ||= places.has(steps.length)
  }
  return { ends: places.has(steps.length), passes, leads: places.size > 0 }
}

/** `a/**` is one segment and then any number; `**` alone is everything, the root too. */
function stepsOf(pattern: string): readonly string[] {
  const steps = pattern.split('/')
  return steps.length > 1 && steps.at(-1) === '**' ? [...steps.slice(0, -1), '*', '**'] : steps
}

function advance(steps: readonly string[], places: ReadonlySet<number>, segment: string): Set<number> {
  const next = new Set<number>()
  for (const place of places) {
    const step = steps[place]
    if (step === '**') next.add(place)
    else if (step !== undefined && matchesText(step, segment)) next.add(place + 1)
  }
  return next
}

function reachable(steps: readonly string[], places: Set<number>): ReadonlySet<number> {
  for (const place of places) if (steps[place] === '**') places.add(place + 1)
  return places
}

/** `*` within a segment: the parts between the stars must follow one another. */
function matchesText(step: string, segment: string): boolean {
  const [first = '', ...rest] = step.split('*')
  const last = rest.pop()
  if (last === undefined) return step === segment
  if (!segment.startsWith(first)) return false
  let from = first.length
  for (const part of rest) {
    const found = segment.indexOf(part, from)
    if (found === -1) return false
    from = found + part.length
  }
  return segment.length - last.length >= from && segment.endsWith(last)
}
