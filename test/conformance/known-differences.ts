/** Where OPA's WASM and its Go evaluator part, outside of OPA's suite: kept by hand, held true by a test. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const differenceSchema = z.object({
  /** Markdown. */
  what: z.string(),
  /** Rules of a module; the answer is that of `x`. */
  rego: z.string(),
  /** JSON. */
  input: z.string(),
  /** JSON, `undefined`, or `error` and perhaps its text. */
  go: z.string(),
  wasm: z.string(),
  /** `mended`: this server answers as Go does. */
  state: z.enum(['known', 'mended']),
  tested: z.boolean().default(true),
})

export type KnownDifference = z.infer<typeof differenceSchema>

const file = join('test', 'conformance', 'known-differences.json')

export const knownDifferences: readonly KnownDifference[] = z
  .array(differenceSchema)
  .parse(JSON.parse(readFileSync(file, 'utf8')))
