/** What the engine is measured with. Each is one package, `bench.p`; answers are the whole package document. */
import { generateKeyPairSync, sign } from 'node:crypto'

export interface Scenario {
  /** Of its figures. */
  readonly name: string
  /** For people. */
  readonly title: string
  /** Counts for the ratios that stand for all small policies. */
  readonly small?: boolean
  readonly rego: string
  readonly data: unknown
  readonly input: unknown
  /** The SDK lacks a builtin that it needs. */
  readonly notBySdk?: boolean
  /** The port of a local server that it asks. */
  readonly asks?: number
}

export const range = <T>(length: number, item: (i: number) => T): T[] => Array.from({ length }, (_, i) => item(i))

export const rbac: Scenario = {
  name: 'rbac_small',
  title: 'RBAC, small',
  small: true,
  rego: `package bench.p
default allow := false
allow if {
	some role in data.roles[input.user]
	some grant in data.grants[role]
	grant.action == input.action
	grant.resource == input.resource
}
`,
  data: {
    roles: { alice: ['reader', 'writer'] },
    grants: {
      reader: [{ action: 'read', resource: 'doc' }],
      writer: [{ action: 'write', resource: 'doc' }],
    },
  },
  input: { user: 'alice', action: 'write', resource: 'doc' },
}

export const abac: Scenario = {
  name: 'abac_data',
  title: 'ABAC with data (500 users, 500 resources, a regular expression)',
  small: true,
  rego: `package bench.p
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
`,
  data: {
    users: Object.fromEntries(range(500, (i) => [`user${i}`, { active: true, department: `d${i % 9}`, level: i % 5 }])),
    resources: Object.fromEntries(
      range(500, (i) => [`res${i}`, { department: `d${i % 9}`, level: i % 3, actions: ['read', 'list'] }]),
    ),
    blocked: range(20, (i) => ({ user: `user${i}`, resource: 'res1' })),
  },
  input: { user: 'user103', action: 'list', resource: 'res202' },
}

/** One rule per role; the last of them decides. */
export const rules = (count: number): Scenario => ({
  name: `rules_${count}`,
  title: `${count.toLocaleString('en')} rules`,
  small: count <= 50,
  rego: [
    'package bench.p',
    'default allow := false',
    ...range(count, (i) => `allow if { input.role == "role-${i}"; input.action == "act-${i % 7}" }`),
  ].join('\n'),
  data: {},
  input: { role: `role-${count - 1}`, action: `act-${(count - 1) % 7}` },
})

/** The same decision, with the roles as data. */
const table: Scenario = {
  name: 'table_10000',
  title: 'the 10,000 rules as a table in data',
  rego: `package bench.p
default allow := false
allow if input.action in data.roles[input.role]
`,
  data: { roles: Object.fromEntries(range(10_000, (i) => [`role-${i}`, [`act-${i % 7}`]])) },
  input: rules(10_000).input,
}

const largeData: Scenario = {
  name: 'data_5mb',
  title: 'data.json of 5 MB',
  rego: `package bench.p
default allow := false
allow if {
	item := data.items[input.item]
	item.owner == input.user
	"read" in item.grants
}
`,
  data: {
    items: Object.fromEntries(
      range(40_000, (i) => [
        `item-${i}`,
        { owner: `user-${i % 997}`, grants: ['list', 'read'], title: `The title of item number ${i}, as it was given` },
      ]),
    ),
  },
  input: { user: `user-${31_234 % 997}`, item: 'item-31234' },
}

const largeInput: Scenario = {
  name: 'input_100kb',
  title: 'input of 100 kB',
  rego: `package bench.p
default allow := false
allow if count(input.items) == 1400
`,
  data: {},
  input: { items: range(1400, (i) => ({ id: i, name: `item number ${i}`, tags: ['alpha', 'beta'], price: i * 1.25 })) },
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function jwt(): Scenario {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signed = `${base64({ alg: 'RS256', typ: 'JWT' })}.${base64({ sub: 'alice', iss: 'bench', roles: ['admin'] })}`
  const token = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
  return {
    name: 'jwt_rs256',
    title: 'a JSON Web Token verified (RS256)',
    rego: `package bench.p
default allow := false
allow if {
	[valid, _, claims] := io.jwt.decode_verify(input.token, {"cert": data.key, "iss": "bench"})
	valid
	"admin" in claims.roles
}
`,
    data: { key: publicKey.export({ type: 'spki', format: 'pem' }) },
    input: { token },
    notBySdk: true,
  }
}

const asking = (port: number): Scenario => ({
  name: 'http_send',
  title: '`http.send` to a local server',
  rego: `package bench.p
default allow := false
allow if http.send({"method": "GET", "url": sprintf("http://127.0.0.1:%d/health", [input.port])}).status_code == 200
`,
  data: {},
  input: { port },
  notBySdk: true,
  asks: port,
})

export const smallScenarios: readonly Scenario[] = [rbac, abac, rules(50)]

/** `port`: of a local server that answers `GET /health`. */
export const allScenarios = (port: number): readonly Scenario[] => [
  ...smallScenarios,
  rules(200),
  rules(1000),
  rules(10_000),
  table,
  largeData,
  largeInput,
  jwt(),
  asking(port),
]
