/**
 * Functions of OPA's runtime that prepare something at their first call, and so cost more then. They are found by name
 * and exported, for the host to call them once before anything is counted.
 */
export type LazyName = `opa_${string}`

/** Arguments for that call, as value texts: each ends up in the same preparation of RE2. */
export const lazyFunctions: ReadonlyMap<LazyName, readonly string[]> = new Map([
  ['opa_regex_is_valid', ['"a"']],
  ['opa_regex_match', ['"a"', '"a"']],
  ['opa_regex_find_all_string_submatch', ['"a"', '"a"', '1']],
  ['opa_glob_match', ['"a"', '[]', '"a"']],
])

export const lazyNames: ReadonlySet<LazyName> = new Set(lazyFunctions.keys())

export const lazyExport = (name: LazyName): `edict_${LazyName}` => `edict_${name}`
