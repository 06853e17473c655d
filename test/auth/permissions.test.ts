/** permissions.yaml against every route: what the table says of each kind of caller is what they are answered. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createGate } from '../../src/auth/gate.ts'
import type { Rule } from '../../src/policy/rules.ts'
import { change, createFixture, type Fixture, meta, throughApp } from '../http/fixture.ts'
import { callers, tableSchema, type Answers } from './permissions.ts'

const table = tableSchema.parse(parse(readFileSync('test/auth/permissions.yaml', 'utf8')))

const authz = createAuthz({ rules: defaultRules, protectedKeys: [] })

const rule: Rule = {
  ...{ _id: 'rule-1', service_name: 'payments', resource_type: 'card', role: 'clerk', action: 'read', is_active: true },
  ...{ created_at: new Date(0), created_by: 'ann', updated_at: new Date(0), updated_by: 'ann', revision: 1 },
}

const open = (): Fixture => {
  const enforce = createGate({ authz: () => authz, mode: () => 'required' })
  const resolveActor = async ({ authorization = '' }: { authorization: string | undefined }) =>
    callers.get(authorization) ?? null
  const identity = { mode: () => 'required' as const, resolveActor }
  const fixture = createFixture({ loopbackOnly: false, enforce, identity })
  const key = 'payments/pay/1.0'
  fixture.registry.swap(change({ policies: [meta(key), meta('shop/cart/1.0')], complete: true }))
  fixture.held.rules.push(rule)
  // Streams of events end at once.
  fixture.held.stop.abort()
  return fixture
}

const routes = [
  ...new Set(
    open()
      .app.routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
]

const addressOf = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? 'x').replace(/\*$/, values['*'] ?? 'x')

it('says something of every route, and of no other', () => {
  expect(Object.keys(table.routes).sort()).toEqual(routes.sort())
})

describe.each(Object.entries(table.routes))('%s', (route, { body, may, id, query }) => {
  it.each([...callers.keys()])('%s', async (name) => {
    const [method = '', path = ''] = route.split(' ')
    const init = {
      method,
      headers: { authorization: name },
      ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
    }
    const { status, text } = await throughApp(open())(`${addressOf(path, { ...table.values, id })}?${query}`, init)
    const denied = status === 401 || (status === 403 && !text.includes('not_locked'))
    expect([route, name, denied ? `no (${status})` : 'yes']).toEqual([route, name, expected(may, name)])
  })
})

const expected = (may: Answers, name: string): string => {
  if (may[name as keyof Answers] === 'yes') return 'yes'
  return name === 'anonymous' ? 'no (401)' : 'no (403)'
}
