/** How an evaluation ends that does not come to an answer, as far as the host knows the way. */

/** `opa_abort`: the evaluation has ended itself; data is sound. */
export class AbortError extends Error {
  override readonly name = 'AbortError'
}

/** The budget is used up; data is sound, for what the module does to it is done in single steps. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError'
}

/** The module does not speak this ABI. */
export class AbiError extends Error {
  override readonly name = 'AbiError'
}

/** What the module's allocator says when there is no more. */
export const outOfMemory = 'opa_malloc: failed'

/**
 * Whether the instance can go on: not when something within the runtime was cut off, as its own variables (the regular
 * expressions have some) may then be half written.
 */
export const isOrderly = (error: unknown): boolean => error instanceof AbortError && error.message !== outOfMemory
