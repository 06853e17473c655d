/**
 * Composing: a thousand policies of ten sources with scopes, from fragments to an empty plan when nothing has changed; in
 * the same process, and in a new one that has only the cache folder. Without Git and MongoDB: the library alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extensions } from '../extensions/index.ts'
import { openCompiler } from '../src/compiler.ts'
import type { CachedOpa } from '../src/opa/cached.ts'
import { sha256 } from '../src/policy/digest.ts'
import { shipped } from '../src/policy/rbac.ts'
import type { Fragment, ModuleDocument, PackageDocument, PolicyDocument } from '../src/policy/schema.ts'
import { createBuilder, type Built } from '../sync/build/build.ts'
import { generatedRego } from './policies.ts'
import { median, round, type Figures } from './report.ts'

const sources = 10

const fragmentOf = (source: number, count: number): Fragment => {
  const group = `team${source}`
  const rego = (index: number) => `${generatedRego(index, group)}\nrate := data.${group}.lib.rate\n`
  const texts = [
    [`${group}/lib.rego`, `package ${group}.lib\n\nrate := data.${group}_rates.standard\n`],
    [`${group}_rates/data.json`, '{"standard":19}'],
    ...Array.from({ length: count }, (_, index) => [`${group}/p${index}/1.0/policy.rego`, rego(index)] as const),
  ] as const
  return {
    source: group,
    kind: 'git',
    commit: sha256(group),
    revision: `main@sha1:${source}`,
    author: 'bench',
    committedAt: null,
    files: texts.map(([path, text]) => ({ path, text, digest: sha256(text) })),
    findings: [],
  }
}

const scopes = new Map(
  Array.from({ length: sources }, (_, index) => {
    const group = `team${index}`
    return [group, { policies: [`${group}/**`], modules: [`${group}/**`], data: [`${group}_rates`] }] as const
  }),
)

/** Keeps what is applied, and stands in for the compiler, which an unchanged policy never asks. */
const createWorld = (openOpa: () => Promise<CachedOpa>) => {
  const policies = new Map<string, PolicyDocument>()
  const modules = new Map<string, ModuleDocument>()
  const packages = new Map<string, PackageDocument>()
  const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])

  const openBuild = async () => {
    const opa = await openOpa()
    const build = createBuilder({
      opa: { ...opa, build: async () => ({ ok: true, wasm }) },
      defaults: shipped,
      readPolicy: async (key) => policies.get(key) ?? null,
      readText: async (text) => (typeof text === 'string' ? text : ''),
    })
    return (fragments: readonly Fragment[]): Promise<Built> =>
      build({
        fragments,
        scopes,
        configured: new Set(scopes.keys()),
        stored: { policies: [...policies.values()], modules: [...modules.values()], packages: [...packages.values()] },
      })
  }

  const apply = ({ documents }: Built): void => {
    for (const document of [...documents.create, ...documents.replace]) policies.set(document._id, document)
    for (const document of documents.modules.put) modules.set(document._id, document)
    for (const document of documents.packages.put) packages.set(document._id, document)
  }
  return { openBuild, apply, policies }
}

/** Seconds. */
const unchanged = async (build: (fragments: readonly Fragment[]) => Promise<Built>, fragments: readonly Fragment[]) => {
  const start = performance.now()
  const { plan } = await build(fragments)
  if (!plan.empty) throw new Error('nothing has changed, and yet there is something to apply')
  return (performance.now() - start) / 1000
}

export const measureCompose = async ({ quick }: { quick: boolean }): Promise<Figures> => {
  const count = quick ? 15 : 100
  const dataDir = mkdtempSync(join(tmpdir(), 'edict-bench-compose-'))
  const { signal } = new AbortController()
  const compiler = () => openCompiler({ extensions, dataDir, env: process.env, print: console.error, signal })
  try {
    const all = () => Array.from({ length: sources }, (_, index) => fragmentOf(index, count))
    const world = createWorld(compiler)
    const build = await world.openBuild()
    world.apply(await build(all()))
    if (world.policies.size !== sources * count) throw new Error(`${world.policies.size} policies were built`)
    const noop: number[] = []
    for (let repeat = 0; repeat < 7; repeat++) noop.push(await unchanged(build, all()))
    const fresh = await unchanged(await world.openBuild(), all())
    return {
      compose: {
        policies: sources * count,
        sources,
        noop_s: round(median(noop), 3),
        new_process_s: round(fresh, 3),
      },
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}
