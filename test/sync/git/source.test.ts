import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GitSourceConfig } from '../../../src/config.ts'
import { createGitSource } from '../../../sync/git/source.ts'
import { SourceError } from '../../../sync/sources/source.ts'
import { startGitServer, type GitServer } from '../../setup/git-http.ts'
import { createRepo, type TestRepo } from '../../setup/git-repo.ts'

const log = pino({ level: 'silent' })
const secret = (text: string) => ({ reveal: () => text })
const env = { PATH: process.env['PATH'] }

let repo: TestRepo
let dataDir: string
const servers: GitServer[] = []

beforeEach(async () => {
  repo = await createRepo()
  dataDir = await mkdtemp(join(tmpdir(), 'edict-data-'))
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
  await repo.dispose()
  await rm(dataDir, { recursive: true, force: true })
})

async function serve(options: { readonly user?: string; readonly password?: string } = {}): Promise<GitServer> {
  const server = await startGitServer({ root: repo.root, ...options })
  servers.push(server)
  return server
}

function source(
  overrides: Partial<GitSourceConfig> = {},
  options: { readonly maxData?: number; readonly timeoutMs?: number } = {},
) {
  return createGitSource(
    {
      name: 'platform',
      kind: 'git',
      url: `file://${repo.bare}`,
      branch: 'main',
      path: '',
      credentials: { kind: 'none' },
      intervalMs: 60_000,
      webhookSecret: null,
      ...overrides,
    },
    {
      dataDir,
      log,
      env,
      ...(options.maxData === undefined ? {} : { limits: { maxData: options.maxData } }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    },
  )
}

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof SourceError)) throw error
  return error
}

async function mirrorDir(): Promise<string> {
  const names = await readdir(join(dataDir, 'git'))
  return join(dataDir, 'git', names.find((name) => name.endsWith('.git')) ?? '')
}

const policy = 'package gaiax.didresolve\n\nallow := true\n'

