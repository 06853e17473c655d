/**
 * The capabilities that policies are checked and built with: what WASM carries itself, and our extensions. A builtin
 * that nobody would serve at run time is left out, so that `opa check` names the file and line that call it.
 */
import type { Extension } from './extension.ts'
import { nativeBuiltins } from './native-builtins.ts'

/** OPA's capabilities file, as far as it is touched here (`opa capabilities --current`). */
export interface Capabilities {
  readonly builtins: readonly { readonly name: string; readonly nondeterministic?: boolean }[]
}

export function capabilities<C extends Capabilities>(base: C, extensions: readonly Extension[]): C {
  const own = new Set(extensions.map(({ name }) => name))
  const kept = base.builtins.filter(({ name }) => isKept(name) && !own.has(name))
  const changing = new Set(base.builtins.filter(({ nondeterministic }) => nondeterministic).map(({ name }) => name))
  return { ...base, builtins: [...kept, ...extensions.map((extension) => declare(extension, changing))] }
}

/** Names of OPA's builtins that cannot be served yet. */
export function missingBuiltins(base: Capabilities, extensions: readonly Extension[]): readonly string[] {
  const served = new Set(extensions.map(({ name }) => name))
  return base.builtins.map(({ name }) => name).filter((name) => !isKept(name) && !served.has(name))
}

const isKept = (name: string): boolean => nativeBuiltins.has(name)

/**
 * OPA's own entry says more (categories), but ours is what the host serves. What is fixed within a decision may still
 * change from one to the next: there OPA's word counts, too.
 */
const declare = ({ name, decl, kind }: Extension, changing: ReadonlySet<string>): { readonly name: string } => ({
  name,
  ...{ decl: { type: 'function', ...decl }, nondeterministic: kind !== 'pure' || changing.has(name) },
})
