/**
 * A real Chromium: EDICT_CHROMIUM, one of the system, or the one that the package @sparticuz/chromium ships with the
 * libraries and fonts that it needs, unpacked once beside the packages. Tests and screenshots drive it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from './setup.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const ofSystem = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => existsSync(file))

/** The package unpacks into TMPDIR, and its libraries only where it takes the machine for one that lacks them. */
const unpackScript = `
  const { default: chromium } = await import(${JSON.stringify(import.meta.resolve('@sparticuz/chromium'))})
  await chromium.executablePath()
`

function unpack(into) {
  const stage = mkdtempSync(`${into}-`)
  try {
    const env = { ...process.env, TMPDIR: stage, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' }
    const args = ['--input-type=module', '--eval', unpackScript]
    const { status, stderr, error } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 120_000 })
    if (status !== 0) throw error ?? new Error(`the browser cannot be unpacked: ${stderr}`)
    renameSync(stage, into)
  } catch (error) {
    rmSync(stage, { recursive: true, force: true })
    // Another process was faster.
    if (!existsSync(into)) throw error
  }
}

/** Where it lies, unpacked. */
function shippedBrowser() {
  const manifest = join(
    dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
    '..',
    '..',
    'package.json',
  )
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const cache = join(root, 'node_modules', '.cache')
  const folder = join(cache, `chromium-${version}`)
  mkdirSync(cache, { recursive: true })
  if (!existsSync(folder)) unpack(folder)
  return folder
}

/** What a bare machine lacks: libraries, fonts. */
function environment(folder) {
  const libraries = join(folder, 'al2023', 'lib')
  const starts = spawnSync(join(folder, 'chromium'), ['--version'], { timeout: 20_000 }).status === 0
  return {
    ...process.env,
    ...(!starts && { LD_LIBRARY_PATH: libraries }),
    ...(!existsSync('/etc/fonts/fonts.conf') && { FONTCONFIG_PATH: join(folder, 'fonts') }),
  }
}

/** Throws when there is none that starts. */
export async function openBrowser() {
  const args = ['--no-sandbox', '--font-render-hinting=none']
  const own = process.env.EDICT_CHROMIUM ?? ofSystem()
  if (own !== undefined) return chromium.launch({ executablePath: own, args })
  const folder = shippedBrowser()
  return chromium.launch({ executablePath: join(folder, 'chromium'), args, env: environment(folder) })
}