describe('what a commit holds', () => {
  test('the files of the branch are read at its commit, with author and date', async () => {
    const commit = await repo.publish({ 'gaiax/didresolve/1.0/policy.rego': policy, 'README.md': 'hello' })
    const server = await serve()
    const fragment = await source({ url: `${server.url}/${repo.name}` }).load({})
    expect(fragment).toMatchObject({
      source: 'platform',
      kind: 'git',
      commit,
      revision: `main@sha1:${commit}`,
      author: 'Ada Author <ada@example.org>',
      findings: [],
    })
    expect(fragment.committedAt).toBeInstanceOf(Date)
    expect(fragment.files.map(({ path, text }) => [path, text])).toEqual([['gaiax/didresolve/1.0/policy.rego', policy]])
  })

  test('only the folder that is configured is read, with paths relative to it', async () => {
    await repo.publish({ 'deep/policies/a.rego': 'package a', 'other/b.rego': 'package b' })
    const fragment = await source({ path: '/deep/policies/' }).load({})
    expect(fragment.files.map(({ path }) => path)).toEqual(['a.rego'])
  })

  test('an unchanged branch gives the same fragment and fetches nothing', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    const server = await serve()
    const git = source({ url: `${server.url}/${repo.name}` })
    const first = await git.load({})
    const before = server.requests.length
    expect(await git.load({})).toBe(first)
    expect(server.requests.slice(before).filter(({ line }) => line.includes('upload-pack')).length).toBeLessThanOrEqual(
      2,
    )
  })

  test('a file that did not change keeps its text object when another one changes', async () => {
    await repo.publish({ 'a.rego': 'package a', 'b.rego': 'package b' })
    const git = source()
    await git.load({})
    const commit = await repo.publish({ 'b.rego': 'package b2' })
    const next = await git.load({})
    expect(next.commit).toBe(commit)
    expect(next.files.map(({ text }) => text)).toEqual(['package a', 'package b2'])
  })

  test('a rename is a file gone and a file come', async () => {
    await repo.publish({ 'g/old/1.0/policy.rego': policy })
    const git = source()
    await git.load({})
    await repo.rename('g/old', 'g/new')
    await repo.commit()
    await repo.push()
    expect((await git.load({})).files.map(({ path }) => path)).toEqual(['g/new/1.0/policy.rego'])
  })

  test('a force push is an ordinary change', async () => {
    const first = await repo.publish({ 'a.rego': 'package a' })
    await repo.publish({ 'a.rego': 'package a2' })
    const git = source()
    await git.load({})
    await repo.git(['reset', '-q', '--hard', first])
    await repo.write({ 'a.rego': 'package other' })
    const forced = await repo.commit()
    await repo.forcePush()
    const fragment = await git.load({})
    expect(fragment.commit).toBe(forced)
    expect(fragment.files[0]?.text).toBe('package other')
  })

  test('a data.json of 20 MB is read, one above the limit is data_too_large', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(20 << 20) })
    await repo.publish({ 'g/p/1/data.json': large, 'g/p/1/policy.rego': policy })
    const read = await source().load({})
    expect(read.files.find(({ path }) => path.endsWith('data.json'))?.text.length).toBe(large.length)
    const refused = await source({}, { maxData: 17 << 20 }).load({})
    expect(refused.findings).toMatchObject([{ code: 'data_too_large', severity: 'error', file: 'g/p/1/data.json' }])
    expect(refused.files.map(({ path }) => path)).toEqual(['g/p/1/policy.rego'])
  })

  test('blame names the last commit and author that touched a file', async () => {
    await repo.write({ 'deep/a.rego': 'package a' })
    const first = await repo.commit('one', { author: 'Bo <bo@example.org>' })
    await repo.write({ 'deep/b.rego': 'package b' })
    const second = await repo.commit('two', { author: 'Cy <cy@example.org>' })
    await repo.push()
    const git = source({ path: 'deep' })
    await git.load({})
    expect(await git.blame('a.rego', second)).toMatchObject({ commit: first, author: 'Bo <bo@example.org>' })
    expect(await git.blame('b.rego', second)).toMatchObject({ commit: second, author: 'Cy <cy@example.org>' })
    expect(await git.blame('nothing.rego', second)).toBeNull()
  })
})

describe('what is odd in a commit becomes a finding, and the rest is read', () => {
  test('symlinks, submodules and files that are not UTF-8', async () => {
    await repo.write({
      'ok.rego': 'package ok',
      'latin.rego': Uint8Array.of(0x70, 0xe9, 0x0a),
      'logo.png': Uint8Array.of(0xff),
    })
    await repo.symlink('link.rego', '/etc/passwd')
    await repo.git(['add', '-A'])
    await repo.git(['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},vendor`])
    await repo.git(['commit', '-q', '-m', 'odd'])
    await repo.push()
    const { files, findings, commit } = await source().load({})
    expect(files.map(({ path }) => path)).toEqual(['ok.rego'])
    expect(findings.map(({ code, severity, file }) => `${code} ${severity} ${file}`).toSorted()).toEqual([
      'not_utf8 error latin.rego',
      'submodule error vendor',
      'symlink error link.rego',
    ])
    expect(findings.every((finding) => finding.commit === commit && finding.source === 'platform')).toBe(true)
  })

  test('names that lead out of their folder, or are not UTF-8', async () => {
    const blob = await repo.git(['hash-object', '-w', '--stdin'], 'package evil')
    const tree = (entries: Uint8Array) =>
      repo.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], entries)
    const entry = (mode: string, name: Uint8Array | string, oid: string) =>
      Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.of(0), Buffer.from(oid, 'hex')])
    const inner = await tree(entry('100644', 'policy.rego', blob))
    const outer = await tree(
      Buffer.concat([
        entry('40000', '..', inner),
        entry('100644', Uint8Array.of(0xe9, 0x2e, 0x72, 0x65, 0x67, 0x6f), blob),
        entry('100644', 'ok.rego', blob),
      ]),
    )
    const commit = await repo.git(['commit-tree', outer, '-m', 'crafted'])
    await repo.git(['push', '-q', repo.bare, `${commit}:refs/heads/main`])
    const { files, findings } = await source().load({})
    expect(files.map(({ path }) => path)).toEqual(['ok.rego'])
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['bad_name', 'error'],
      ['bad_name', 'error'],
    ])
    expect(await readdir(dataDir)).toEqual(['git'])
  })
})

