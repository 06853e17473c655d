/**
 * Functions that are small, have no loop and call none but their like: they charge nothing, their callers pay for them.
 * Not those in the table, whose callers are not known.
 */
import { readerOf } from './bytes.ts'
import type { CodeEntry } from './code.ts'
import { type Callee, planEdits } from './edits.ts'

export interface LeafOptions {
  readonly importedFunctions: number
  readonly bodies: readonly CodeEntry[]
  readonly tabled: ReadonlySet<number>
  /** Largest cost of a leaf with all that it calls, in instructions. */
  readonly largest: number
}

/** A function that is a leaf, with its cost. What the host is asked to do, it charges itself. */
export type FindLeaf = (index: number) => Callee | undefined

const host: Callee = { cost: 0, isQuiet: false }

export function findLeaves({ importedFunctions, bodies, tabled, largest }: LeafOptions): FindLeaf {
  const known = new Map<number, Callee | undefined>()

  function findLeaf(index: number): Callee | undefined {
    if (index < importedFunctions) return host
    if (known.has(index)) return known.get(index)
    // Until it is known better, no leaf: so recursion has an end, and what recurs is none.
    known.set(index, undefined)
    const leaf = measure(index)
    known.set(index, leaf)
    return leaf
  }

  function measure(index: number): Callee | undefined {
    const body = bodies[index - importedFunctions]
    // An instruction takes a byte at least, and three in the mean.
    if (body === undefined || tabled.has(index) || body.end - body.start > 4 * largest) return undefined
    let isLeaf = true
    const edits = planEdits(readerOf(body.bytes, body.start), (callee) => {
      const leaf = findLeaf(callee)
      if (leaf === undefined) isLeaf = false
      return leaf ?? host
    })
    const [whole, ...others] = edits.filter(({ kind }) => kind === 'charge' || kind === 'grow')
    if (!isLeaf || whole?.kind !== 'charge' || others.length > 0) return undefined
    // Calls through the table are seen there, too.
    const isQuiet = edits.every(({ kind }) => kind !== 'return')
    return whole.cost <= largest ? { cost: whole.cost, isQuiet } : undefined
  }

  return findLeaf
}
