/** A schema that has been read. What a keyword says stands in the part of its group; a group without keywords is absent. */
import type { Alternatives } from './alternatives.ts'
import type { ArraySize } from './array-size.ts'
import type { Condition } from './condition.ts'
import type { Dependencies } from './dependencies.ts'
import type { Items } from './items.ts'
import type { Limits } from './limits.ts'
import type { Members } from './members.ts'
import type { ObjectSize } from './object-size.ts'
import type { Text } from './text.ts'
import type { Values } from './values.ts'

/** 4, 6, 7, or, when the schema does not say, infinity: what any of them knows. */
export type Draft = number
export const hybrid: Draft = Number.POSITIVE_INFINITY

/** Filled in after it is made: references may lead in circles. */
export interface Schema {
  /** The schemas `true` and `false`. */
  always?: boolean
  /** What `$ref` leads to; nothing else counts then. */
  target?: Schema
  /** None: all. */
  types: readonly string[]
  alternatives?: Alternatives | undefined
  dependencies?: Dependencies | undefined
  condition?: Condition | undefined
  members?: Members | undefined
  objectSize?: ObjectSize | undefined
  items?: Items | undefined
  arraySize?: ArraySize | undefined
  limits?: Limits | undefined
  text?: Text | undefined
  values?: Values | undefined
}