describe('a source that cannot be read says why', () => {
  test('a missing branch, folder or repository, an empty repository', async () => {
    const server = await serve()
    const url = `${server.url}/${repo.name}`
    expect(await failure(source({ url }).load({}))).toMatchObject({
      reason: 'FetchFailed',
      message: expect.stringContaining('the repository is empty'),
    })
    await repo.publish({ 'a/b.rego': 'package b' })
    expect((await failure(source({ url, branch: 'dev' }).load({}))).message).toContain('there is no branch "dev"')
    expect((await failure(source({ url, path: 'none' }).load({}))).message).toContain(
      'the folder "none" does not exist',
    )
    expect((await failure(source({ url, path: 'a/b.rego' }).load({}))).message).toContain('is not a folder')
    expect(await failure(source({ url: `${server.url}/other.git` }).load({}))).toMatchObject({
      reason: 'FetchFailed',
      message: expect.stringContaining('there is no Git repository'),
    })
  })

  test('nobody listens there', async () => {
    const server = await startGitServer({ root: repo.root })
    await server.close()
    const error = await failure(source({ url: `${server.url}/${repo.name}` }).load({}))
    expect(error).toMatchObject({ reason: 'FetchFailed', message: expect.stringContaining('cannot be reached') })
  })

  test('a server that never answers is given up, on time and on the signal', async () => {
    const silent: Server = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git`
    const error = await failure(source({ url }, { timeoutMs: 300 }).load({}))
    expect(error).toMatchObject({ reason: 'FetchFailed', message: expect.stringContaining('silent for too long') })
    const stop = new AbortController()
    const loading = source({ url }).load({ signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopping')), 200)
    await expect(loading).rejects.toThrow('stopping')
    await expect
      .poll(() => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), { timeout: 3000 })
      .not.toContain(url)
    silent.closeAllConnections()
    silent.close()
  })

  test('a redirect is not followed with credentials', async () => {
    const redirect: Server = createServer((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    )
    await new Promise<void>((resolve) => redirect.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(redirect.address() as AddressInfo).port}/x.git`
    const error = await failure(source({ url, credentials: { kind: 'token', token: secret('tok-9f3') } }).load({}))
    expect(error).toMatchObject({ reason: 'FetchFailed', message: expect.stringContaining('redirects') })
    redirect.close()
  })
})

