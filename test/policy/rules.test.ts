import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { renderRules } from '../../src/policy/generate.ts'
import { shipped } from '../../src/policy/rbac.ts'
import { moduleIdProblem, ruleKeySchema, ruleTable } from '../../src/policy/rules.ts'
import { opaPath } from '../setup/opa.ts'

interface Row {
  readonly service_name: string
  readonly resource_type: string
  readonly role: string
  readonly action: string
  readonly is_active: boolean
}

const hostile = [
  'a"b',
  '"} allow := true #',
  '{}',
  'line\nbreak',
  'car\rriage',
  '%s%d%',
  '\\u0041\\',
  '`raw`',
  '__proto__',
  'constructor',
  '\u0000',
  '\u2028\u2029',
  '\ufeff',
  '\u202eright',
  '𝔘ü',
  '1',
  'true',
  'tab\t',
  ' ',
  '\u00a0',
]

const folder = mkdtempSync(join(tmpdir(), 'edict-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

const opa = (args: readonly string[]): string =>
  execFileSync(opaPath(), [...args], {
    cwd: folder,
    env: { GOMEMLIMIT: '512MiB' },
    timeout: 60_000,
    maxBuffer: 1e8,
  }).toString()

const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}

const text = (path: string): string => shipped.files.find((file) => file.path === path)?.text ?? ''

/** Every input's decision, in one run of opa. */
const decide = (files: Readonly<Record<string, string>>, inputs: readonly unknown[]): unknown => {
  const names = Object.entries(files).map(([name, content]) => put(name, content))
  const query = '[allowed | some one in input; allowed := data.rbac.allow with input as one]'
  const flags = [...names.flatMap((name) => ['--data', name]), '--input', put('input.json', JSON.stringify(inputs))]
  const printed = JSON.parse(opa(['eval', '--format', 'json', ...flags, query])) as {
    result: [{ expressions: [{ value: unknown }] }]
  }
  return printed.result[0].expressions[0].value
}

const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >>> 8) % below
  }
}

const sample = (next: (below: number) => number, count: number, names: readonly string[]): readonly Row[] => {
  const one = (): string => names[next(names.length)] ?? ''
  const rows = Array.from({ length: count }, () => ({
    service_name: `s${next(4)}`,
    resource_type: one(),
    role: one(),
    action: one(),
    is_active: next(4) > 0,
  }))
  return rows
}

const inputsFor = (rows: readonly Row[], next: (below: number) => number, names: readonly string[]): unknown[] => {
  const odd: readonly unknown[] = [null, 1, true, ['x'], { a: 1 }]
  const one = (): unknown => (next(12) === 0 ? odd[next(odd.length)] : names[next(names.length)])
  const near = (): Row | undefined => rows[next(rows.length)]
  return Array.from({ length: 400 }, () => {
    const rule = near()
    const pick = (wanted: string | undefined): unknown => (next(5) === 0 ? one() : wanted)
    return {
      user: {
        status: next(10) === 0 ? 'away' : 'active',
        assignments: Array.from({ length: next(3) + 1 }, () => ({
          role: next(8) === 0 ? 'superadmin' : pick(rule?.role),
          resource_type: next(8) === 0 ? 'organisation' : 'project',
          resource_id: next(4) === 0 ? 'p2' : 'p1',
        })),
      },
      action: pick(rule?.action),
      resource: { type: pick(rule?.resource_type), project_id: 'p1' },
    }
  })
}

const rendered = (rows: readonly Row[]): Record<string, string> => {
  const services = [...new Set(rows.map(({ service_name }) => service_name))]
  const modules = services.map((service, index) => {
    const own = rows.filter(({ service_name }) => service_name === service)
    return [`service${index}.rego`, renderRules(own)] as const
  })
  return Object.fromEntries([['core.rego', text('rbac/core.rego')], ...modules])
}

const tabled = (rows: readonly Row[]): Record<string, string> => ({
  'core.rego': text('rbac/core.rego'),
  'table.rego': text('edict/rules.rego'),
  'table.json': `{"edict":{"rules":${ruleTable(rows)}}}`,
})

