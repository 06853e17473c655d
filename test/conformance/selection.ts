/** A fixed tenth of the cases, from all over the suite. */
export const tenthOf = <T>(cases: readonly T[]): readonly T[] => cases.filter((_, index) => index % 10 === 0)
