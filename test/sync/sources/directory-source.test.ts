import { appendFile, mkdir, mkdtemp, open, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createDirectorySource } from '../../../sync/sources/directory-source.ts'
import { SourceError } from '../../../sync/sources/source.ts'

const log = pino({ level: 'silent' })
let directory: string
const stop: AbortController[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'edict-dir-'))
})
afterEach(async () => {
  for (const controller of stop.splice(0)) controller.abort()
  await rm(directory, { recursive: true, force: true })
})

const source = (at = directory) =>
  createDirectorySource(
    { name: 'local', kind: 'directory', directory: at, intervalMs: 1000, webhookSecret: null },
    { log },
  )

async function write(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), text)
}

describe('the content of a directory', () => {
  test('its files, without dot files and node_modules', async () => {
    await write('g/p/1.0/policy.rego', 'package g.p')
    await write('g/p/1.0/data.json', '{}')
    await write('.git/config.json', '{}')
    await write('g/.hidden.rego', 'package x')
    await write('node_modules/m/a.rego', 'package x')
    await write('README.md', 'hello')
    const fragment = await source().load({})
    expect(fragment).toMatchObject({ source: 'local', kind: 'directory', author: null, findings: [] })
    expect(fragment.commit).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(fragment.revision).toBe(fragment.commit)
    expect(fragment.files.map(({ path }) => path)).toEqual(['g/p/1.0/data.json', 'g/p/1.0/policy.rego'])
  })

  test('the same content is the same commit, and the same object', async () => {
    await write('a.rego', 'package a')
    const local = source()
    const first = await local.load({})
    expect(await local.load({})).toBe(first)
    expect((await source().load({})).commit).toBe(first.commit)
    await write('a.rego', 'package b')
    const second = await local.load({})
    expect(second.commit).not.toBe(first.commit)
    expect(second.files[0]?.text).toBe('package b')
    await rename(join(directory, 'a.rego'), join(directory, 'b.rego'))
    expect((await local.load({})).commit).not.toBe(second.commit)
  })

  test('links inside of it are followed as a mounted ConfigMap needs, links out of it are findings', async () => {
    await write('..2026_01/policy.rego', 'package p')
    await write('..2026_01/g/p/1/policy.rego', 'package g.p')
    await symlink('..2026_01', join(directory, '..data'))
    await symlink('..data/policy.rego', join(directory, 'module.rego'))
    await symlink('..data/g', join(directory, 'g'))
    await symlink('/etc/passwd', join(directory, 'passwd.rego'))
    await symlink('/etc', join(directory, 'etc'))
    await symlink('.', join(directory, 'loop'))
    await symlink('nowhere', join(directory, 'broken.rego'))
    const { files, findings } = await source().load({})
    expect(files.map(({ path, text }) => [path, text])).toEqual([
      ['g/p/1/policy.rego', 'package g.p'],
      ['module.rego', 'package p'],
    ])
    expect(findings.map(({ code, severity, file }) => `${code} ${severity} ${file}`)).toEqual([
      'symlink error broken.rego',
      'symlink error etc',
      'symlink error loop',
      'symlink error passwd.rego',
    ])
  })

  test('a directory that is itself reached by a link is read', async () => {
    await write('real/a.rego', 'package a')
    await symlink('real', join(directory, 'linked'))
    expect((await source(join(directory, 'linked')).load({})).files).toHaveLength(1)
  })

  test('what is not UTF-8 is a finding', async () => {
    await write('a.rego', Uint8Array.of(0xff))
    expect((await source().load({})).findings).toMatchObject([{ code: 'not_utf8', severity: 'error', file: 'a.rego' }])
  })

  test('a missing directory and a file say so', async () => {
    await expect(source(join(directory, 'none')).load({})).rejects.toThrow('the directory does not exist')
    await write('a.rego', 'package a')
    await expect(source(join(directory, 'a.rego')).load({})).rejects.toThrow('not a directory')
    await expect(source(join(directory, 'none')).load({})).rejects.toBeInstanceOf(SourceError)
  })
})

describe('while somebody writes', () => {
  test('a file that grows is taken when it is whole', async () => {
    const file = await open(join(directory, 'a.rego'), 'w')
    await file.write('package a\n')
    const loading = source().load({})
    for (let i = 0; i < 10; i++) {
      // oxlint-disable-next-line no-await-in-loop
      await file.write(`# ${i}\n`)
      // oxlint-disable-next-line no-await-in-loop
      await sleep(10)
    }
    await file.close()
    expect((await loading).files[0]?.text).toContain('# 9')
  })

  test('several changes call back once, and not after the end', async () => {
    await write('a.rego', 'package a')
    const changed = vi.fn<() => void>()
    const controller = new AbortController()
    stop.push(controller)
    source().watch?.(changed, controller.signal)
    await sleep(150)
    await write('g/p/1.0/policy.rego', 'package g.p')
    await appendFile(join(directory, 'a.rego'), '\n')
    await vi.waitFor(() => expect(changed).toHaveBeenCalled(), 2000)
    await sleep(200)
    const calls = changed.mock.calls.length
    expect(calls).toBeLessThanOrEqual(2)
    await write('.ignored/a.rego', 'package a')
    await sleep(200)
    expect(changed).toHaveBeenCalledTimes(calls)
    controller.abort()
    await write('b.rego', 'package b')
    await sleep(200)
    expect(changed).toHaveBeenCalledTimes(calls)
  })
})
