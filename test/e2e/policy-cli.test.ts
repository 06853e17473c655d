/** `edict policy …` on directories alone: no server, no database. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runEdict, temporaryFolder } from './edict.ts'

const root = resolve(import.meta.dirname, '../..')
const quiet = { LOG_LEVEL: 'silent' }

type Files = Readonly<Record<string, string>>

const folderOf = async (files: Files): Promise<string> => {
  const folder = await temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

const good: Files = {
  'shop/price/1.0/policy.rego': 'package shop.price\n\ndefault allow := false\n\nallow if input.sum < data.most\n',
  'shop/price/1.0/data.json': '{"most":10}',
  'shop/price/1.0/policy.tests.yaml': `# Sums that are allowed.
cases:
  - name: a small sum
    input: { sum: 5 }
    expect: { exact: { allow: true } }
  - name: a large sum
    input: { sum: 50 }
    expect:
      path: { allow: false }
`,
  'shop/price/1.0/policy_test.rego':
    'package shop.price_test\n\nimport data.shop.price\n\ntest_none if not price.allow\n',
}

describe('edict policy validate', () => {
  it('counts what there is and exits with 0 when nothing is wrong', async () => {
    const folder = await folderOf({ ...good, 'lib/a.rego': 'package lib.a\n\nx := 1\n' })
    expect(await runEdict(['policy', 'validate'], quiet, folder)).toEqual({
      code: 0,
      stdout: '1 policy, 1 shared module, 2 rules, 0 actors: 0 errors, 0 warnings\n',
      stderr: '',
    })
  })

  const bad: Files = { ...good, 'shop/tax/1.0/policy.rego': 'package shop.tax\n\n\tallow if {\n\t\tnope(1)\n\t}\n' }

  it('shows each finding with file, line, column and a caret, and exits with 1', async () => {
    const folder = await folderOf(bad)
    const { code, stdout } = await runEdict(['policy', 'validate', 'sub'], quiet, dirname(await moved(folder, 'sub')))
    expect(code).toBe(1)
    expect(stdout).toContain(
      [
        'sub/shop/tax/1.0/policy.rego:4:3: error rego_type_error: undefined function nope',
        '  4 |         nope(1)',
        '    |         ^',
      ].join('\n'),
    )
  })

  it('looks at the tests, too, without running them: their files, and whether they compile', async () => {
    const folder = await folderOf({
      ...good,
      'shop/price/1.0/data.json': '{"most":1}',
      'shop/tax/1.0/policy.rego': 'package shop.tax\n\nallow if {\n',
      'shop/tax/1.0/policy.tests.yaml': 'cases:\n  - { name: it, expects: {} }\n',
      'lib/a.rego': 'package lib.a\n\nx := 1\n',
      'lib/a_test.rego': 'package lib.a_test\n\ntest_a if nope(1)\n\ntest_b if data.lib.a.x == 2\n',
    })
    const { code, stdout } = await runEdict(['policy', 'validate', '--format', 'github'], quiet, folder)
    expect([code, stdout.split('\n')]).toEqual([
      1,
      [
        '::error file=lib/a_test.rego,line=3,col=11,title=rego_type_error::undefined function nope',
        expect.stringMatching(/^::error file=shop\/tax\/1\.0\/policy\.rego,line=\d,col=\d,title=rego_parse_error/),
        '::error file=shop/tax/1.0/policy.tests.yaml,line=2,col=5,title=invalid_tests::the case expects nothing: it needs expect',
        expect.stringContaining('line=2,col=17,title=invalid_tests::"expects" is not known here'),
        '',
      ],
    ])
  })

  it('tells the same to programs', async () => {
    const folder = await folderOf(bad)
    const json = await runEdict(['policy', 'validate', '--format', 'json'], quiet, folder)
    expect(JSON.parse(json.stdout)).toMatchObject({
      counts: { policies: 2 },
      findings: [{ code: 'rego_type_error', file: 'shop/tax/1.0/policy.rego', line: 4, column: 3 }],
    })
    const sarif = await runEdict(['policy', 'validate', '--format', 'sarif'], quiet, folder)
    expect(JSON.parse(sarif.stdout)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          results: [
            {
              ruleId: 'rego_type_error',
              level: 'error',
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'shop/tax/1.0/policy.rego' },
                    region: { startLine: 4, startColumn: 3 },
                  },
                },
              ],
            },
          ],
        },
      ],
    })
    const github = await runEdict(['policy', 'validate', '--format', 'github'], quiet, folder)
    expect(github.stdout).toBe(
      '::error file=shop/tax/1.0/policy.rego,line=4,col=3,title=rego_type_error::undefined function nope\n',
    )
    expect([json.code, sarif.code, github.code]).toEqual([1, 1, 1])
  })

  it('a warning counts, unless --allow-warnings says otherwise', async () => {
    const folder = await folderOf({ 'a/b/1/policy.rego': 'package a.b\n\nallow { true }\n' })
    expect((await runEdict(['policy', 'validate'], quiet, folder)).code).toBe(1)
    expect((await runEdict(['policy', 'validate', '--allow-warnings'], quiet, folder)).code).toBe(0)
  })

  it('a directory that does not exist is told, and exits with 1', async () => {
    const missing = await runEdict(['policy', 'validate', 'nowhere'], quiet)
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('the directory does not exist') })
  })
})

/** The folder's content in a folder of that name. */
const moved = async (folder: string, name: string): Promise<string> => {
  const to = join(await temporaryFolder(), name)
  await rename(folder, to)
  return to
}