describe('rules as data', () => {
  it.each([1, 2, 3])('the table and its readable rendering decide the same on random inputs (seed %i)', (seed) => {
    const next = random(seed * 7919)
    const names = seed === 1 ? ['read', 'write', 'workflow', 'admin'] : hostile
    const rows = sample(next, seed === 3 ? 200 : 30, names)
    const inputs = inputsFor(rows, next, names)
    // The rendering as stock OPA is given it: the functions may all be missing there, so each module is whole.
    const byRendering = decide(rendered([...rows, sure]), inputs)
    const byTable = decide(tabled([...rows, sure]), inputs)
    expect(byTable).toEqual(byRendering)
    expect(new Set(byTable as boolean[])).toEqual(new Set([true, false]))
  })

  const sure: Row = { service_name: 's9', resource_type: 'sure', role: 'sure', action: 'sure', is_active: true }

  it('no string of a rule becomes code, and the rendering is as opa fmt leaves it', () => {
    const rows = hostile.flatMap((name) => [
      { service_name: 's', resource_type: name, role: name, action: name, is_active: true },
      ...hostile.map((action) => ({ service_name: 's', resource_type: 'all', role: name, action, is_active: true })),
    ])
    const rego = renderRules(rows)
    expect(opa(['fmt', put('rendered.rego', rego)])).toBe(rego)
    const ast = JSON.parse(opa(['parse', '--format', 'json', put('rendered.rego', rego)])) as { rules: unknown[] }
    expect(ast.rules).toHaveLength(hostile.length * 3 + 1)
    expect(ruleTable(rows)).toBe(ruleTable(rows.toReversed()))
    expect(Object.keys(JSON.parse(ruleTable(rows)) as object)).toHaveLength(hostile.length + 1)
  })

  it('only active rules are in the table and in the rendering', () => {
    const row = { service_name: 's', resource_type: 't', role: 'r', action: 'a', is_active: false }
    expect(ruleTable([row])).toBe('{}')
    expect(renderRules([row])).toBe('package rbac\n')
    expect(ruleTable([row, { ...row, is_active: true }])).toBe('{"t":{"r":{"a":true}}}')
  })

  it('the shipped modules are formatted, and compile without a table, a service or each other', () => {
    for (const { path, text: rego } of shipped.files) expect(opa(['fmt', put(path.replace('/', '-'), rego)])).toBe(rego)
    const alone = { 'core.rego': text('rbac/core.rego'), 'table.rego': text('edict/rules.rego') }
    const input = { user: { status: 'active', assignments: [{ role: 'superadmin', resource_type: 'project' }] } }
    expect(decide(alone, [input, {}])).toEqual([false, false])
  })

  it('a superadmin, too, needs an assignment that matches', () => {
    const rows = [{ service_name: 's', resource_type: 'workflow', role: 'editor', action: 'edit', is_active: true }]
    const asked = (resource_id: string) => ({
      user: { status: 'active', assignments: [{ role: 'superadmin', resource_type: 'project', resource_id }] },
      action: 'anything',
      resource: { type: 'workflow', project_id: 'p1' },
    })
    expect(decide(tabled(rows), [asked('p1'), asked('p2')])).toEqual([true, false])
  })

  it('a service is named as a module can be, everything else is any text', () => {
    const rule = { service_name: 'workflow_engine', resource_type: 'w"\n', role: '%', action: '{}' }
    expect(ruleKeySchema.parse(rule)).toEqual(rule)
    for (const service_name of ['', 'a/b', '../x', 'a b', 'a"b', 'a\nb', '.hidden', 'x_test', 'policy'])
      expect(ruleKeySchema.safeParse({ ...rule, service_name }).success, service_name).toBe(false)
    expect(ruleKeySchema.safeParse({ ...rule, role: '' }).success).toBe(false)
    expect(ruleKeySchema.safeParse({ ...rule, role: '\ud800' }).success).toBe(false)
    expect(moduleIdProblem('rbac/custom_rules')).toBeUndefined()
    expect(moduleIdProblem('edict/entry')).toBeDefined()
  })
})
