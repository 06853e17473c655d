import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { afterwards, evaluate, newDatabase, startEdict, temporaryFolder } from './edict.ts'

/** As in docs/policy-development.md. */
const extension = `
export const extension = ({ toPlain }) => ({
  name: 'acme.tenant',
  decl: { args: [{ type: 'string' }], result: { type: 'object', dynamic: { key: { type: 'string' }, value: { type: 'any' } } } },
  kind: 'read',
  doc: 'What the directory knows of a tenant.',
  impl: async ([name], { signal }) => {
    const response = await fetch(\`\${process.env.DIRECTORY_URL}/tenants/\${encodeURIComponent(name)}\`, { signal })
    if (!response.ok) throw new Error(\`the directory answers \${response.status}\`)
    return await response.json()
  },
})
`

const policies = {
  'shop/tenant/1.0/policy.rego': `package shop.tenant

tenant := acme.tenant(input.tenant)

allow if tenant.active

unknown if not acme.tenant("nobody")

seen := trace("looked up")

note if {
  print("asked for", input.tenant, {1, 2})
  input.tenant
}
`,
  'shop/remote/1.0/policy.rego': `package shop.remote

status := http.send({"method": "GET", "url": input.url}).status_code

answer := http.send({"method": "GET", "url": input.url, "raise_error": false})

joined := regex.replace(input.text, "a(b)", "<$1>")

parsed := rego.parse_module("x.rego", input.module)["package"].path[1].value

fits := json.match_schema(input, {"required": ["nothing"]})
`,
}

const startDirectory = async () => {
  const asked: string[] = []
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    res.setHeader('content-type', 'application/json')
    if (req.url === '/tenants/acme') return res.end('{"active":true,"plan":"gold"}')
    return res.writeHead(req.url === '/up' ? 200 : 404).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(async () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { asked, port, url: `http://127.0.0.1:${port}` }
}

const writeFiles = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

describe('own extensions and outbound calls', () => {
  it('a policy calls an extension of the deployment, and hosts that are allowed', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    await writeFiles(folder, { 'my-extensions/tenant.mjs': extension })
    await writeFiles(join(folder, 'policies'), policies)
    const directory = await startDirectory()
    const edict = await startEdict({
      ...newDatabase(),
      EDICT_DIRECTORY: join(folder, 'policies'),
      EDICT_EXTENSIONS: join(folder, 'my-extensions'),
      EDICT_HTTP_ALLOW: `127.0.0.1:${directory.port}`,
      EDICT_LOG_PRINT: 'true',
      DIRECTORY_URL: directory.url,
    })
    expect((await evaluate(edict, 'shop/tenant/1.0', { tenant: 'acme' })).json).toEqual({
      tenant: { active: true, plan: 'gold' },
      allow: true,
      unknown: true,
      seen: true,
      note: true,
    })
    expect(directory.asked.toSorted()).toEqual(['/tenants/acme', '/tenants/nobody'])
    const printed = edict
      .log()
      .split('\n')
      .filter((line) => line.includes('asked for'))
    expect(printed.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        msg: 'asked for acme {1, 2}',
        policy: 'shop/tenant/1.0',
        rule: 'data.shop.tenant.note',
      }),
    ])

    const url = `${directory.url}/up`
    expect(
      (await evaluate(edict, 'shop/remote/1.0', { url, text: 'abc', module: 'package found' })).json,
    ).toMatchObject({
      status: 200,
      joined: '<b>c',
      parsed: 'found',
      fits: [false, [{ field: '(Root)', desc: 'nothing is required' }]],
    })
    const refused = await evaluate(edict, 'shop/remote/1.0', { url: 'http://127.0.0.1:1/' })
    expect(refused.json).toMatchObject({ answer: { status_code: 0, error: { code: 'eval_http_send_internal_error' } } })
    expect(refused.json).not.toHaveProperty('status')
    expect(await edict.stop()).toBe(0)
  })
})