describe('edict policy test', () => {
  it('runs the cases and the test rules of a directory', async () => {
    expect(await runEdict(['policy', 'test'], quiet, await folderOf(good))).toEqual({
      code: 0,
      stdout: 'shop/price/1.0  3 passed, 0 failed\n3 passed, 0 failed\n',
      stderr: '',
    })
  })

  describe('a test that fails', () => {
    let folder: string

    beforeAll(async () => {
      folder = await folderOf({ ...good, 'shop/price/1.0/data.json': '{"most":100}' })
    })

    it('is shown with its place and what differs, and exits with 1', async () => {
      const { code, stdout } = await runEdict(['policy', 'test'], quiet, folder)
      expect([code, stdout]).toEqual([
        1,
        `shop/price/1.0  2 passed, 1 failed
  FAILED  a large sum (shop/price/1.0/policy.tests.yaml:6:5)
    at allow: expected false, got true
2 passed, 1 failed
`,
      ])
    })

    it('--filter leaves the others out', async () => {
      const small = await runEdict(['policy', 'test', '--filter', 'small'], quiet, folder)
      expect([small.code, small.stdout]).toEqual([0, 'shop/price/1.0  1 passed, 0 failed\n1 passed, 0 failed\n'])
    })

    it('--junit writes the results as XML', async () => {
      await runEdict(['policy', 'test', '--junit', 'out.xml'], quiet, folder)
      const xml = await readFile(join(folder, 'out.xml'), 'utf8')
      expect(xml).toContain('<testsuites tests="3" failures="1" skipped="0">')
      expect(xml).toContain('<failure message="at allow: expected false, got true">')
    })

    it('--json prints them', async () => {
      const { stdout } = await runEdict(['policy', 'test', '--json'], quiet, folder)
      expect(JSON.parse(stdout)).toMatchObject({
        counts: { passed: 2, failed: 1, skipped: 0 },
        reports: [{ key: 'shop/price/1.0', results: [{ name: 'a small sum', status: 'passed' }, {}, {}] }],
      })
    })
  })

  it('policies without tests, and errors, are told', async () => {
    const folder = await folderOf({
      ...good,
      'a/b/1/policy.rego': 'package a.b\n',
      'a/c/1/policy.rego': 'package a.c {',
    })
    const { code, stdout } = await runEdict(['policy', 'test'], quiet, folder)
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^3 passed, 0 failed; 1 error; 2 policies without tests$/m),
    ])
  })

  it('policies-example passes, and prints what the documents show', async () => {
    const { code, stdout } = await runEdict(['policy', 'test', 'policies-example'], quiet, root)
    expect(code).toBe(0)
    const documents = ['docs/policy-tests.md', 'docs/policy-development.md']
    for (const document of documents)
      expect(await readFile(join(root, document), 'utf8')).toContain(
        `$ npm run -s edict -- policy test policies-example\n${stdout}\`\`\`\n`,
      )
    const sum = stdout.trimEnd().split('\n').at(-1) ?? ''
    expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(`policy test policies-example   # ${sum}\n`)
  })

  it('--coverage tells the lines that cases and test rules reach, --lcov writes them', async () => {
    const folder = await folderOf({
      'lib/most.rego': 'package lib.most\n\nof(kind) := data.most[kind]\n\nunused := 1\n',
      'shop/price/1.0/policy.rego': `package shop.price

import data.lib.most

allow if input.sum < most.of(input.kind)

rate := http.send({"method": "get", "url": "http://rates/"}).body

late if time.now_ns() > 1000

tenant := get_header("X-Tenant")

greeting := "hello" if tenant == "one"

greeting := "bye" if tenant == "two"

two := x if {
	some x in input.two
}

	denied if {
		input.never
		input.sum > 5
	}
`,
      'shop/price/1.0/data.json': '{"most":{"a":10}}',
      'shop/price/1.0/policy.tests.yaml': `cases:
  - name: a
    input: { sum: 50, kind: b }
    data: { most.b: 100 }
    headers: { x-tenant: one }
    now: 5000
    mocks: { http.send: [{ args: [{ url: 'http://rates/' }], result: { body: 7 } }] }
    expect: { exact: { allow: true, rate: 7, late: true, tenant: one, greeting: hello } }
  - name: fails on purpose
    input: { two: [1, 2] }
    mocks: { http.send: [{ error: unreachable }] }
    expect: { error: evaluation_error }
`,
      'shop/price/1.0/policy_test.rego': `package shop.price_test

test_bye if data.shop.price.greeting == "bye" with get_header as header

header(_) := "two"
`,
    })
    const { code, stdout } = await runEdict(['policy', 'test', '--coverage', '--lcov', 'out.info'], quiet, folder)
    expect([code, stdout]).toEqual([
      0,
      `shop/price/1.0  3 passed, 0 failed
3 passed, 0 failed

lib/most.rego                50.0%  not reached: 5
shop/price/1.0/policy.rego   72.7%  not reached: 21-23
all                          69.2%
`,
    ])
    const info = await readFile(join(folder, 'out.info'), 'utf8')
    expect(info).toContain('SF:lib/most.rego\nDA:3,1\nDA:5,0\nLF:2\nLH:1\nend_of_record\n')
  })

  it('--update writes what came, and leaves everything else as it is', async () => {
    const folder = await folderOf({ ...good, 'shop/price/1.0/data.json': '{"most":100}' })
    const updated = await runEdict(['policy', 'test', '--update'], quiet, folder)
    expect(updated).toMatchObject({ code: 0, stderr: 'updated shop/price/1.0/policy.tests.yaml\n' })
    const before = good['shop/price/1.0/policy.tests.yaml'] ?? ''
    expect(await readFile(join(folder, 'shop/price/1.0/policy.tests.yaml'), 'utf8')).toBe(
      before.replace('path: { allow: false }', 'path: { allow: true }'),
    )
  })
})

