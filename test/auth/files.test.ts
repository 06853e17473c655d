import { describe, expect, it } from 'vitest'
import { parseRulesFile } from '../../src/auth/rules-file.ts'
import { parseAuthzTests } from '../../src/auth/tests-file.ts'

type Parsed = object | { readonly findings: readonly { line?: number; column?: number; message: string }[] }

const placed = (parsed: Parsed): readonly string[] =>
  'findings' in parsed ? parsed.findings.map(({ line, column, message }) => `${line}:${column} ${message}`) : []

describe('what is wrong with authz.yaml is told with its line and column', () => {
  const rule = (text: string): string => `rules:\n  - id: one\n    roles: [x]\n${text}`

  it.each([
    ['no scope', '    actions: [lock]\n', '2:5 rules.0: lock needs a scope'],
    ['no target_scope', '    actions: [apply]\n', '2:5 rules.0: apply needs a target_scope'],
    [
      'the wrong kind',
      '    actions: [apply]\n    scope: any\n',
      '5:12 rules.0.scope: apply takes a target_scope, not a scope',
    ],
    [
      'both kinds',
      '    actions: [lock]\n    scope: any\n    target_scope: any\n',
      '2:5 rules.0: has both scope and target_scope',
    ],
    [
      'actions of two kinds',
      '    actions: [lock, apply]\n    scope: any\n',
      '4:14 rules.0.actions: has actions of different kinds, which need rules of their own: lock (scope); apply (target_scope)',
    ],
    ['a scope for admin', '    actions: [admin]\n    scope: any\n', '5:12 rules.0.scope: admin takes no scope'],
    [
      'a word that is no scope',
      '    actions: [lock]\n    scope: all\n',
      '5:12 rules.0.scope: is any, protected, unprotected, or { is, patterns, own_groups }',
    ],
    [
      'a pattern that is none',
      '    actions: [lock]\n    scope: { patterns: ["a/**", "/b"] }\n',
      '5:33 rules.0.scope.patterns.1: is not a pattern such as gaiax/**, rbac/core or roles',
    ],
    ['an unknown key', '    actions: [admin]\n    scopes: any\n', '5:5 rules.0: "scopes" is not known here'],
    ['an alias for nothing', '    actions: *a\n', '4:14 Unresolved alias (the anchor must be set before the alias): a'],
  ])('%s', (_, text, finding) => {
    expect(placed(parseRulesFile(rule(text), 'authz.yaml'))).toEqual([finding])
  })

  it('all of it at once', () => {
    const text = 'rules:\n  - { id: a b, actions: [lock], scope: any }\n  - { id: c, roles: x, actions: [fly] }\n'
    expect(placed(parseRulesFile(text, 'authz.yaml'))).toEqual([
      '2:11 rules.0.id: is not an id: letters, digits and . _ -',
      '2:5 rules.0: names nobody: give actors, roles or groups',
      '3:21 rules.1.roles: Invalid input: expected array, received string',
      expect.stringContaining('3:34 rules.1.actions.0: Invalid option'),
    ])
  })

  it('an empty file has no rules', () => {
    expect(placed(parseRulesFile('', 'authz.yaml'))).toEqual([
      '1:1 rules: Invalid input: expected array, received undefined',
    ])
  })

  it('aliases that grow without end are a finding', () => {
    const grow = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`)
    const text = `a0: &a0 [x]\n${grow.join('\n')}\n`
    expect(placed(parseRulesFile(text, 'authz.yaml'))).not.toEqual([])
  })
})

describe('what is wrong with authz.tests.yaml is told with its line and column', () => {
  const head = 'cases:\n  - name: one\n    actor: ann\n    action: lock\n'

  it.each([
    ['nothing expected', '', '2:5 cases.0.expect: Invalid input: expected object, received undefined'],
    [
      'a decision that is none',
      '    expect: yes\n',
      '5:13 cases.0.expect.decision: Invalid option: expected one of "allow"|"deny"',
    ],
    [
      'a rule without a decision',
      '    expect: { rule: x }\n',
      '5:13 cases.0.expect.decision: Invalid option: expected one of "allow"|"deny"',
    ],
    [
      'a resource of two kinds',
      '    resource: { policy: a/b/1, module: c }\n    expect: deny\n',
      '5:15 cases.0.resource: is one of policy, group, module, rule, source, plan, token, audit, and has policy and module',
    ],
    [
      'roles of a policy',
      '    resource: { policy: a/b/1, roles: [x] }\n    expect: deny\n',
      '5:15 cases.0.resource: roles and groups are what a token gives: they go with token',
    ],
    ['an unknown key', '    expect: deny\n    wants: x\n', '6:5 cases.0: "wants" is not known here'],
    [
      'a resource and resources',
      '    resource: { policy: a/b/1 }\n    resources: [{ policy: a/b/1 }]\n    expect: deny\n',
      '2:5 cases.0: has both resource and resources',
    ],
    [
      'a name that stands twice',
      '    expect: deny\n  - { name: one, actor: bob, action: lock, expect: deny }\n',
      '6:13 cases.1.name: the name "one" stands twice',
    ],
  ])('%s', (_, text, finding) => {
    expect(placed(parseAuthzTests(`${head}${text}`, 'authz.tests.yaml'))).toEqual([finding])
  })

  it('a file without cases', () => {
    expect(placed(parseAuthzTests('cases: []\n', 'authz.tests.yaml'))).toHaveLength(1)
  })
})