describe('credentials', () => {
  const password = 'pa$$ wörd/@x'

  test('user and password, a token, and both inside a URL open a protected repository', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    const server = await serve({ user: 'ada', password })
    const url = `${server.url}/${repo.name}`
    const byPassword = source({ url, credentials: { kind: 'password', user: 'ada', password: secret(password) } })
    expect((await byPassword.load({})).files).toHaveLength(1)
    const inUrl = source({ url: url.replace('://', `://ada:${encodeURIComponent(password)}@`) })
    expect((await inUrl.load({})).files).toHaveLength(1)
    expect(inUrl.describe()).toBe(`${url}#main`)
    const tokens = await serve({ password: 'tok-123' })
    const byToken = source({
      url: `${tokens.url}/${repo.name}`,
      credentials: { kind: 'token', token: secret('tok-123') },
    })
    expect((await byToken.load({})).files).toHaveLength(1)
  })

  test('wrong or missing ones are AuthenticationFailed, without a word of the secret', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    const server = await serve({ user: 'ada', password })
    const url = `${server.url}/${repo.name}`
    const wrong = await failure(
      source({ url, credentials: { kind: 'password', user: 'ada', password: secret('hunter-2') } }).load({}),
    )
    expect(wrong.reason).toBe('AuthenticationFailed')
    expect(wrong.message).not.toContain('hunter-2')
    const inUrl = await failure(source({ url: url.replace('://', '://ada:hunter-2@') }).load({}))
    expect(inUrl.reason).toBe('AuthenticationFailed')
    expect(inUrl.message).not.toContain('hunter-2')
    expect((await failure(source({ url }).load({}))).reason).toBe('AuthenticationFailed')
  })

  test('no secret stands in an argument of any process, nor in a file of the mirror', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    const token = 'tok-7c1e5'
    const header = Buffer.from(`oauth2:${token}`).toString('base64')
    let seen = ''
    const slow: Server = createServer((_, response) => {
      seen += execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      response.writeHead(500).end()
    })
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/x.git`
    await failure(source({ url, credentials: { kind: 'token', token: secret(token) } }).load({}))
    slow.close()
    expect(seen).toContain('fetch')
    expect(seen).not.toContain(token)
    expect(seen).not.toContain(header)

    const server = await serve({ password: token })
    await source({ url: `${server.url}/${repo.name}`, credentials: { kind: 'token', token: secret(token) } }).load({})
    const everything = await readdir(dataDir, { recursive: true, withFileTypes: true })
    const files = everything.filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(3)
    for (const entry of files) {
      const text = await readFile(join(entry.parentPath, entry.name), 'latin1')
      expect(text).not.toContain(token)
      expect(text).not.toContain(header)
    }
  })
})

describe('the mirror', () => {
  test('hooks in it, in a template and in the configuration of the user are not run', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    const git = source()
    await git.load({})
    const marker = join(dataDir, 'ran')
    const dir = await mirrorDir()
    const hooks = [
      'post-checkout',
      'post-fetch',
      'reference-transaction',
      'post-merge',
      'pre-auto-gc',
      'post-index-change',
    ]
    execFileSync('mkdir', ['-p', join(dir, 'hooks')])
    for (const hook of hooks) {
      await writeFile(join(dir, 'hooks', hook), `#!/bin/sh\ntouch ${marker}\n`)
      await chmod(join(dir, 'hooks', hook), 0o755)
    }
    await writeFile(
      join(dir, 'config'),
      `[core]\n\tbare = true\n\thooksPath = ${dir}/hooks\n\tfsmonitor = touch ${marker}\n`,
    )
    await repo.publish({ 'a.rego': 'package a2' })
    const again = source()
    expect((await again.load({})).files[0]?.text).toBe('package a2')
    await repo.publish({ 'a.rego': 'package a3' })
    expect((await again.load({})).files[0]?.text).toBe('package a3')
    expect(await readdir(dataDir)).not.toContain('ran')
  })

  test('a damaged or half-written one is made anew', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    await source().load({})
    const dir = await mirrorDir()
    await rm(join(dir, 'HEAD'))
    expect((await source().load({})).files).toHaveLength(1)

    const objects = execFileSync('find', [join(dir, 'objects'), '-type', 'f'], { encoding: 'utf8' })
      .trim()
      .split('\n')
    for (const object of objects) {
      await chmod(object, 0o644)
      await truncate(object, 3)
    }
    expect((await source().load({})).files[0]?.text).toBe('package a')

    await repo.publish({ 'a.rego': 'package a2' })
    await writeFile(join(dir, 'refs', 'edict', 'branch.lock'), '')
    expect((await source().load({})).files[0]?.text).toBe('package a2')

    const git = source()
    await git.load({})
    await rm(dir, { recursive: true })
    await repo.publish({ 'a.rego': 'package a3' })
    expect((await git.load({})).files[0]?.text).toBe('package a3')
  })

  test('nothing is checked out', async () => {
    await repo.publish({ 'a.rego': 'package a' })
    await source().load({})
    const names = await readdir(await mirrorDir())
    expect(names).not.toContain('a.rego')
    expect(names).not.toContain('index')
    expect(await readFile(join(await mirrorDir(), 'config'), 'utf8')).not.toContain('url')
  })
})

