/** `npm run bench [-- --quick] [--only <part>]`: every measurement in one run, or those of one part. */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { findOpa } from '../src/opa/binary.ts'
import { cacheFolder } from '../src/tools/cache-folder.ts'
import { measureApi } from './api.ts'
import { measureBatch } from './batch.ts'
import { measureCompose } from './compose.ts'
import { measureEngine } from './engine.ts'
import { measureHttp } from './http.ts'
import { report, round, type Figures } from './report.ts'
import { measureSync } from './sync.ts'

type Measure = (options: { readonly opa: string; readonly quick: boolean }) => Promise<Figures>

const parts: Readonly<Record<string, Measure>> = {
  engine: measureEngine,
  http: measureHttp,
  batch: measureBatch,
  compose: measureCompose,
  sync: measureSync,
  api: measureApi,
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } })
const { quick, only } = values
const chosen = Object.entries(parts).filter(([name]) => only === undefined || name === only)
if (chosen.length === 0) throw new Error(`there is no part ${String(only)}: ${Object.keys(parts).join(', ')}`)
const started = performance.now()
const load = round(loadavg()[0] ?? Number.NaN, 1)
const opa = await findOpa({ env: process.env, cacheDir: cacheFolder(process.env), log: (line) => console.error(line) })
let figures: Figures = {}
for (const [, measure] of chosen) figures = { ...figures, ...(await measure({ opa, quick })) }
report(figures, { quick, partial: only !== undefined, started, load })
process.exit(0)
