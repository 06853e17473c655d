import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { EdictError } from '../../../src/errors.ts'
import { sshCommand } from '../../../sync/git/environment.ts'
import { redact } from '../../../sync/git/errors.ts'
import { parseGitUrl } from '../../../sync/git/url.ts'

describe('which Git URLs are allowed', () => {
  test.each([
    ['https://git.example.org/a/b.git', 'https', 'https://git.example.org/a/b.git'],
    ['http://127.0.0.1:8080/b.git', 'http', 'http://127.0.0.1:8080/b.git'],
    ['http://[::1]/b.git', 'http', 'http://[::1]/b.git'],
    ['http://localhost/b.git', 'http', 'http://localhost/b.git'],
    ['ssh://git@example.org:2222/a/b.git', 'ssh', 'ssh://git@example.org:2222/a/b.git'],
    ['git@example.org:a/b.git', 'ssh', 'git@example.org:a/b.git'],
    ['file:///srv/a%20b.git', 'file', 'file:///srv/a b.git'],
    ['/srv/b.git', 'file', 'file:///srv/b.git'],
  ])('%s', (text, protocol, url) => {
    expect(parseGitUrl('s', text)).toMatchObject({ protocol, url })
  })

  test.each([
    '-oProxyCommand=touch',
    '--upload-pack=touch',
    'ext::sh -c touch',
    'ext::sh%20-c%20touch',
    'fd::3',
    'https::https://example.org/x',
    'http://example.org/b.git',
    'http://127.0.0.1.example.org/b.git',
    'http://0.0.0.0/b.git',
    'git://example.org/b.git',
    'ftp://example.org/b.git',
    'ssh://-oProxyCommand=x/b',
    'ssh://-x@example.org/b',
    '-x@example.org:b',
    'file://other/b.git',
    'https://example.org/b.git?private_token=x',
    'https://example.org/a\nb',
    'relative/path',
    '',
  ])('refused: %s', (text) => {
    expect(() => parseGitUrl('s', text)).toThrow(EdictError)
  })

  test('credentials are taken out, and no refusal shows them', () => {
    expect(parseGitUrl('s', 'https://ada:p%40ss@example.org/b.git')).toEqual({
      protocol: 'https',
      url: 'https://example.org/b.git',
      user: 'ada',
      password: 'p@ss',
    })
    expect(parseGitUrl('s', 'ssh://git:hunter2@example.org/b').url).toBe('ssh://git@example.org/b')
    for (const text of ['http://u:hunter2@example.org/', 'https://u:hunter2@h/?x=1', 'nope://u:hunter2@h/'])
      expect(() => parseGitUrl('s', text)).toThrow(expect.not.stringContaining('hunter2') as Error)
  })
})

describe('the ssh command', () => {
  const command = sshCommand({ kind: 'ssh', keyFile: `/keys/it's %h`, knownHostsFile: '/keys/known hosts' })

  test('is strict about the host, asks nothing, and offers one key', () => {
    for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes'])
      expect(command).toContain(`-o '${option}'`)
    expect(command).toContain('-F /dev/null')
  })

  test('survives odd file names', () => {
    const shown = execFileSync('sh', ['-c', `${command} -G example.org`], { encoding: 'utf8' })
    expect(shown).toContain(`identityfile /keys/it's %`)
    expect(shown).toMatch(/userknownhostsfile "?\/keys\/known hosts/)
    expect(shown).toContain('stricthostkeychecking true')
  })
})

test('secrets are taken out of what git printed', () => {
  expect(redact('fatal: https://u:tok@h/x and tok', ['tok'])).toBe('fatal: https://***@h/x and ***')
  expect(redact('> Authorization: Basic abcdef', [])).toBe('> Authorization: Basic ***')
})
