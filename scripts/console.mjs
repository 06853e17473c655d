/**
 * Builds the console (`web/`) into `dist/web`, each file also compressed beside it, unless it is there already and
 * nothing has changed. Plain JavaScript: it is part of the set-up.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const out = join('dist', 'web')
const stampFile = join(out, '.built.json')

/** What it is built from, by size and time of change. */
function sources() {
  const files = readdirSync('web', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    ['package-lock.json', ...files].map((file) => {
      const { size, mtimeMs } = statSync(file)
      return [file, `${size} ${mtimeMs}`]
    }),
  )
}

export const isConsoleBuilt = () =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === JSON.stringify(sources())

const vite = () =>
  new Promise((done) => {
    const args = [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', 'web', '--logLevel', 'warn']
    const env = { ...process.env, NODE_ENV: 'production' }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    child.on('error', (error) => done({ code: 1, said: error.message }))
    child.on('close', (code) => done({ code: code ?? 1, said }))
  })

/** What a browser is sent: made once, here, rather than at each start. */
function compress() {
  for (const name of readdirSync(out, { recursive: true })) {
    const file = join(out, name)
    if (!/\.(?:js|css|svg)$/.test(name)) continue
    const bytes = readFileSync(file)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }))
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  }
}

/** Answers what went wrong, or undefined. */
export async function buildConsole() {
  const now = sources()
  rmSync(stampFile, { force: true })
  const { code, said } = await vite()
  if (code !== 0) return said
  compress()
  writeFileSync(stampFile, JSON.stringify(now))
  return undefined
}

/** Bytes as they are sent, compressed: what the page asks for before it shows anything, and the editor, which comes later. */
export function firstPage() {
  const manifest = JSON.parse(readFileSync(join(out, '.vite', 'manifest.json'), 'utf8'))
  const sizeOf = (file) => statSync(join(out, `${file}.br`)).size
  const reached = (key, seen = new Set()) => {
    if (seen.has(key)) return seen
    seen.add(key)
    for (const next of manifest[key].imports ?? []) reached(next, seen)
    return seen
  }
  const chunks = [...reached('index.html')].map((key) => manifest[key])
  const sum = (files) => [...new Set(files)].reduce((total, file) => total + sizeOf(file), 0)
  const editor = Object.values(manifest).find(({ src }) => src === 'src/editor/editor.tsx')
  return {
    script: sum(chunks.map(({ file }) => file)),
    style: sum(chunks.flatMap(({ css }) => css ?? [])),
    editor: editor === undefined ? 0 : sizeOf(editor.file),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !isConsoleBuilt()) {
  const problem = await buildConsole()
  if (problem !== undefined) {
    process.stderr.write(`edict: the console cannot be built:\n${problem}\n`)
    process.exitCode = 1
  }
}
