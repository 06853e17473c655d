/** `npm run bench [-- --quick]`: every measurement in one run. */
import { findOpa } from '../src/opa/binary.ts'
import { cacheFolder } from '../src/tools/cache-folder.ts'
import { measureBatch } from './batch.ts'
import { measureHttp } from './http.ts'
import { report } from './report.ts'
import { measureSync } from './sync.ts'

const quick = process.argv.includes('--quick')
const started = performance.now()
const opa = await findOpa({ env: process.env, cacheDir: cacheFolder(process.env), log: (line) => console.error(line) })
report(
  {
    ...(await measureHttp({ opa, quick })),
    ...(await measureBatch({ quick })),
    ...(await measureSync({ quick })),
  },
  { quick, started },
)
process.exit(0)
