/**
 * From the builtins and entrypoints that a module names to what the host has. Both go by name: the numbers are the
 * module's own.
 */
import type { Extension } from '../../extensions/extension.ts'
import { EdictError } from '../errors.ts'

export type BuiltinTable = readonly (Extension | undefined)[]

/** Refuses a module that asks for what the host does not have. */
export function resolveBuiltins(
  wanted: ReadonlyMap<string, number>,
  extensions: ReadonlyMap<string, Extension>,
): BuiltinTable {
  const missing = [...wanted.keys()].filter((name) => !extensions.has(name)).toSorted()
  if (missing.length > 0) {
    throw new EdictError(
      'policy_quarantined',
      `the policy needs builtins that this server does not have: ${missing.join(', ')}`,
    )
  }
  const table: (Extension | undefined)[] = []
  for (const [name, id] of wanted) table[id] = extensions.get(name)
  return table
}

export function resolveEntrypoint(entrypoints: ReadonlyMap<string, number>, name: string): number {
  const id = entrypoints.get(name)
  if (id !== undefined) return id
  throw new EdictError('policy_quarantined', `the artifact has no entrypoint ${name}`)
}
