import { describe, expect, it } from 'vitest'
import { place } from '../../src/policy/layout.ts'

function show(paths: readonly string[]): Record<string, string> {
  const shown = [...place(paths)].map(([path, what]) => {
    if (what.kind === 'policy') return [path, `${what.policy.key} ${what.role}`]
    if (what.kind === 'refused') return [path, what.code]
    return [path, 'id' in what ? `${what.kind} ${what.id}` : what.kind]
  })
  return Object.fromEntries(shown) as Record<string, string>
}

describe('what a path of a source is', () => {
  it('is told by the folder that holds policy.rego, three deep', () => {
    const expected = {
      'gaiax/my-name/1.0/policy.rego': 'gaiax/my-name/1.0 policy',
      'gaiax/my-name/1.0/helpers.rego': 'gaiax/my-name/1.0 rego',
      'gaiax/my-name/1.0/policy_test.rego': 'gaiax/my-name/1.0 test',
      'gaiax/my-name/1.0/data.json': 'gaiax/my-name/1.0 data',
      'gaiax/my-name/1.0/policy.tests.yaml': 'gaiax/my-name/1.0 tests',
      'gaiax/my-name/1.0/output-schema.json': 'gaiax/my-name/1.0 output-schema',
      'gaiax/my-name/1.0/data-config.json': 'gaiax/my-name/1.0 data-config',
      'gaiax/my-name/1.0/export-config.json': 'gaiax/my-name/1.0 export-config',
      'gaiax/my-name/1.0/README.md': 'ignored',
      'gaiax/my-name/1.0/.hidden.rego': 'ignored',
      'gaiax/my-name/1.0/sub/x.rego': 'wrong_depth',
      'gaiax/my-name/1.0/sub/notes.json': 'ignored',
      'rbac/core.rego': 'module rbac/core',
      'rbac/core_test.rego': 'module-test rbac/core_test',
      'rbac/roles/data.json': 'data rbac/roles',
      'data.json': 'data ',
      'a/b/c/lib.rego': 'module a/b/c/lib',
      'README.md': 'ignored',
      '.github/x.rego': 'ignored',
    }
    expect(show(Object.keys(expected))).toEqual(expected)
  })

  it('refuses policy.rego at another depth and leaves what stands beside it alone', () => {
    const expected = {
      'policy.rego': 'wrong_depth',
      'solo/1.0/policy.rego': 'wrong_depth',
      'solo/1.0/data.json': 'ignored',
      'deep/a/b/c/policy.rego': 'wrong_depth',
    }
    expect(show(Object.keys(expected))).toEqual(expected)
  })

  it.each([
    ['my-group/n/1.0', 'bad_group'],
    ['1g/n/1.0', 'bad_group'],
    ['system/n/1.0', 'bad_group'],
    ['edict/n/1.0', 'bad_group'],
    ['input/n/1.0', 'bad_group'],
    ['data/n/1.0', 'bad_group'],
    ['package/n/1.0', 'bad_group'],
    ['grüppe/n/1.0', 'bad_group'],
    ['g/-n/1.0', 'bad_name'],
    ['g/n.x/1.0', 'bad_name'],
    ['g/n x/1.0', 'bad_name'],
    ['g/n/.1', 'bad_version'],
    ['g/n/1 0', 'bad_version'],
    ['g/n/lock', 'bad_version'],
    ['g/n/evaluation', 'bad_version'],
    ['g/n/evaluations', 'bad_version'],
    ['g/n/did.json', 'bad_version'],
  ])('refuses the policy folder %s as %s, once', (folder, code) => {
    expect(show([`${folder}/policy.rego`, `${folder}/data.json`])).toEqual({
      [`${folder}/policy.rego`]: code,
      [`${folder}/data.json`]: 'ignored',
    })
  })

  it.each(['g/Name_2/1.0-rc.1', '_g/0-n/v1', 'g/__proto__/1.0', 'g/constructor/1'])('takes %s', (folder) => {
    expect(show([`${folder}/policy.rego`])[`${folder}/policy.rego`]).toBe(`${folder} policy`)
  })

  it.each([
    '../x.rego',
    'a/../b.rego',
    'a/./b.rego',
    '/a.rego',
    'a//b.rego',
    'a\\b.rego',
    'a/\u0007.rego',
    'a/b\n.rego',
    '',
    'a/\u0085.rego',
  ])('refuses the path %j', (path) => {
    expect(show([path])[path]).toBe('bad_path')
  })

  it.each(['a b.rego', 'lib/ü.rego', 'lib/-x.rego', 'edict/entry.rego', 'we ird/data.json'])(
    'refuses the name of %j',
    (path) => {
      expect(show([path])[path]).toBe('bad_name')
    },
  )
})
