/** What `opa eval --coverage` says of lines. */
import { z } from 'zod'
import type { FileCoverage } from '../testing/coverage.ts'

const ranges = z
  .array(z.object({ start: z.object({ row: z.number() }), end: z.object({ row: z.number() }) }))
  .default([])
const printed = z.object({
  errors: z.array(z.unknown()).default([]),
  coverage: z.object({ files: z.record(z.string(), z.object({ covered: ranges, not_covered: ranges })) }),
})

export interface Coverage {
  /** The query ended with an error: not all of it was evaluated. */
  readonly failed: boolean
  readonly files: readonly FileCoverage[]
}

export function readCoverage(output: string, pathOf: (name: string) => string): Coverage {
  const parsed = printed.safeParse(jsonOrUndefined(output))
  if (!parsed.success) return { failed: true, files: [] }
  const files = Object.entries(parsed.data.coverage.files).map(([name, { covered, not_covered: missed }]) => ({
    file: pathOf(name.replace(/^\.?\//, '')),
    covered: linesOf(covered),
    missed: linesOf(missed),
  }))
  return { failed: parsed.data.errors.length > 0, files }
}

function linesOf(all: z.infer<typeof ranges>): ReadonlySet<number> {
  return new Set(
    all.flatMap(({ start, end }) => Array.from({ length: end.row - start.row + 1 }, (_, i) => start.row + i)),
  )
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
