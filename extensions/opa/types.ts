/** OPA's type notation in short, and the frame of an extension that depends on its arguments alone. */
import type { DecisionContext, PureExtension, RegoType, RegoValue } from '../extension.ts'

export const any: RegoType = { type: 'any' }
export const boolean: RegoType = { type: 'boolean' }
export const nothing: RegoType = { type: 'null' }
export const number: RegoType = { type: 'number' }
export const string: RegoType = { type: 'string' }

export const arrayOf = (dynamic: RegoType): RegoType => ({ type: 'array', dynamic })
export const tuple = (...items: readonly RegoType[]): RegoType => ({ type: 'array', static: items })
export const setOf = (of: RegoType): RegoType => ({ type: 'set', of })
export const objectOf = (key: RegoType, value: RegoType): RegoType => ({ type: 'object', dynamic: { key, value } })
export const oneOf = (...of: readonly RegoType[]): RegoType => ({ type: 'any', of })

/** Named members; `rest` when others are allowed. Capabilities list the names in order. */
export const record = (
  members: Readonly<Record<string, RegoType>>,
  rest?: { readonly key: RegoType; readonly value: RegoType },
): RegoType => ({
  type: 'object',
  static: Object.entries(members).map(([key, value]) => ({ key, value })),
  ...(rest === undefined ? {} : { dynamic: rest }),
})

/** `[name, arguments, result, what it answers, how]` */
type Definition = readonly [
  name: string,
  args: readonly RegoType[],
  result: RegoType,
  doc: string,
  impl: (args: readonly RegoValue[], context: DecisionContext) => RegoValue | undefined,
]

export const pure = (...[name, args, result, doc, impl]: Definition): PureExtension => ({
  name,
  decl: { args, result },
  kind: 'pure',
  doc,
  impl,
})
