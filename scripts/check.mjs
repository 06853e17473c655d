/** `npm run check`: types, lint, format, dead exports. All are run, also when one fails. */
import { runPackage, say, setUp } from './setup.mjs'

await setUp({ tools: false })
const steps = [
  ['types', 'typescript/bin/tsc', ['--noEmit']],
  ['types of the console', 'typescript/bin/tsc', ['--noEmit', '-p', 'web']],
  ['lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings', '--quiet']],
  ['format', 'oxfmt/bin/oxfmt', ['--check']],
  ['dead exports', 'knip/bin/knip.js', ['--no-progress']],
]
for (const [name, script, args] of steps) {
  const code = await runPackage(script, args)
  say(`${String(name)}: ${code === 0 ? 'ok' : 'failed'}`)
  if (code !== 0) process.exitCode = 1
}