describe('a no-op load of 1,000 policies', () => {
  test('answers the very fragment of before', async () => {
    await repo.publish(
      Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [`g/p${i}/1.0/policy.rego`, `package g.p${i}\n\nallow := ${i}\n`]),
      ),
    )
    const server = await serve()
    const git = source({ url: `${server.url}/${repo.name}` })
    expect(await git.load({})).toBe(await git.load({}))
  })
})

test('several readers of one mirror, from its first moment on, do not disturb each other', async () => {
  await repo.publish({ 'a.rego': 'package a' })
  for (const text of ['package b', 'package c', 'package d']) {
    const readers = [1, 2, 3, 4].map(() => source())
    const fragments = await Promise.all(readers.map((reader) => reader.load({})))
    expect(new Set(fragments.map(({ commit }) => commit)).size).toBe(1)
    await repo.publish({ 'a.rego': text })
    const again = await Promise.all(readers.map((reader) => reader.load({})))
    expect(again.map(({ files }) => files[0]?.text)).toEqual([text, text, text, text])
    await rm(await mirrorDir(), { recursive: true })
  }
})

describe('whose a change is', () => {
  const change = async (files: Record<string, string>, author: string, message = 'change') => {
    await repo.write(files)
    await repo.git(['add', '-A'])
    await repo.git(['commit', '-q', '-m', message, `--author=${author} <${author.toUpperCase()}@example.org>`])
    return repo.git(['rev-parse', 'HEAD'])
  }

  test('says all who wrote, committed or are named in a commit of these paths since, and nobody else', async () => {
    const first = await change({ 'p/a/one.rego': 'a', 'p/b/two.rego': 'b', 'other.rego': 'x' }, 'ann')
    await change({ 'p/b/two.rego': 'c' }, 'bob')
    await change({ 'other.rego': 'y' }, 'carol')
    const message = 'change\n\nCo-authored-by: Dora <dora@example.org>'
    const last = await change({ 'p/a/one.rego': 'd' }, 'eve', message)
    await repo.push()
    const git = source({ path: '/p' })
    await git.load({})
    const authors = (from: string | null, ...paths: string[]) => git.authors?.({ from, to: last, paths })
    const ada = 'ada@example.org'
    expect((await authors(first, 'a'))?.toSorted()).toEqual([ada, 'dora@example.org', 'eve@example.org'])
    expect((await authors(first, 'b/two.rego'))?.toSorted()).toEqual([ada, 'bob@example.org'])
    expect((await authors(null, 'b'))?.toSorted()).toEqual([ada, 'ann@example.org', 'bob@example.org'])
    expect(await authors(last, 'a')).toEqual([])
    expect((await authors(null, ...Array.from({ length: 501 }, (_, n) => `x${n}`)))?.length).toBe(5)
    expect(await authors(null, '*', ':(top)other.rego')).toEqual([])
  })

  test('counts all of the history when what was in force is gone', async () => {
    await change({ 'a/one.rego': 'a' }, 'ann')
    const last = await change({ 'a/one.rego': 'b' }, 'bob')
    await repo.push()
    const git = source()
    await git.load({})
    const all = ['ada@example.org', 'ann@example.org', 'bob@example.org']
    for (const from of ['0'.repeat(40), 'deadbeef'.repeat(5), 'sha256:nothing', '--all'])
      expect((await git.authors?.({ from, to: last, paths: ['a'] }))?.toSorted()).toEqual(all)
  })
})
