/** `authz.yaml` and `authz.tests.yaml` on the command line: tested and validated without a server. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newDatabase, runEdict, temporaryFolder } from './edict.ts'

const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'docs/examples/authorization')
const quiet = { LOG_LEVEL: 'silent' }

const copy = async (): Promise<string> => {
  const folder = await temporaryFolder()
  await cp(example, folder, { recursive: true })
  return folder
}

const edit = async (folder: string, file: string, from: string, to: string): Promise<void> => {
  const text = await readFile(join(folder, file), 'utf8')
  expect(text).toContain(from)
  await writeFile(join(folder, file), text.replace(from, to))
}

describe('the example of the documentation', () => {
  it('stands there as it is', async () => {
    const page = await readFile(join(root, 'docs/authorization.md'), 'utf8')
    for (const file of ['edict.yaml', 'authz.yaml', 'authz.tests.yaml'])
      expect(page).toContain(`\`\`\`yaml\n${await readFile(join(example, file), 'utf8')}\`\`\`\n`)
  })

  it('passes its tests, run in its folder, from elsewhere, and alone', async () => {
    const passed = { code: 0, stdout: 'authz.tests.yaml  8 passed, 0 failed\n8 passed, 0 failed\n', stderr: '' }
    expect(await runEdict(['policy', 'test'], quiet, example)).toEqual(passed)
    expect(await runEdict(['policy', 'test', 'docs/examples/authorization'], quiet, root)).toEqual(passed)
    const alone = ['policy', 'test', 'docs/examples/authorization/authz.tests.yaml']
    expect(await runEdict(alone, quiet, root)).toEqual(passed)
  })

  it('of a directory that is looked at from elsewhere, nothing but who may do what is taken', async () => {
    const folder = await copy()
    await mkdir(join(folder, 'code'))
    await writeFile(join(folder, 'code/own.js'), "process.stdout.write('it runs')\n")
    await writeFile(
      join(folder, 'edict.yaml'),
      `${await readFile(join(folder, 'edict.yaml'), 'utf8')}extensions: ./code\n`,
    )
    const { code, stdout } = await runEdict(['policy', 'test', folder], quiet, root)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^authz\.tests\.yaml {2}8 passed, 0 failed$/m)])
    expect(stdout).not.toContain('it runs')
  })

  it('counts its actors and rules', async () => {
    expect(await runEdict(['policy', 'validate'], quiet, example)).toMatchObject({
      code: 0,
      stdout: '0 policies, 0 shared modules, 0 rules, 4 actors, 6 authorization rules: 0 errors, 0 warnings\n',
    })
  })
})

describe('a case that is decided otherwise', () => {
  let folder: string

  beforeAll(async () => {
    folder = await copy()
    await edit(folder, 'authz.yaml', 'actions: [change, lock, unlock]', 'actions: [change]')
    await edit(folder, 'authz.tests.yaml', 'rule: everybody-reads', 'rule: platform')
    await mkdir(join(folder, 'policies/a/b/1'), { recursive: true })
    await writeFile(join(folder, 'policies/a/b/1/policy.rego'), 'package a.b\n\nallow := true\n')
    const cases = 'cases:\n  - name: it allows\n    expect: { exact: { allow: true } }\n'
    await writeFile(join(folder, 'policies/a/b/1/policy.tests.yaml'), cases)
  })

  it('is shown beside the tests of policies, with the rule and where it stands, and exits with 1', async () => {
    expect(await runEdict(['policy', 'test', 'policies'], quiet, folder)).toEqual({
      code: 1,
      stdout: `a/b/1                1 passed, 0 failed
../authz.tests.yaml  6 passed, 2 failed
  FAILED  payments locks its own (authz.tests.yaml:3:5)
    at decision: expected allow, got deny by edict:default: no rule gives this actor that action
    at rule: expected payments (authz.yaml:10:5), got edict:default: no rule gives this actor that action
  FAILED  a role of the identity provider reads (authz.tests.yaml:27:5)
    at rule: expected platform (authz.yaml:7:5), got everybody-reads (authz.yaml:6:5)
7 passed, 2 failed
`,
      stderr: '',
    })
  })

  it('is written as JUnit XML, as JSON, and left out by --filter', async () => {
    await runEdict(['policy', 'test', 'policies', '--junit', 'out.xml'], quiet, folder)
    const xml = await readFile(join(folder, 'out.xml'), 'utf8')
    expect(xml).toContain('<testsuite name="../authz.tests.yaml" tests="8" failures="2" skipped="0">')
    expect(xml).toContain('file="authz.tests.yaml" line="27"><failure message="at rule: expected platform')
    const json = await runEdict(['policy', 'test', 'policies', '--json', '--filter', 'reads'], quiet, folder)
    expect(JSON.parse(json.stdout)).toMatchObject({
      counts: { passed: 0, failed: 1 },
      reports: [{ key: '../authz.tests.yaml', results: [{ status: 'failed', line: 27 }] }],
    })
    expect((await runEdict(['policy', 'test', 'policies', '--filter', 'dit log'], quiet, folder)).code).toBe(0)
  })
})

describe('a file that is not valid', () => {
  let folder: string

  beforeAll(async () => {
    folder = await copy()
    await edit(folder, 'authz.yaml', 'actions: [apply, source]', 'actions: [lock]')
    await edit(folder, 'authz.tests.yaml', 'actor: bob', 'actors: bob')
  })

  it('is shown by validate with line, column and caret, and exits with 1', async () => {
    const { code, stdout } = await runEdict(['policy', 'validate'], quiet, folder)
    expect(code).toBe(1)
    expect(stdout)
      .toContain(`authz.yaml:17:19: error authz_invalid: rules.5.target_scope: lock takes a scope, not a target_scope
  17 |     target_scope: { is: unprotected, patterns: ['payments/**', 'payments-policies'] }
     |                   ^`)
    expect(stdout).toContain(`authz.tests.yaml:4:5: error authz_tests_invalid: cases.0: "actors" is not known here
  4 |     actors: bob
    |     ^`)
    expect(stdout).toContain('0 actors: 3 errors, 0 warnings\n')
    const github = await runEdict(['policy', 'validate', '--format', 'github'], quiet, folder)
    expect(github.stdout).toContain('::error file=authz.yaml,line=17,col=19,title=authz_invalid::')
  })

  it('is shown by test, which exits with 1', async () => {
    const { code, stdout } = await runEdict(['policy', 'test'], quiet, folder)
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^0 passed, 0 failed; 3 errors$/m)])
  })

  it('keeps a server from starting, whichever of the two it is', async () => {
    const env = { ...quiet, ...newDatabase(), PORT: '0' }
    const rules = await runEdict(['serve', '--no-sync'], env, folder)
    expect([rules.code, rules.stderr]).toEqual([2, expect.stringMatching(/authz\.yaml:17:19: authz_invalid/)])
    await edit(folder, 'authz.yaml', 'actions: [lock]', 'actions: [apply, source]')
    const tests = await runEdict(['serve', '--no-sync'], env, folder)
    expect([tests.code, tests.stderr]).toEqual([
      2,
      expect.stringMatching(/authz\.tests\.yaml:4:5: authz_tests_invalid/),
    ])
    expect(tests.stderr).toContain('The tests of the rules are not valid')
  })

  it('or is not there at all, which is told, too', async () => {
    const env = { ...quiet, EDICT_POLICY_TESTS: 'nowhere.yaml' }
    const { code, stdout } = await runEdict(['policy', 'test'], env, folder)
    expect([code, stdout]).toEqual([1, expect.stringContaining('nowhere.yaml: error authz_unreadable: cannot be read')])
  })
})
