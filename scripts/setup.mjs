/**
 * Makes a clone ready to run: packages, compiled code, tools. Plain JavaScript without dependencies, because it runs
 * before there are any. Does nothing, quickly, when nothing has changed; needs no network then.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildConsole, isConsoleBuilt } from './console.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const oldestNode = [20, 19]
const compiledFolders = ['src', 'sync', 'extensions', 'bench', 'scripts', 'test/conformance']
const compilerFiles = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json']

export const say = (line) => process.stderr.write(`edict: ${line}\n`)

/** `tools`: also the console, opa and mongod (unless MONGODB_URI says where MongoDB is). */
export async function setUp({ tools = true } = {}) {
  process.chdir(root)
  checkNode()
  if (!packagesMatch() || !isCompiled() || (tools && !isConsoleBuilt())) {
    await alone(async () => {
      if (!packagesMatch()) await installPackages()
      if (!isCompiled()) await compile()
      if (tools && !isConsoleBuilt()) await bundleConsole()
    })
  }
  if (tools) await fetchTools()
}

export const compiled = (file) => join(root, 'dist', file)

/** Runs compiled code in this very process, so that signals reach it, as if it had been started with these arguments. */
export async function become(file, args) {
  process.argv.splice(1, Infinity, compiled(file), ...args)
  await import(pathToFileURL(compiled(file)).href)
}

/** Runs a program with this terminal, hands signals on to it, and resolves with its exit code. */
export function run(file, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(file, args, { cwd: root, stdio: 'inherit', ...options })
    const forward = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
    const end = (code) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, forward)
      done(code)
    }
    child.on('error', (error) => {
      say(`${file} cannot be started: ${error.message}`)
      end(1)
    })
    child.on('close', (code) => end(code ?? 1))
  })
}

/** Runs a script of an installed package. */
export const runPackage = (script, args, options) =>
  run(process.execPath, [join('node_modules', script), ...args], options)

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return
  fail(
    `Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node} (${process.execPath}). Install a newer one from https://nodejs.org`,
  )
}

/** npm notes what it has installed at the end of each installation; optional packages are for other systems. */
function packagesMatch() {
  const installed = readJson(join('node_modules', '.package-lock.json'))?.packages
  const wanted = readJson('package-lock.json')?.packages
  if (installed === undefined || wanted === undefined) return false
  return Object.entries(wanted).every(([folder, { version, integrity, optional, link }]) => {
    if (folder === '' || link) return true
    const found = installed[folder]
    return found === undefined ? optional === true : found.version === version && found.integrity === integrity
  })
}

async function installPackages() {
  const started = Date.now()
  say('installing packages (npm ci) …')
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  const retries = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const quiet = ['--no-audit', '--no-fund', '--no-progress', '--no-update-notifier', '--loglevel=error']
  const args = [...npm.slice(1), 'ci', '--include=dev', '--include=optional', '--prefer-offline', ...retries, ...quiet]
  const { code, said } = await quietly(npm[0], args, { shell: process.platform === 'win32' && npm.length === 1 })
  if (code !== 0) {
    fail(
      `npm could not install the packages:\n${indent(said)}\nCheck that the registry is reached (npm ping; npm config get registry), then run this again.`,
    )
  }
  say(`packages installed after ${seconds(started)}`)
}

/** What there is to compile, by size and time of change. */
function sources() {
  const files = compilerFiles.filter((file) => existsSync(file))
  for (const folder of compiledFolders.filter((name) => existsSync(name))) {
    for (const name of readdirSync(folder, { recursive: true })) {
      if (/(?<!\.d)\.ts$|\.json$/.test(name)) files.push(join(folder, name))
    }
  }
  return Object.fromEntries(files.sort().map((file) => [file, stamp(file)]))
}

function stamp(file) {
  const { size, mtimeMs } = statSync(file)
  return `${size} ${mtimeMs}`
}

const stampFile = join('dist', '.compiled.json')

function isCompiled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === JSON.stringify(sources())
}

async function compile() {
  const started = Date.now()
  const now = sources()
  const before = readJson(stampFile) ?? {}
  if (Object.keys(before).some((file) => !(file in now))) rmSync('dist', { recursive: true, force: true })
  rmSync(stampFile, { force: true })
  say('compiling …')
  const tsc = [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']
  const { code, said } = await quietly(process.execPath, tsc)
  if (code !== 0) fail(`the code does not compile:\n${indent(said)}`)
  writeFileSync(stampFile, JSON.stringify(now))
  say(`compiled after ${seconds(started)}`)
}

async function bundleConsole() {
  const started = Date.now()
  say('building the console …')
  const problem = await buildConsole()
  if (problem !== undefined) fail(`the console cannot be built:\n${indent(problem)}`)
  say(`console built after ${seconds(started)}`)
}

async function fetchTools() {
  const { ensureTools } = await import(pathToFileURL(compiled('src/tools/ensure.js')).href)
  const stop = new AbortController()
  const abort = () => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, abort)
  try {
    await ensureTools({ env: process.env, log: say, signal: stop.signal })
  } catch (error) {
    if (stop.signal.aborted) process.exit(130)
    fail(error.message)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, abort)
  }
}

/** Two commands in one clone must not install at once. A lock that nobody has touched for a minute is a dead one's. */
async function alone(work) {
  const lock = join('.edict', 'setup.lock')
  mkdirSync('.edict', { recursive: true })
  for (let said = false; !tryLock(lock); await sleep(200)) {
    if (!said) say('another process is setting up this clone, waiting …')
    said = true
  }
  const touching = setInterval(() => existsSync(lock) && utimesSync(lock, new Date(), new Date()), 5_000)
  const release = () => rmSync(lock, { force: true })
  process.once('exit', release)
  await work()
  clearInterval(touching)
  process.off('exit', release)
  release()
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0
    if (age > 60_000) rmSync(lock, { force: true })
    return false
  }
}

async function quietly(file, args, options = {}) {
  let said = ''
  const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const forward = (signal) => {
    child.kill(signal)
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, forward)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  const code = await new Promise((done) => {
    child.on('error', (error) => {
      said += error.message
      done(1)
    })
    child.on('close', done)
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward)
  const lines = said.trim().split('\n')
  const shown = lines.length > 30 ? [...lines.slice(0, 20), '…', ...lines.slice(-10)] : lines
  return { code, said: shown.join('\n') }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function fail(message) {
  say(message)
  process.exit(1)
}

const indent = (text) => text.replaceAll(/^/gm, '  ')
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp()
