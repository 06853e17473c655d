import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { serialize } from 'node:v8'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { RegoFile } from '../../src/policy/analysis.ts'
import { sha256 } from '../../src/policy/digest.ts'
import { createCache } from '../../src/opa/cache.ts'
import { withCache } from '../../src/opa/cached.ts'
import type { Opa } from '../../src/opa/run.ts'
import { createOpa } from '../../src/opa/run.ts'
import { opaVersion } from '../../src/opa/binary.ts'
import { realOpa } from './opa-for-tests.ts'

let opa: Opa
beforeAll(() => {
  opa = realOpa()
})

const v1 = (path: string, text: string): RegoFile => ({ path, text, regoVersion: 1 })
const v0 = (path: string, text: string): RegoFile => ({ path, text, regoVersion: 0 })

async function analysis(text: string) {
  const parsed = await opa.parse(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return parsed.analysis
}

/** A stand-in for opa: a shell script with the given body. */
function fakeOpa(
  body: string,
  bounds: { timeoutMs?: number; maxOutput?: number; concurrency?: number; memoryMb?: number } = {},
): Opa {
  const path = join(mkdtempSync(join(tmpdir(), 'edict-fake-opa-')), 'opa')
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return createOpa({ path, capabilities: {}, ...bounds })
}

describe('opa parse', () => {
  it('tells the package, whatever way it is written', async () => {
    expect((await analysis('# head\n\npackage gaiax["my-name"]\n')).package).toEqual(['gaiax', 'my-name'])
    expect((await analysis('# head\n\npackage gaiax["my-name"]\n')).packageLine).toBe(3)
  })

  it('lists rule heads with their line, functions and tests marked', async () => {
    const { rules } = await analysis(
      'package a.b\ndefault allow := false\nallow if input.x\nf(x) := x\na.b.c := 1\nset contains 1\ntest_a if true\ntodo_test_b if true\n_ := 3\n',
    )
    expect(rules.map(({ path, isFunction, isTest, line }) => [path.join('.'), isFunction, isTest, line])).toEqual([
      ['allow', false, false, 2],
      ['allow', false, false, 3],
      ['f', true, false, 4],
      ['a.b.c', false, false, 5],
      ['set', false, false, 6],
      ['test_a', false, true, 7],
      ['todo_test_b', false, true, 8],
      ['$0', false, false, 9],
    ])
  })

  it('finds every reference into data, imports and aliases resolved', async () => {
    const { refs } = await analysis(`package a.b
import data.rbac.core as c
import data.lib.util
import data.never.used
allow if c.foo else := util.f(1) if data.roles[input.role]
f(x) := [y | y := data["x-y"].z[_]]
g := util
h if { some k in data.table; every v in data.list { v > data.limit } }
i if allow with data.mock.it as 1
j := f(data.inner[data.key])
`)
    expect(refs.map((ref) => ref.join('/')).sort()).toEqual(
      [
        'inner',
        'key',
        'lib/util',
        'lib/util/f',
        'limit',
        'list',
        'mock/it',
        'never/used',
        'rbac/core/foo',
        'roles',
        'table',
        'x-y/z',
      ].sort(),
    )
  })

  it.each(['x := data[input.k]', 'x := data', 'x if input with data as {}'])(
    'takes %s as all of data',
    async (rule) => {
      expect((await analysis(`package a.b\n${rule}\n`)).refs).toContainEqual([])
    },
  )

  it.each([
    ['package a\nallow { input.x }\n', 0],
    ['package a\nallow = true\n', 1],
    ['package a\nallow if input.x\n', 1],
    ['package a\nx := re_match("a", input.x)\n', 0],
    ['package a\nany(x) := x\ny := any(1)\n', 1],
    ['package a\nimport rego.v1\nx := re_match("a", input.x)\n', 1],
  ] as const)('knows the Rego version of %j', async (text, version) => {
    expect((await analysis(text)).regoVersion).toBe(version)
  })

  it('reports the errors of the version that the file is written in', async () => {
    const broken = async (text: string) => {
      const parsed = await opa.parse(text)
      return parsed.ok ? [] : parsed.errors.map(({ row, message }) => `${row}: ${message}`)
    }
    const inV0 = await broken('package a\n\nallow { input.x }\n\ndeny { input.y\n')
    expect(inV0.join('\n')).not.toContain('keyword is required')
    const inV1 = await broken('package a\n\nallow if { input.x }\n\ndeny { input.y }\n')
    expect(inV1).toEqual(['5: `if` keyword is required before rule body'])
    expect(await broken('')).not.toEqual([])
    expect(await broken('\u0000')).not.toEqual([])
  })
})

describe('opa check', () => {
  it('answers with the paths, rows and columns of the source, v0 and v1 side by side', async () => {
    const files = [
      v0('gaiax/old/1.0/policy.rego', 'package gaiax.old\nallow { nosuch(1) }\n'),
      v1('gaiax/new/1.0/policy.rego', 'package gaiax.new\nallow if input.x\nb := missing(2)\n'),
      v1('gaiax/new/1.0/policy_test.rego', 'package gaiax.new_test\ntest_a if other(2)\n'),
      v1('.hidden/we ird/data.json/ü.rego', 'package w\nx := odd(2)\n'),
      v1('../../outside.rego', 'package o\nx := out(2)\n'),
    ]
    const errors = await opa.check(files)
    expect(errors.map(({ file, row, col, message }) => `${file}:${row}:${col} ${message}`).sort()).toEqual([
      '../../outside.rego:2:6 undefined function out',
      '.hidden/we ird/data.json/ü.rego:2:6 undefined function odd',
      'gaiax/new/1.0/policy.rego:3:6 undefined function missing',
      'gaiax/new/1.0/policy_test.rego:2:11 undefined function other',
      'gaiax/old/1.0/policy.rego:2:9 undefined function nosuch',
    ])
  })

  it('knows the extension functions', async () => {
    expect(await opa.check([v1('a.rego', 'package a\nx := get_header("Accept")\n')])).toEqual([])
  })
})

describe('opa build', () => {
  it('makes the same WASM of the same files, v0 and v1 in one artifact', async () => {
    const files = [
      v0('g/n/1/policy.rego', 'package g["my-n"]\nimport data.lib\nallow { lib.f(input.x) }\nhelp(x) { lib.f(x) }\n'),
      v1('lib.rego', 'package lib\nf(x) if x == 1\n'),
      v1('edict/entry.rego', 'package edict.entry\n\ndoc := data["g"]["my-n"]\n'),
    ]
    const [a, b] = [await opa.build(files, 'edict/entry/doc'), await opa.build(files.toReversed(), 'edict/entry/doc')]
    if (!a.ok || !b.ok) throw new Error(JSON.stringify([a, b]))
    expect(Buffer.from(a.wasm.subarray(0, 4)).toString('hex')).toBe('0061736d')
    expect(Buffer.from(a.wasm).equals(Buffer.from(b.wasm))).toBe(true)
  })

  it('tells file, row and column of what it refuses', async () => {
    const built = await opa.build([v1('a.rego', 'package a\nx := missing(1)\n')], 'a/x')
    expect(built).toMatchObject({ ok: false, errors: [{ file: 'a.rego', row: 2, col: 6, fault: 'author' }] })
  })
})

describe('the child process', () => {
  it('has an empty environment and only its files in its working directory', async () => {
    const spy = fakeOpa(
      'echo "{\\"errors\\":[{\\"message\\":\\"$(/usr/bin/env | /usr/bin/cut -d= -f1 | /usr/bin/sort | /usr/bin/tr \'\\n\' \' \')| $(/bin/ls | /usr/bin/tr \'\\n\' \' \')\\"}]}"; exit 1',
    )
    const [error] = await spy.check([v1('a.rego', 'package a')])
    expect(error?.message.replace(/\b(PWD|_|OLDPWD|SHLVL) /g, '')).toBe('GOGC GOMAXPROCS GOMEMLIMIT | a.rego ')
  })

  it('never runs what stands in a name or a text', async () => {
    const marker = join(mkdtempSync(join(tmpdir(), 'edict-mark-')), 'hit')
    await opa.check([v1(`$(touch ${marker}).rego`, `package a\nx := "$(touch ${marker})"`)])
    expect(() => readdirSync(marker)).toThrow()
  })

  it('is killed at its time, and the error says so', async () => {
    const started = Date.now()
    expect(await fakeOpa('exec sleep 30', { timeoutMs: 200 }).check([])).toMatchObject([
      { code: 'opa_timeout', fault: 'author' },
    ])
    expect(Date.now() - started).toBeLessThan(5000)
  })

  it('is killed when it writes too much', async () => {
    const flood = fakeOpa('while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done', {
      maxOutput: 10_000,
    })
    expect(await flood.check([])).toMatchObject([{ code: 'opa_output_too_large' }])
  })

  it('has bounded memory', async () => {
    const rows = Array.from({ length: 60_000 }, (_, index) => `r${index} := [x | some x in data.t; x.a == ${index}]`)
    const small = realOpa({ memoryMb: -1700 })
    const parsed = await small.parse(`package a\n${rows.join('\n')}\n`)
    expect(parsed).toMatchObject({
      ok: false,
      errors: [{ code: expect.stringMatching(/^opa_(out_of_memory|crashed)$/) }],
    })
  })

  it('that crashes is our fault', async () => {
    expect(await fakeOpa('kill -SEGV $$').check([])).toMatchObject([{ code: 'opa_crashed', fault: 'ours' }])
    expect(await fakeOpa('echo "panic: runtime error" >&2; exit 2').check([])).toMatchObject([{ code: 'opa_crashed' }])
  })

  it('that is not there is a tool that is unavailable', async () => {
    const absent = createOpa({ path: '/nowhere/opa', capabilities: {} })
    await expect(absent.check([])).rejects.toMatchObject({ code: 'tool_unavailable' })
  })

  it('ends with the signal', async () => {
    const slow = fakeOpa('exec sleep 30')
    await expect(slow.check([], { signal: AbortSignal.timeout(100) })).rejects.toThrow()
  })

  it('runs two at a time and no more', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'edict-count-'))
    const counting = fakeOpa(
      `touch ${dir}/$$; ls ${dir} | wc -l >> ${dir}.log; sleep 0.1; rm ${dir}/$$`
        .replaceAll('touch', '/usr/bin/touch')
        .replaceAll(' ls ', ' /bin/ls ')
        .replace('wc', '/usr/bin/wc')
        .replace('sleep', '/bin/sleep')
        .replace('rm ', '/bin/rm '),
    )
    await Promise.all(Array.from({ length: 8 }, () => counting.check([])))
    const { readFileSync } = await import('node:fs')
    const counts = readFileSync(`${dir}.log`, 'utf8').trim().split(/\s+/).map(Number)
    expect(counts).toHaveLength(8)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
  })

  it('tells its version', async () => {
    expect(await opa.version()).toBe(opaVersion)
  })
})

