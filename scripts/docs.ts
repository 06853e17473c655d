/** `npm run docs`: writes what is generated from the code. `--check` writes nothing and fails when something is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { enginePlot, performanceMarkdown } from '../bench/document.ts'
import { extensionsMarkdown } from '../extensions/catalogue.ts'
import { familiesWith } from '../extensions/index.ts'
import { cliMarkdown } from '../src/cli/document.ts'
import { createProgram } from '../src/cli/program.ts'
import { configMarkdown, configSchema } from '../src/config/document.ts'

const noTools = { parseModule: () => Promise.reject(new Error('nothing is called here')) }

const program = createProgram({
  env: {},
  cwd: '.',
  signal: new AbortController().signal,
  print: () => undefined,
  tell: () => undefined,
  untilStopped: (running) => running,
})

const files: Readonly<Record<string, () => string>> = {
  'docs/cli.md': () => cliMarkdown(program),
  'docs/config.md': configMarkdown,
  'docs/edict.schema.json': () => `${JSON.stringify(configSchema(), null, 2)}\n`,
  'docs/extensions.md': () => extensionsMarkdown(familiesWith(noTools)),
  'docs/performance.md': performanceMarkdown,
  'bench/results/engine.svg': enginePlot,
}

const current = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const check = process.argv.includes('--check')
for (const [file, generate] of Object.entries(files)) {
  const text = generate()
  if (current(file) === text) continue
  if (check) {
    console.error(`${file} is out of date: run npm run docs`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`wrote ${file}`)
  }
}
