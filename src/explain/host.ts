/**
 * What a policy meets when it is explained: its own pure builtins, the headers it is given, and nothing of the outside.
 * A builtin that would look something up or change something is undefined, and its name is told.
 */
import { RegoNumber, type Extension, type PureExtension, type RegoValue } from '../../extensions/extension.ts'
import { any, arrayOf, boolean, number, pure } from '../../extensions/opa/types.ts'
import { BuiltinFailure } from '../engine/answers.ts'
import { atBuiltin, onBuiltin } from './probe.ts'

/** One place that a clause's evaluation came to. */
export interface Visit {
  readonly clause: number
  /** How many of its binding conditions held before. */
  readonly stage: number
  /** By condition so far: what it sees when it fails. */
  readonly seen: readonly RegoValue[]
  /** What the next binding condition sees. */
  readonly next: RegoValue
  /** Of a function; of a rule none. */
  readonly args: readonly RegoValue[]
}

export interface Host {
  readonly isWanted: (id: number) => boolean
  readonly visit: (visit: Visit) => void
  readonly missed: (name: string) => void
}

const list = arrayOf(any)
const fromRequest = new Set(['get_header', 'external.http.header'])

/** Declares what the questions call. */
export const probeBuiltins = (current: () => Host): readonly PureExtension[] => [
  pure(onBuiltin, [number], boolean, 'Whether it is asked.', ([id]) => current().isWanted(numberOf(id))),
  pure(atBuiltin, [number, list, list, list], boolean, 'Tells where an evaluation is.', (given) => {
    const [clause, place, seen, next = []] = given
    const [stage, args] = itemsOf(place)
    current().visit({
      clause: numberOf(clause),
      stage: numberOf(stage),
      args: itemsOf(args),
      seen: itemsOf(seen),
      next,
    })
    return true
  }),
]

export const closedExtensions = (extensions: readonly Extension[], current: () => Host): readonly Extension[] => [
  ...extensions.map((extension): Extension => {
    if (extension.kind === 'pure' || fromRequest.has(extension.name)) return extension
    const { name, decl, doc } = extension
    const impl = (): undefined => current().missed(name) as undefined
    return { name, decl, doc, kind: 'pure', impl }
  }),
  ...probeBuiltins(current),
]

/** Ends an evaluation that says too much. */
export const tooMuch = (): never => {
  throw new BuiltinFailure('there is more to explain than is looked at')
}

const numberOf = (value: RegoValue | undefined): number =>
  typeof value === 'number' ? value : value instanceof RegoNumber ? Number(value.text) : -1

export const itemsOf = (value: RegoValue | undefined): readonly RegoValue[] =>
  Array.isArray(value) ? (value as readonly RegoValue[]) : []
