/**
 * `node scripts/run.mjs bench/meter.js [--quick]`: what metering costs. The same policies with and without charges, in rounds that take
 * turns; and once each the growth in size and the time to rewrite a module.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { capabilities, type Capabilities } from '../extensions/capabilities.ts'
import { extensions } from '../extensions/index.ts'
import { createEngine } from '../src/engine/engine.ts'
import { meter } from '../src/engine/meter/meter.ts'
import type { LoadedPolicy } from '../src/engine/policy.ts'
import { findOpa } from '../src/opa/binary.ts'
import { cacheFolder } from '../src/tools/cache-folder.ts'
import { median, ratio, round } from './report.ts'

const run = promisify(execFile)
const entrypoint = 'edict/entry/doc'
const context = { header: () => '' }

interface Scenario {
  readonly name: string
  readonly rego: string
  readonly data: unknown
  readonly input: unknown
}

const range = <T>(length: number, item: (i: number) => T): T[] => Array.from({ length }, (_, i) => item(i))

const rbac = `package bench.p
default allow := false
allow if {
	some role in data.roles[input.user]
	some grant in data.grants[role]
	grant.action == input.action
	grant.resource == input.resource
}
`
const abac = `package bench.p
default allow := false
allow if {
	user := data.users[input.user]
	user.active
	resource := data.resources[input.resource]
	resource.department == user.department
	user.level >= resource.level
	input.action in resource.actions
	not blocked
	regex.match("^user[0-9]+$", input.user)
}
blocked if {
	some b in data.blocked
	b.user == input.user
	b.resource == input.resource
}
reasons contains concat(" ", ["no user", input.user]) if not data.users[input.user]
`
const manyRules = ['package bench.p', ...range(1000, (i) => `allow if { input.role == "r${i}"; input.action == "a" }`)]
const comprehension = `package bench.p
sums := [sum | some x in input.list; some y in input.list; x < y; sum := x + y]
`

const scenarios: readonly Scenario[] = [
  {
    name: 'rbac_small',
    rego: rbac,
    data: {
      roles: { alice: ['reader', 'writer'] },
      grants: {
        reader: [{ action: 'read', resource: 'doc' }],
        writer: [{ action: 'write', resource: 'doc' }],
      },
    },
    input: { user: 'alice', action: 'write', resource: 'doc' },
  },
  {
    name: 'abac_data',
    rego: abac,
    data: {
      users: Object.fromEntries(
        range(500, (i) => [`user${i}`, { active: true, department: `d${i % 9}`, level: i % 5 }]),
      ),
      resources: Object.fromEntries(
        range(500, (i) => [`res${i}`, { department: `d${i % 9}`, level: i % 3, actions: ['read', 'list'] }]),
      ),
      blocked: range(20, (i) => ({ user: `user${i}`, resource: 'res1' })),
    },
    input: { user: 'user103', action: 'list', resource: 'res202' },
  },
  {
    name: 'rules_1000',
    rego: manyRules.join('\n'),
    data: {},
    input: { role: 'r999', action: 'a' },
  },
  { name: 'comprehension', rego: comprehension, data: {}, input: { list: range(40, (i) => i) } },
  {
    name: 'input_10kB',
    rego: 'package bench.p\nn := count(input.items)\n',
    data: {},
    input: { items: range(150, (i) => ({ id: i, name: `item number ${i}`, tags: ['a', 'b'], price: i * 1.5 })) },
  },
]

const build = async (opa: string, rego: string): Promise<Uint8Array> => {
  const dir = await mkdtemp(join(tmpdir(), 'edict-meter-'))
  try {
    const { stdout } = await run(opa, ['capabilities', '--current'], { maxBuffer: 2 ** 26 })
    const known = capabilities(JSON.parse(stdout) as Capabilities, extensions)
    await writeFile(join(dir, 'capabilities.json'), JSON.stringify(known))
    await writeFile(join(dir, 'entry.rego'), 'package edict.entry\n\ndoc := data.bench.p\n')
    await writeFile(join(dir, 'policy.rego'), rego)
    const files = ['entry.rego', 'policy.rego']
    const flags = ['-t', 'wasm', '-e', entrypoint, '--capabilities', 'capabilities.json', '-o', 'out.tar.gz']
    await run(opa, ['build', ...flags, ...files], { cwd: dir })
    await run('tar', ['xzf', 'out.tar.gz', '/policy.wasm'], { cwd: dir })
    return new Uint8Array(await readFile(join(dir, 'policy.wasm')))
  } finally {
    await rm(dir, { recursive: true })
  }
}

const engine = createEngine({ extensions })

/** Nanoseconds for one evaluation. */
const time = (policy: LoadedPolicy, input: Uint8Array, count: number): number => {
  const start = performance.now()
  for (let i = 0; i < count; i++) void policy.evaluate(input, context)
  return ((performance.now() - start) * 1e6) / count
}

const measure = async (opa: string, { name, rego, data, input }: Scenario): Promise<void> => {
  const wasm = await build(opa, rego)
  const load = async (bytes: Uint8Array): Promise<LoadedPolicy> =>
    engine.load({ module: await WebAssembly.compile(bytes), data: JSON.stringify(data), entrypoint })
  const plain = meter(wasm, { charging: false })
  const charged = meter(wasm)
  const [without, metered] = await Promise.all([load(plain), load(charged)])
  const body = Buffer.from(JSON.stringify(input))
  const count = Math.ceil(5e6 / Math.max(time(without, body, 3_000), time(metered, body, 3_000)))
  const rounds = range(roundCount, () => [time(without, body, count), time(metered, body, count)] as const)
  const base = rounds.map(([ns]) => ns)
  const ours = rounds.map(([, ns]) => ns)
  const outcome = await metered.evaluate(body, context)
  const figures = {
    ns: round(median(base), 0),
    metered_ns: round(median(ours), 0),
    ratio: ratio(ours, base),
    cost: outcome.kind === 'value' ? outcome.cost : Number.NaN,
    size: round(charged.length / plain.length, 3),
    rewrite_ms: round(median(range(15, () => rewriteTime(wasm))), 1),
  }
  console.log(name.padEnd(16), JSON.stringify(figures))
}

const rewriteTime = (wasm: Uint8Array): number => {
  const start = performance.now()
  meter(wasm)
  return performance.now() - start
}

const roundCount = process.argv.includes('--quick') ? 21 : 201
const opa = await findOpa({ env: process.env, cacheDir: cacheFolder(process.env), log: (line) => console.error(line) })
for (const scenario of scenarios) await measure(opa, scenario)
