import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { createFixture, throughApp } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'edict-console-'))
mkdirSync(join(folder, 'assets'))
mkdirSync(join(folder, '.vite'))
writeFileSync(
  join(folder, 'index.html'),
  '<base href="/console/"><meta property="csp-nonce" nonce="%CSP_NONCE%"><script src="./assets/a-1.js"></script>',
)
writeFileSync(join(folder, 'assets/a-1.js'), 'plain')
writeFileSync(join(folder, 'assets/a-1.js.gz'), gzipSync('plain'))
writeFileSync(join(folder, '.vite/manifest.json'), '{}')
afterAll(() => rmSync(folder, { recursive: true }))

const ask = throughApp(createFixture({ consoleFolder: folder }))

describe('the console', () => {
  it('is one page for every view, with its base relative to the view', async () => {
    const bases = await Promise.all(
      ['/console/', '/console/policies', '/console/policies/a/b/1.0'].map(async (path) => {
        const { status, text } = await ask(path)
        return [status, /<base href="([^"]*)"/.exec(text)?.[1]]
      }),
    )
    expect(bases).toEqual([
      [200, './'],
      [200, './'],
      [200, '../../../'],
    ])
  })

  it('allows scripts of this server alone, and styles by a nonce that no other answer has', async () => {
    const [one, other] = [await ask('/console/'), await ask('/console/')]
    const policy = one.header('content-security-policy') ?? ''
    const nonce = /nonce="([^"]+)"/.exec(one.text)?.[1] ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`)
    expect(policy).toContain("connect-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(nonce.length).toBeGreaterThan(20)
    expect(other.text).not.toContain(nonce)
    expect(one.header('cache-control')).toBe('no-store')
  })

  it('may ask the identity provider that signs users in, and no other address', async () => {
    const signIn = {
      ...{ issuer: 'https://login.example.org/realms/main', clientId: 'edict-console', audience: 'edict' },
      ...{ scopes: ['openid'], parameters: {} },
    }
    const door = throughApp(createFixture({ consoleFolder: folder, signIn }))
    const policy = (await door('/console/')).header('content-security-policy')
    expect(policy).toContain("connect-src 'self' https://login.example.org;")
    expect(JSON.parse((await door('/api/sign-in')).text)).toEqual({ oidc: signIn })
    expect(JSON.parse((await ask('/api/sign-in')).text)).toEqual({ oidc: null })
  })

  it('lets hashed files be kept for ever, compressed for who takes it', async () => {
    const plain = await ask('/console/assets/a-1.js')
    expect([plain.status, plain.text]).toEqual([200, 'plain'])
    expect(plain.header('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(plain.header('content-type')).toBe('text/javascript; charset=utf-8')
    const zipped = await ask('/console/assets/a-1.js', { headers: { 'accept-encoding': 'gzip, br' } })
    expect(zipped.header('content-encoding')).toBe('gzip')
    const refused = await ask('/console/assets/a-1.js', { headers: { 'accept-encoding': 'gzip;q=0' } })
    expect(refused.header('content-encoding')).toBeNull()
  })

  it('hands out nothing but what the build lists', async () => {
    const missing = ['assets/none.js', 'assets/../../secret', 'assets/a-1.js.gz'].map((path) => ask(`/console/${path}`))
    expect((await Promise.all(missing)).map(({ status }) => status)).toEqual([404, 404, 404])
    expect((await ask('/console/.vite/manifest.json')).header('content-type')).toContain('text/html')
  })

  it('is found without its slash', async () => {
    const found = await ask('/console?x=1')
    expect([found.status, found.header('location')]).toEqual([308, 'console/?x=1'])
  })

  it('says how it is built where it was not', async () => {
    const bare = await throughApp(createFixture())('/console/')
    expect(bare.status).toBe(404)
    expect(bare.text).toContain('npm start')
  })
})