describe('edict policy new, fmt, eval and bench', () => {
  it('a new policy is valid, formatted, and its tests pass', async () => {
    const folder = await temporaryFolder()
    const made = await runEdict(['policy', 'new', 'shop/gift-card/1.0'], quiet, folder)
    expect([made.code, made.stdout]).toEqual([
      0,
      'shop/gift-card/1.0/policy.rego\nshop/gift-card/1.0/policy.tests.yaml\n',
    ])
    expect(await runEdict(['policy', 'test'], quiet, folder)).toMatchObject({
      code: 0,
      stdout: 'shop/gift-card/1.0  3 passed, 0 failed\n3 passed, 0 failed\n',
    })
    expect(await runEdict(['policy', 'fmt', '--check'], quiet, folder)).toMatchObject({ code: 0, stdout: '' })
    const again = await runEdict(['policy', 'new', 'shop/gift-card/1.0'], quiet, folder)
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') })
    const bad = await runEdict(['policy', 'new', 'system/x/1.0'], quiet, folder)
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('reserved word') })
  })

  it('eval answers as a server would, and exits with 1 when it would fail', async () => {
    const folder = await folderOf({
      ...good,
      'a/b/1/policy.rego': 'package a.b\n\nh := get_header("X-A")\n\nn := input.n\n\nx := v if some v in input.v\n',
      'in.json': '{"n":1.00,"v":[1]}',
      'bad.json': '{"v":[1,2]}',
    })
    const evaluated = await runEdict(
      ['policy', 'eval', 'a/b/1', '--input', 'in.json', '-H', 'x-a: one', '--cost'],
      quiet,
      folder,
    )
    expect(evaluated).toEqual({
      code: 0,
      stdout: '{"h":"one","n":1.00,"x":1}\n',
      stderr: expect.stringMatching(/^\d+ units\n$/),
    })
    const failed = await runEdict(['policy', 'eval', 'a/b/1', '--input', 'bad.json'], quiet, folder)
    expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('evaluation_error') })
    const unknown = await runEdict(['policy', 'eval', 'a/c/1'], quiet, folder)
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no policy a/c/1') })
  })

  it('fmt formats v1 and v0 as they are, and tells what cannot be parsed', async () => {
    const folder = await folderOf({
      'a/b/1/policy.rego': 'package a.b\nallow   if  true\n',
      'a/c/1/policy.rego': 'package a.c\nallow {   true }\n',
      'a/d/1/policy.rego': 'package a.d {\n',
    })
    const check = await runEdict(['policy', 'fmt', '--check'], quiet, folder)
    expect([check.code, check.stdout]).toEqual([
      1,
      expect.stringContaining('a/d/1/policy.rego:2:1: error rego_parse_error'),
    ])
    await runEdict(['policy', 'fmt'], quiet, folder)
    expect(await readFile(join(folder, 'a/b/1/policy.rego'), 'utf8')).toBe('package a.b\n\nallow := true\n')
    expect(await readFile(join(folder, 'a/c/1/policy.rego'), 'utf8')).toBe('package a.c\n\nallow = true\n')
  })

  it('bench tells units and microseconds of each case', async () => {
    const { stdout } = await runEdict(['policy', 'bench', '--json'], quiet, await folderOf(good))
    expect(JSON.parse(stdout)).toMatchObject([
      { policy: 'shop/price/1.0', test: 'a small sum', cost: expect.any(Number), microseconds: expect.any(Number) },
      { test: 'a large sum' },
    ])
  })
})