const digestOf = (value: unknown): string => sha256(serialize(value))

describe('cached results', () => {
  it('outlive the process, and nothing is run twice', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'edict-cache-'))
    let runs = 0
    const counted: Opa = {
      ...opa,
      parse: (...args) => (runs++, opa.parse(...args)),
      check: (...args) => (runs++, opa.check(...args)),
      build: (...args) => (runs++, opa.build(...args)),
    }
    const files = [v1('a.rego', 'package a\nx := input.y\n')]
    const use = async () => {
      const cached = await withCache(counted, createCache({ dir }))
      const [first, second] = await Promise.all([cached.build(files, 'a/x'), cached.build(files, 'a/x')])
      const broken = [v1('a.rego', 'package a\nx := nosuch(1)\n')]
      return [
        await cached.parse(files[0]?.text ?? ''),
        await cached.check(broken),
        first,
        second,
        await cached.build(broken, 'a/x'),
      ]
    }
    const before = await use()
    expect(runs).toBe(4)
    expect(digestOf(await use())).toBe(digestOf(before))
    expect(runs).toBe(4)
  })

  it('do not include failures of the tool, nor files that are damaged', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'edict-cache-'))
    const cache = createCache({ dir })
    const late = await withCache({ ...fakeOpa('exec sleep 30', { timeoutMs: 50 }), version: async () => '1' }, cache)
    expect(await late.check([])).toMatchObject([{ code: 'opa_timeout' }])
    expect(readdirSync(dir)).toEqual([])
    await cache.put('ab', 'x')
    expect((await cache.get('ab'))?.toString()).toBe('x')
    expect(await cache.get('cd')).toBeUndefined()
  })
})
