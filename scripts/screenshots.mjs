/**
 * Screenshots of the console for `docs/console.md`, from the example policies on a server of its own:
 * `node scripts/screenshots.mjs`. It also measures what a user waits for, and says it.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBrowser } from './browser.mjs'
import { firstPage } from './console.mjs'
import { compiled, root, say, setUp } from './setup.mjs'

await setUp()
const folder = mkdtempSync(join(tmpdir(), 'edict-screenshots-'))
const images = join(root, 'docs', 'images')
mkdirSync(images, { recursive: true })

const example = join(root, 'policies-example')
const oneSource = { EDICT_DIRECTORY: example, EDICT_SOURCE: 'policies-example' }
const running = []

/** Answers its address. */
async function serve(name, more) {
  const cwd = join(folder, name)
  mkdirSync(cwd)
  const server = spawn(process.execPath, [compiled('src/cli.js'), 'serve'], {
    cwd,
    env: {
      ...process.env,
      ...(more.EDICT_CONFIG === undefined && oneSource),
      ...more,
      EDICT_DATA: join(cwd, 'data'),
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(server)
  return new Promise((done, fail) => {
    let said = ''
    server.stdout.on('data', (chunk) => {
      said += chunk
      const found = /edict ready on (http:\/\/\S+)/.exec(said)
      if (found !== null) done(found[1])
    })
    server.on('close', () => fail(new Error(`the server ended:\n${said}`)))
  })
}

const bootstrap = 'the-secret-of-the-screenshots'
const url = await serve('open', { EDICT_API: 'true' })

const browser = await openBrowser()

const post = (path, body) =>
  fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })

async function fill() {
  const inputs = Array.from({ length: 500 }, (_, total) => ({ total, customer: { tier: 'gold' } }))
  await post('/policy/shop/discount/2.0/evaluations', { inputs })
  await post('/policy/gaiax/didresolve/1.0/lock', { reason: 'the resolver is being moved' })
  const actions = { admin: ['create', 'read', 'update', 'delete'], editor: ['read', 'update'], viewer: ['read'] }
  await post('/api/policies/generate', { service_name: 'workflow', resource_type: 'document', actions })
  await new Promise((done) => setTimeout(done, 6_000))
}

const authz = `rules:
  - { id: readers, roles: [author, operator, superuser], actions: [read], scope: any }
  - { id: authors, roles: [author], actions: [change], scope: any }
  - { id: operators, roles: [author, operator], actions: [approve], target_scope: any }
  - { id: tokens, roles: [superuser], actions: [token], scope: any }
  - { id: admins, roles: [superuser], actions: [admin] }
four_eyes: ['rbac/**', 'edict/**']
`

/** A server whose API is approved, with a change of ann that waits. Answers its address, and how another signs in. */
async function approving() {
  const [rules, config] = [join(folder, 'authz.yaml'), join(folder, 'edict.yaml')]
  const sources = JSON.stringify([
    { name: 'policies-example', directory: example },
    { name: 'api', api: {}, mode: 'plan' },
  ])
  writeFileSync(rules, authz)
  writeFileSync(config, `sources: ${sources}\npolicy: { file: ${JSON.stringify(rules)} }\n`)
  const at = await serve('approving', { EDICT_CONFIG: config, EDICT_BOOTSTRAP_SECRET: bootstrap })
  const ask = async (path, as, body) => {
    const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' }
    return (await fetch(at + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const first = await ask('/api/tokens', bootstrap, { actor: 'root', roles: ['superuser'] })
  const ann = await ask('/api/tokens', first.token, { actor: 'ann', roles: ['author'] })
  const olaf = await ask('/api/tokens', first.token, { actor: 'olaf', roles: ['operator'] })
  const rego_code = `package rbac

role_check(assignment) if {
	assignment.role == "analyst"
	input.action == "export_data"
}
`
  await ask('/api/policies/upload', ann.token, { module_name: 'rbac/analysts', rego_code })
  return { at, token: olaf.token }
}

/** A server that asks for credentials, with tokens. Answers its address, and how its administrator signs in. */
async function closed() {
  const at = await serve('closed', {
    EDICT_BOOTSTRAP_SECRET: bootstrap,
    EDICT_OIDC_ISSUER: 'https://login.example.org/realms/main',
    EDICT_OIDC_AUDIENCE: 'edict',
    EDICT_OIDC_CONSOLE_CLIENT_ID: 'edict-console',
  })
  const ask = async (path, as, method, body) => {
    const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    return (await fetch(at + path, init)).json()
  }
  const make = (as, token) => ask('/api/tokens', as, 'POST', token)
  const { token } = await make(bootstrap, { actor: 'alice', roles: ['superuser'] })
  const ci = await make(token, { actor: 'ci-payments', roles: ['author'], groups: ['payments'], expires: '30d' })
  const old = await make(token, { actor: 'bob', roles: ['operator'], expires: '12h' })
  await make(token, { actor: 'dashboard', roles: ['viewer'], expires: '365d' })
  await ask('/api/whoami', ci.token, 'GET')
  await ask(`/api/tokens/${old.id}`, token, 'DELETE')
  return { at, token }
}

const shots = [
  ['overview', '/'],
  ['policies', '/policies'],
  ['policy', '/policies/shop/discount/2.0'],
  ['tests', '/policies/shop/discount/2.0?tab=tests'],
  ['versions', '/policies/shop/discount/2.0?tab=versions'],
  ['playground', '/playground'],
  ['rules', '/rules'],
  ['sources', '/sources'],
  ['audit', '/audit'],
  ['overview-dark', '/', 'dark'],
]
const closedShots = [
  ['sign-in', '/'],
  ['tokens', '/tokens'],
]

async function deny(page) {
  const text = (name) => page.getByRole('textbox', { name, exact: true })
  await text('Data').fill('{ "roles": {\n  "alice": ["admin"],\n  "bob": ["reader"]\n} }')
  await text('Input').fill('{ "user": "bob" }')
  await page.getByRole('region', { name: 'Why' }).getByText('Default').waitFor()
}

async function shoot([name, path, colorScheme = 'light'], { at = url, token } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme })
  if (token !== undefined) await context.addInitScript((text) => sessionStorage.setItem('edict.token', text), token)
  const page = await context.newPage()
  await page.goto(`${at}/console${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  if (name === 'plan') await page.getByRole('row').filter({ hasText: 'Waiting' }).getByRole('link').click()
  if (name === 'versions') await page.getByRole('button', { name: 'Side by side' }).click()
  if (name === 'rules') await page.getByRole('checkbox', { name: 'viewer may update' }).check()
  if (name === 'playground') await deny(page)
  await page.waitForTimeout(1_500)
  const file = join(images, `console-${name}.png`)
  await page.screenshot({ path: file })
  say(`${file}: ${Math.round(statSync(file).size / 1024)} kB`)
  await context.close()
}

const policyAt = (number) => ({
  repository: 'many',
  group: `group${number % 50}`,
  name: `policy${number}`,
  version: '1.0',
  digest: 'd',
  commit: number.toString(16).padStart(40, '0'),
  author: 'ada@example.org',
  revision: 1,
  updated: '2026-01-01T00:00:00.000Z',
  phase: number % 100 === 0 ? 'Quarantined' : 'Ready',
  locked: number % 250 === 0,
  evaluation: `/policy/group${number % 50}/policy${number}/1.0/evaluation`,
})

/** Milliseconds until the overview of a browser with an empty cache is painted, and until it shows the sources. */
async function overview({ slowdown }) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  await page.goto(`${url}/console/`)
  await page.getByRole('heading', { name: 'Sources' }).waitFor()
  const times = await page.evaluate(() => [
    performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    performance.now(),
  ])
  await context.close()
  return times.map(Math.round)
}

/** Milliseconds from a key in an editor of the playground to its result, of five keys, the quickest first. */
async function typing({ name, type }) {
  const page = await browser.newPage()
  await page.goto(`${url}/console/playground`)
  const text = (label) => page.getByRole('textbox', { name: label, exact: true })
  if (name === 'Input') await text('Rego').fill('package example.playground\n\ntyped := input\n')
  const times = []
  for (let n = 0; n < 6; n++) {
    await text(name).fill(type(n))
    await page.getByRole('region', { name: 'Result' }).getByText(`"${n}."`).waitFor()
    await page.waitForTimeout(1_500)
    await page.evaluate((wanted) => {
      const result = document.querySelector('[aria-label=Result]')
      new MutationObserver((_, observer) => {
        if (!result.textContent.includes(wanted)) return
        globalThis.took = performance.now() - globalThis.pressed
        observer.disconnect()
      }).observe(result, { subtree: true, childList: true, characterData: true })
    }, `"${n}.5"`)
    await text(name).press(name === 'Rego' ? 'Control+End' : 'End')
    for (let back = 0; back < (name === 'Rego' ? 2 : 1); back++) await text(name).press('ArrowLeft')
    await page.evaluate(() =>
      addEventListener('keydown', () => (globalThis.pressed = performance.now()), { capture: true, once: true }),
    )
    await text(name).press('5')
    await page.waitForFunction(() => globalThis.took !== undefined)
    // The first one opens the tools.
    if (n > 0) times.push(Math.round(await page.evaluate(() => globalThis.took)))
    await page.evaluate(() => delete globalThis.took)
  }
  await page.close()
  return times.toSorted((a, b) => a - b)
}

/** The overview, and from a key to the filtered table of 5,000 policies. */
async function measure() {
  await overview({ slowdown: 1 })
  for (const slowdown of [1, 4]) {
    const [paint, shown] = await overview({ slowdown })
    say(`processor slowed down ${slowdown} times: first paint after ${paint} ms, the sources after ${shown} ms`)
  }
  const page = await browser.newPage()
  const policies = Array.from({ length: 5_000 }, (_, number) => policyAt(number))
  await page.route('**/api/catalog*', (route) =>
    route.fulfill({ json: { policies, total: 5_000, next: null, revision: 1 } }),
  )
  await page.goto(`${url}/console/policies`)
  await page.getByText('5000 of 5000 policies').waitFor()
  const filter = await page.evaluate(async () => {
    const field = document.querySelector('[data-filter]')
    // React keeps its own idea of the value unless it is set as the browser sets it.
    const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
    const times = []
    for (const text of ['p', 'policy4', 'policy49', 'policy499', 'policy4', '']) {
      const from = performance.now()
      const before = document.querySelector('p[role=status]').textContent
      own.set.call(field, text)
      field.dispatchEvent(new Event('input', { bubbles: true }))
      while (document.querySelector('p[role=status]').textContent === before && performance.now() - from < 2_000) {
        await new Promise((done) => requestAnimationFrame(done))
        if (text === 'p') break
      }
      times.push(performance.now() - from)
    }
    return Math.max(...times)
  })
  const drafts = [
    { name: 'Rego', type: (n) => `package example.playground\n\ntyped := "${n}."\n` },
    { name: 'Input', type: (n) => `"${n}."` },
  ]
  for (const draft of drafts) {
    const times = await typing(draft)
    say(
      `playground, a key in ${draft.name}: the result after ${times[0]} to ${times.at(-1)} ms, ${times[2]} in the middle`,
    )
  }
  const sizes = firstPage()
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`
  say(`script of the first page ${kB(sizes.script)}, style ${kB(sizes.style)}, editor (later) ${kB(sizes.editor)}`)
  say(`5,000 policies filtered within ${Math.round(filter)} ms at most`)
}

/** `sign-in tokens`: those alone. */
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
const wanted = ([name]) => named.length === 0 || named.includes(name)

try {
  await fill()
  if (named.length === 0) await measure()
  if (!process.argv.includes('--measure')) {
    for (const shot of shots.filter(wanted)) await shoot(shot)
    if (wanted(['plan'])) await shoot(['plan', '/plans'], await approving())
    const { at, token } = await closed()
    for (const shot of closedShots.filter(wanted)) await shoot(shot, shot[0] === 'sign-in' ? { at } : { at, token })
  }
} finally {
  await browser.close()
  for (const server of running) {
    const ended = new Promise((done) => server.on('close', done))
    server.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}
