import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadPolicy } from '@open-policy-agent/opa-wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { capabilities } from '../../extensions/capabilities.ts'
import { extensions } from '../../extensions/index.ts'
import { answer, baseCapabilities, compile, entrypoint, load, opaEval } from '../engine/compile.ts'
import { opaPath } from '../setup/opa.ts'

const root = new URL('../../policies-example/', import.meta.url).pathname
const lib = 'lib/time_window.rego'

interface Example {
  readonly policy: string
  readonly shared?: string
  readonly v0?: boolean
  readonly headers?: Record<string, string>
  /** Input → the answer. */
  readonly decisions: readonly (readonly [input: unknown, answer: unknown])[]
}

const record = { level: 'internal', department: 'research' }
const attributes = { user: { clearance: 'secret', department: 'research' }, record, site: 'harbour', minute: 615 }

const examples: readonly Example[] = [
  {
    policy: 'gaiax/didresolve/1.0',
    decisions: [
      [
        { did: 'did:web:example.org:users:alice' },
        {
          host: 'example.org',
          method: 'web',
          parts: ['did', 'web', 'example.org', 'users', 'alice'],
          path: ['users', 'alice'],
          url: 'https://example.org/users/alice/did.json',
          valid: true,
        },
      ],
      [{ did: 'nonsense' }, { valid: false }],
      [undefined, { valid: false }],
    ],
  },
  {
    policy: 'gaiax/example/1.0',
    v0: true,
    decisions: [
      [{ message: 'hello world' }, { allow: true, name: 'some name' }],
      [undefined, { allow: false, name: 'some name' }],
      [false, { allow: false, name: 'some name' }],
    ],
  },
  {
    policy: 'example/example/1.0',
    headers: { Authorization: 'Bearer "x"' },
    decisions: [[{}, { auth: 'Bearer "x"' }]],
  },
  { policy: 'example/example/1.0', decisions: [[undefined, { auth: '' }]] },
  {
    policy: 'access/roles/1.0',
    decisions: [
      [
        { user: { roles: ['reader', 'editor'] }, action: 'read', resource: { type: 'article' } },
        { allow: true, granted_by: ['editor', 'reader'] },
      ],
      [
        { user: { roles: ['reader'] }, action: 'delete', resource: { type: 'article' } },
        { allow: false, granted_by: [] },
      ],
      [
        { user: { roles: ['admin'] }, action: 'x', resource: { type: 'y' } },
        { allow: true, granted_by: ['admin'] },
      ],
    ],
  },
  {
    policy: 'access/attributes/1.0',
    shared: lib,
    decisions: [
      [attributes, expect.objectContaining({ allow: true, deny: [], open: true })],
      [{ ...attributes, site: 'night-shift', minute: 1400 }, expect.objectContaining({ allow: true })],
      [
        {},
        expect.objectContaining({
          allow: false,
          deny: ['the clearance is too low', 'the record belongs to another department', 'the site is closed'],
        }),
      ],
    ],
  },
  {
    policy: 'shop/discount/1.0',
    decisions: [
      [{ total: 120 }, { percent: 5 }],
      [{ total: 1 }, { percent: 0 }],
    ],
  },
  {
    policy: 'shop/discount/2.0',
    decisions: [
      [
        { total: 600, customer: { level: 'gold' } },
        { offers: [0, 5, 6, 7.5], percent: 7.5 },
      ],
      [undefined, { offers: [0], percent: 0 }],
    ],
  },
]

let file: string

beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'edict-example-')), 'capabilities.json')
  await writeFile(file, JSON.stringify(capabilities(await baseCapabilities(), extensions)))
})

afterAll(() => rm(join(file, '..'), { recursive: true }))

const opa = (...args: string[]) => promisify(execFile)(opaPath(), [...args, '--capabilities', file], { cwd: root })

describe('the example policies', () => {
  it.each(examples)('$policy answers the same through the engine, the SDK and `opa eval`', async (example) => {
    const { policy, shared, headers = {} } = example
    const [group, name] = policy.split('/')
    const paths = [`${policy}/policy.rego`, ...(shared === undefined ? [] : [shared])]
    const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))
    const named = texts.map((text, i) => [example.v0 ? `${i}.v0.rego` : `${i}.rego`, text] as const)
    const sources = { files: Object.fromEntries(named), document: `data.${group}.${name}` }
    const data = await readFile(join(root, policy, 'data.json'), 'utf8').catch(() => '{}')
    const wasm = await compile(sources)
    const loaded = await load({ wasm, data })
    const header = (key: string): string => headers[key] ?? ''
    const sdk = await loadPolicy(wasm, undefined, { get_header: header })
    sdk.setData(JSON.parse(data) as object)
    for (const [input, expected] of example.decisions) {
      const text = input === undefined ? undefined : JSON.stringify(input)
      const ours = answer(loaded, text, headers)
      expect(JSON.parse(ours)).toEqual(expected)
      expect(ours).toBe(await opaEval(sources, { input: text, data, headers }))
      const [theirs] = sdk.evaluate(input, entrypoint) as { result: unknown }[]
      expect(sortArrays(JSON.parse(ours))).toEqual(sortArrays(theirs?.result))
    }
  })

  it.each(examples)('$policy passes `opa check` and its own tests', async ({ policy, shared, v0 = false }) => {
    const paths = [
      policy,
      ...(shared === undefined ? [] : [shared]),
      ...(v0 ? ['--v0-compatible'] : ['--v1-compatible']),
    ]
    await opa('check', '--strict', ...paths)
    expect((await opa('test', ...paths)).stdout).toMatch(/^PASS: (\d+)\/\1$/m)
  })

  it('has shared modules that pass their tests', async () => {
    expect((await opa('test', 'lib')).stdout).toMatch(/^PASS: (\d+)\/\1$/m)
  })
})

/** The SDK leaves sets in the order of the hash table. */
function sortArrays(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(sortArrays).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sortArrays(item)]))
}
