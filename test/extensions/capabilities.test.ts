import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { capabilities, missingBuiltins } from '../../extensions/capabilities.ts'
import { extensionsWith } from '../../extensions/index.ts'
import { nativeBuiltins } from '../../extensions/native-builtins.ts'
import { createInstance } from '../../src/engine/abi/instance.ts'
import { meter } from '../../src/engine/meter/meter.ts'
import { baseCapabilities } from '../engine/compile.ts'
import { opaPath } from '../setup/opa.ts'

const run = promisify(execFile)
const extensions = extensionsWith({ parseModule: () => Promise.reject(new Error('nothing is called here')) })

interface Builtin {
  readonly name: string
  readonly decl: { readonly args?: readonly unknown[] }
}

let base: { readonly builtins: readonly Builtin[] }

beforeAll(async () => {
  base = (await baseCapabilities()) as typeof base
})

async function inFolder<T>(files: Record<string, string>, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'edict-capabilities-'))
  try {
    for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text)
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** A declaration without what is there for people: in it no object but a type has these members. */
function bare(decl: unknown): unknown {
  if (Array.isArray(decl)) return decl.map(bare)
  if (typeof decl !== 'object' || decl === null) return decl
  const members = Object.entries(decl).filter(([key]) => key !== 'description' && key !== 'name')
  return Object.fromEntries(members.map(([key, value]) => [key, bare(value)]))
}

describe('the capabilities', () => {
  it('hold the builtins that WASM carries itself, and ours, and no other', () => {
    const names = capabilities(base, extensions).builtins.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['count', 'print', 'get_header', 'external.http.header']))
    expect(new Set(names).size).toBe(names.length)
    const ofOpa = new Set(base.builtins.map(({ name }) => name))
    const added = extensions.filter(({ name }) => !ofOpa.has(name))
    expect(names.length).toBe(base.builtins.length + added.length)
  })

  it('lack none of the builtins of OPA, and tell which one is lacking', () => {
    expect(missingBuiltins(base, extensions)).toEqual([])
    const without = extensions.filter(({ name }) => name !== 'sprintf')
    expect(missingBuiltins(base, without)).toEqual(['sprintf'])
    expect(capabilities(base, without).builtins.map(({ name }) => name)).not.toContain('sprintf')
  })

  it("keep everything else of OPA's file, and let an extension stand in for a builtin of OPA", () => {
    const own = { ...extensions[0], name: 'count', kind: 'pure' } as (typeof extensions)[number]
    const merged = capabilities(base, [own])
    expect(Object.keys(merged)).toEqual(Object.keys(base))
    expect(merged.builtins.filter(({ name }) => name === 'count')).toEqual([
      { name: 'count', decl: { type: 'function', ...own.decl }, nondeterministic: false },
    ])
  })

  it('declare what OPA declares, but for names and descriptions', () => {
    const ofOpa = new Map(base.builtins.map(({ name, decl }) => [name, decl]))
    for (const { name, decl } of extensions) {
      const theirs = ofOpa.get(name)
      if (theirs === undefined) continue
      const { args = [], result } = bare(theirs) as { readonly args?: unknown; readonly result?: unknown }
      expect({ name, args, result }).toEqual({ name, args: decl.args, result: decl.result })
    }
  })

  it('make `opa check` name the file and line of a builtin that cannot be served', async () => {
    const rego = 'package a.b\n\nx := sprintf("%d", [1])\n'
    const files = { 'p.rego': rego, 'capabilities.json': JSON.stringify(capabilities(base, [])) }
    await inFolder(files, async (dir) => {
      const check = run(opaPath(), ['check', '--capabilities', 'capabilities.json', 'p.rego'], { cwd: dir })
      await expect(check).rejects.toThrow('p.rego:3: rego_type_error: undefined function sprintf')
    })
  })

  it('know exactly which builtins a compiled module calls the host for', { timeout: 20_000 }, async () => {
    // `assign` cannot be called by its name; it never reaches the module.
    const called = base.builtins.filter(({ name }) => name !== 'assign')
    const rules = called.map(
      ({ name, decl }) => `x { ${name}(${(decl.args ?? []).map((_, i) => `input[${i}]`).join()}) }`,
    )
    await inFolder({ 'p.rego': `package p\n\n${rules.join('\n')}\n` }, async (dir) => {
      await run(opaPath(), ['build', '--v0-compatible', '-t', 'wasm', '-e', 'p/x', '-o', 'b.tar.gz', 'p.rego'], {
        cwd: dir,
      })
      await run('tar', ['xzf', 'b.tar.gz', '/policy.wasm'], { cwd: dir })
      const module = new WebAssembly.Module(meter(await readFile(join(dir, 'policy.wasm'))))
      const data = Buffer.from('{}')
      const { builtins } = createInstance({ module, data, call: () => undefined, maximumBytes: 2 ** 24 })
      const carried = base.builtins.map(({ name }) => name).filter((name) => !builtins.has(name))
      expect([...nativeBuiltins].toSorted()).toEqual(carried.toSorted())
    })
  })
})
