import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, newDatabase, startEdict, temporaryFolder, type Reply } from './edict.ts'
import { startOpa } from './opa-server.ts'

const files = {
  'shop/price/1.0/policy.rego': 'package shop.price\n\nx := 1\n',
  'shop/price/1.0/data.json': '{"a": 1.0}',
  'shop/price/1.0/data-config.json': '{"url": "x"}',
  'shop/Prices/2.0/policy.rego': 'package shop.Prices\n\nx := 2\n',
  'lib/money.rego': 'package lib.money\n\ntaxed(x) := x * 2\n',
}

let edict = ''
let opa = ''

beforeAll(async () => {
  const folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const [server, url] = await Promise.all([
    startEdict({ ...newDatabase(), EDICT_DIRECTORY: folder, EDICT_SOURCE: 'main', EDICT_API: 'true' }),
    startOpa(),
  ])
  edict = server.url
  opa = url
})

const put = (body: string) => ({ method: 'PUT', body, headers: { 'content-type': 'text/plain' } })

interface OpaFailure {
  readonly code: string
  readonly message: string
  readonly errors?: readonly { readonly code: string; readonly location?: { readonly row: number } }[]
}

/** What a client looks at. */
const told = ({ status, json }: Reply): unknown => {
  if (status < 400) return { status, json }
  const { code, message, errors } = json as OpaFailure
  return { status, code, message, errors: errors?.map((error) => [error.code, error.location?.row]) }
}

const both = async (path: string, init?: RequestInit): Promise<readonly [unknown, unknown]> => {
  const [ours, theirs] = await Promise.all([call(edict + path, init), call(opa + path, init)])
  return [told(ours), told(theirs)]
}

describe('a module that is put', () => {
  it('is in force with the answer, as in opa', async () => {
    for (const value of [1, 2]) {
      const [ours, theirs] = await both('/v1/policies/extra/rules', put(`package extra\n\nx := ${value}\n`))
      expect(ours).toEqual(theirs)
      const [decided, expected] = await both('/v1/data/extra/x')
      expect(decided).toEqual(expected)
    }
  })

  it('with the slashes of its id encoded is the same module', async () => {
    expect((await call(`${edict}/v1/policies/extra%2Frules`)).json).toEqual({
      result: { id: 'extra/rules', raw: 'package extra\n\nx := 2\n' },
    })
  })

  it('that does not parse is refused with its place, and what was in force stays', async () => {
    const [ours, theirs] = await both('/v1/policies/extra/rules', put('package extra\n\nx := {\n'))
    expect(ours).toMatchObject({ status: 400, code: 'invalid_parameter' })
    expect((ours as { errors: unknown[] }).errors[0]).toEqual((theirs as { errors: unknown[] }).errors[0])
    expect((await call(`${edict}/v1/data/extra/x`)).json).toEqual({ result: 2 })
  })

  it('that calls what is not there is refused as opa refuses it', async () => {
    const [ours, theirs] = await both('/v1/policies/extra/more', put('package extra\n\ny := data.extra.nope(1)\n'))
    expect(ours).toEqual(theirs)
  })

  it('is owned by somebody else when a source declares it', async () => {
    expect(told(await call(`${edict}/v1/policies/lib/money`, put('package lib.money\n')))).toMatchObject({
      status: 409,
      code: 'resource_conflict',
    })
  })
})

describe('reading', () => {
  it('an unknown module is not found, in opa’s words', async () => {
    const [ours, theirs] = await both('/v1/policies/no/such')
    expect(ours).toEqual(theirs)
  })

  it('the list serves clients of opa and of the Go policy service', async () => {
    const { json } = await call(`${edict}/v1/policies`)
    const { result, policies } = json as { result: { id: string; raw: string }[]; policies: object[] }
    expect(result.map(({ id }) => id)).toEqual(expect.arrayContaining(['extra/rules', 'lib/money', 'rbac/core']))
    expect(result.find(({ id }) => id === 'lib/money')?.raw).toBe(files['lib/money.rego'])
    const known = { repository: 'main', group: 'shop', locked: false, lastUpdate: expect.any(Number) }
    expect(policies).toEqual([
      { ...known, policyName: 'Prices', version: '2.0' },
      { ...known, policyName: 'price', version: '1.0' },
    ])
  })

  it('filters by name and lock, and shows texts when asked', async () => {
    const names = async (query: string) => {
      const { json } = await call(`${edict}/v1/policies?${query}`)
      return (json as { policies: { policyName: string }[] }).policies.map(({ policyName }) => policyName)
    }
    expect(await names('policyName=PRICE')).toEqual(['Prices', 'price'])
    expect(await names('policyName=s$')).toEqual(['Prices'])
    expect(await names('locked=&policyName=')).toHaveLength(2)
    await call(`${edict}/policy/shop/price/1.0/lock`, { method: 'POST' })
    expect(await names('locked=true')).toEqual(['price'])
    expect(await names('locked=0')).toEqual(['Prices'])
    await call(`${edict}/policy/shop/price/1.0/lock`, { method: 'DELETE' })
    const { json } = await call(`${edict}/v1/policies?policyName=price$&rego=true&data=true&dataConfig=1`)
    expect((json as { policies: object[] }).policies).toMatchObject([
      { rego: files['shop/price/1.0/policy.rego'], data: '{"a": 1.0}', dataConfig: '{"url": "x"}' },
    ])
    expect(await call(`${edict}/v1/policies?locked=maybe`)).toMatchObject({
      status: 400,
      json: { message: 'invalid value "maybe" for "locked", must be a boolean' },
    })
    expect((await call(`${edict}/v1/policies?policyName=[`)).status).toBe(400)
  })
})

describe('deleting', () => {
  it('takes the module out of force, and once only', async () => {
    const [ours, theirs] = await both('/v1/policies/extra/rules', { method: 'DELETE' })
    expect(ours).toEqual(theirs)
    const [gone, goneThere] = await both('/v1/data/extra/x')
    expect(gone).toEqual(goneThere)
    const [again, againThere] = await both('/v1/policies/extra/rules', { method: 'DELETE' })
    expect(again).toEqual(againThere)
  })
})
