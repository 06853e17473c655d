/** The time as it was when it was last looked at: one look at the clock for each item of a batch is enough. */
export interface Clock {
  /** Milliseconds, as `performance.now()`. */
  readonly at: number
  readonly look: () => number
}

export const createClock = (): Clock => {
  let at = performance.now()
  return {
    get at() {
      return at
    },
    look: () => (at = performance.now()),
  }
}
