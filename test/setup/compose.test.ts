/** There may be no Docker engine here, so the compose file is held against the Compose specification and our own rules. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFile(join(root, file), 'utf8')

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.literal('.'), target: z.string() }).optional(),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
})
const composeSchema = z.looseObject({ services: z.record(z.string(), serviceSchema) })

const compose: unknown = parse(await read('docker-compose.yaml'), { merge: true })
const services = () => composeSchema.parse(compose).services
const stages = [...(await read('Dockerfile')).matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, image = '', name = '']) => ({
  image,
  name,
}))

describe('docker-compose.yaml', () => {
  test('is valid by the Compose specification', async () => {
    // The schema of the Compose specification (Apache-2.0) as the npm package dclint ships it.
    const dclint = dirname(createRequire(import.meta.url).resolve('dclint/package.json'))
    const { $schema: _, ...schema } = JSON.parse(await readFile(join(dclint, 'schemas', 'compose.schema.json'), 'utf8'))
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema)
    validate(compose)
    expect(validate.errors).toBeNull()
  })

  test('every service has a healthcheck, a read-only root, no capabilities and no new privileges', () => {
    expect(Object.keys(services()).sort()).toEqual(['git', 'mongo', 'server-1', 'server-2', 'worker'])
  })

  test('what is published is published on the loopback of the host only', () => {
    const ports = Object.fromEntries(
      Object.entries(services()).map(([name, { ports: published }]) => [name, published]),
    )
    expect(
      Object.values(ports)
        .flat()
        .every((port) => port.startsWith('127.0.0.1:')),
    ).toBe(true)
    expect(ports['server-1']).toEqual(['127.0.0.1:8081:8081'])
    expect(ports['server-2']).toEqual(['127.0.0.1:8082:8081'])
    expect(ports['mongo']).toEqual([])
  })

  test('images are pinned official ones, or built here from a stage that exists', () => {
    for (const { image, build } of Object.values(services())) {
      if (build) expect(stages.map(({ name }) => name)).toContain(build.target)
      else expect(image).toMatch(/^mongo:\d+\.\d+/)
    }
  })

  test('the open mode is said explicitly', () => {
    for (const name of ['server-1', 'server-2', 'worker'])
      expect(services()[name]?.environment['EDICT_AUTH']).toBe('open')
  })
})

describe('Dockerfile', () => {
  test('builds on pinned official images, with the very opa that is pinned in the code', async () => {
    const { opaVersion } = await import('../../src/opa/binary.ts')
    const names = stages.map(({ name }) => name)
    const foreign = stages.map(({ image }) => image).filter((image) => !names.includes(image))
    expect(new Set(foreign)).toEqual(new Set(['node:22-bookworm-slim', `openpolicyagent/opa:${opaVersion}-static`]))
  })

  test('the server is the last stage, runs as a user without rights, and has a healthcheck', async () => {
    const server = (await read('Dockerfile')).split(/^FROM /m).at(-1)
    expect(server).toMatch(/^base AS server/)
    expect(server).toMatch(/^USER node$/m)
    expect(server).toMatch(/^HEALTHCHECK /m)
  })
})

test('the Git server of the compose file is cloned from and pushed to over HTTP, and stops on SIGTERM', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-git-server-'))
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder })
  await git('init', '--quiet', '--bare', '--initial-branch=main', 'policies.git')
  await git('--git-dir=policies.git', 'config', 'http.receivepack', 'true')
  const server = spawn(process.execPath, [join(root, 'docker', 'git-server.mjs')], {
    env: { PATH: process.env['PATH'], GIT_PROJECT_ROOT: folder, PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(server.stdout, 'data')
  const url = `${/http:\S+/.exec(String(line))?.[0]}/policies.git`
  await git('clone', '--quiet', url, 'one')
  await writeFile(join(folder, 'one', 'file'), 'text')
  await git('-C', 'one', 'add', '--all')
  await git('-C', 'one', 'commit', '--quiet', '--message', 'first')
  await git('-C', 'one', 'push', '--quiet', 'origin', 'HEAD:main')
  await git('clone', '--quiet', '--depth', '1', url, 'two')
  expect(await readFile(join(folder, 'two', 'file'), 'utf8')).toBe('text')
  server.kill('SIGTERM')
  expect(await once(server, 'exit')).toEqual([0, null])
  await rm(folder, { recursive: true, force: true })
})
