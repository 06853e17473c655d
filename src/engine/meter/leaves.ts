/**
 * Functions that are small, have no loop and call none but their like: they charge nothing, their callers pay for them.
 * Not those in the table, whose callers are not known.
 */
import { readerOf } from './bytes.ts'
import type { CodeEntry } from './code.ts'
import { planEdits } from './edits.ts'

export interface LeafOptions {
  readonly importedFunctions: number
  readonly bodies: readonly CodeEntry[]
  readonly tabled: ReadonlySet<number>
  /** Largest cost of a leaf with all that it calls, in instructions. */
  readonly largest: number
}

/** The cost of a function that is a leaf. What the host is asked to do, it charges itself. */
export type LeafCost = (index: number) => number | undefined

export function findLeaves({ importedFunctions, bodies, tabled, largest }: LeafOptions): LeafCost {
  const known = new Map<number, number | undefined>()

  function leafCost(index: number): number | undefined {
    if (index < importedFunctions) return 0
    if (known.has(index)) return known.get(index)
    // Until it is known better, no leaf: so recursion has an end, and what recurs is none.
    known.set(index, undefined)
    const cost = measure(index)
    known.set(index, cost)
    return cost
  }

  function measure(index: number): number | undefined {
    const body = bodies[index - importedFunctions]
    // An instruction takes a byte at least, and three in the mean.
    if (body === undefined || tabled.has(index) || body.end - body.start > 4 * largest) return undefined
    let isLeaf = true
    const [whole, ...others] = planEdits(readerOf(body.bytes, body.start), (callee) => {
      const cost = leafCost(callee)
      if (cost === undefined) isLeaf = false
      return cost ?? 0
    })
    if (!isLeaf || whole?.kind !== 'charge' || others.length > 0) return undefined
    return whole.cost <= largest ? whole.cost : undefined
  }

  return leafCost
}
