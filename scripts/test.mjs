/** `npm test`: sets up, then runs the tests; arguments go to vitest. */
import { runPackage, setUp } from './setup.mjs'

await setUp()
process.exitCode = await runPackage('vitest/vitest.mjs', ['run', ...process.argv.slice(2)])
