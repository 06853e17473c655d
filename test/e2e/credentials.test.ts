import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, evaluate, newDatabase, startEdict, syncNow, temporaryFolder, type Edict } from './edict.ts'
import { newGitServer, newRepo, outcomeOf, rego, showSource } from './served-repo.ts'

const password = 'Tr0ub4dor-and-3'
const wrong = 'c0rrect-horse-battery'
const encoded = (secret: string) => Buffer.from(`reader:${secret}`).toString('base64')

/** The command lines of all processes, as `ps` shows them. */
const commandLines = async (): Promise<string> => {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = processes.map((name) => readFile(join('/proc', name, 'cmdline'), 'latin1').catch(() => ''))
  return (await Promise.all(lines)).join('\n')
}

const filesBelow = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const texts = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1').catch(() => ''))
  return (await Promise.all(texts)).join('\n')
}

/** Everything that the API shows of the source. */
const shown = async (edict: Edict): Promise<string> => {
  const pages = ['/api/sources', '/api/sources/platform', '/api/catalog', '/metrics', '/openapi.json', '/readiness']
  return (await Promise.all(pages.map(async (page) => (await call(edict.url + page)).text))).join('\n')
}

interface Followed {
  readonly edict: Edict
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
}

let repoUrl: string

const follow = async (env: Readonly<Record<string, string>>): Promise<Followed> => {
  const dataDir = await temporaryFolder()
  const all = { ...newDatabase(), EDICT_DATA: dataDir, EDICT_SOURCE: 'platform', LOG_LEVEL: 'trace', ...env }
  return { edict: await startEdict(all), dataDir, env: all }
}

/** Watches the command lines of all processes while something runs. */
const watching = async <T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly seen: string }> => {
  let over = false
  const lines: string[] = []
  const watch = (async () => {
    while (!over) lines.push(await commandLines())
  })()
  const value = await run()
  over = true
  await watch
  return { value, seen: lines.join('\n') }
}

beforeAll(async () => {
  const repo = await newRepo()
  await repo.publish({ 'shop/price/1.0/policy.rego': rego('shop', 'price', 'allow := true') })
  const git = await newGitServer({ root: repo.root, user: 'reader', password })
  repoUrl = `${git.url}/${repo.name}`
})

describe('a Git server that asks for a password', () => {
  it('opens for the right one, which is shown nowhere: output, log, API, ps, files', async () => {
    const started = await watching(() =>
      follow({ POLICY_REPO: repoUrl, POLICY_REPO_USER: 'reader', POLICY_REPO_PASS: password }),
    )
    const { edict, dataDir } = started.value
    const synced = await watching(() => syncNow(edict, 'platform'))
    expect(outcomeOf(synced.value)).toMatchObject({ ok: true })
    expect((await evaluate(edict, 'shop/price/1.0')).text).toBe('{"allow":true}')
    const ps = started.seen + synced.seen
    expect(ps).toContain('git\0')
    const everything = [ps, edict.output(), edict.log(), await shown(edict), await filesBelow(dataDir)].join('\n')
    expect(everything).not.toContain(password)
    expect(everything).not.toContain(encoded(password))
  })

  it('refuses a wrong one: AuthenticationFailed, without a word of it', async () => {
    const { edict, dataDir } = await follow({
      POLICY_REPO: repoUrl,
      POLICY_REPO_USER: 'reader',
      POLICY_REPO_PASS: wrong,
    })
    const outcome = await syncNow(edict, 'platform')
    expect(outcomeOf(outcome)).toMatchObject({ ok: false })
    const source = await showSource(edict)
    expect(source.json).toMatchObject({ phase: 'Stalled', reason: 'AuthenticationFailed', commit: null })
    expect(edict.output()).toMatch(/^ {2}platform: AuthenticationFailed: /m)
    const ready = await call(`${edict.url}/readiness`)
    expect(ready).toMatchObject({ status: 503, json: { checks: { store: 'up', stream: 'up', firstSync: 'down' } } })
    const everything = [outcome.text, source.text, edict.output(), edict.log(), await shown(edict)].join('\n')
    for (const secret of [wrong, encoded(wrong)]) {
      expect(everything).not.toContain(secret)
      expect(await filesBelow(dataDir)).not.toContain(secret)
    }
  })

  it('refuses when there is none, or one inside the URL that is wrong, and shows none of it', async () => {
    const { edict } = await follow({ POLICY_REPO: repoUrl.replace('//', `//reader:${wrong}@`) })
    const outcome = await syncNow(edict, 'platform')
    expect((await showSource(edict)).json).toMatchObject({ reason: 'AuthenticationFailed' })
    const everything = [outcome.text, edict.output(), edict.log(), await shown(edict)].join('\n')
    for (const secret of [wrong, encoded(wrong)]) expect(everything).not.toContain(secret)
  })
})
