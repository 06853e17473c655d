/** Every curl of the README, as it stands there, against a server of policies-example: what the README shows is what comes. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { newDatabase, startEdict, type Edict } from './edict.ts'

const root = resolve(import.meta.dirname, '../..')
const readme = readFileSync(resolve(root, 'README.md'), 'utf8')

interface Step {
  readonly command: string
  /** What the README shows below it; '' for nothing. */
  readonly shown: string
}

const stepsOf = (block: string): readonly Step[] =>
  block.split(/^\$ /m).flatMap((part) => {
    const [command = '', ...output] = part.split('\n')
    return command === '' ? [] : [{ command, shown: output.join('\n').trim() }]
  })

const steps = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) => stepsOf(block))

let edict: Edict
let locked = false

beforeAll(async () => {
  edict = await startEdict({ ...newDatabase(), EDICT_DIRECTORY: resolve(root, 'policies-example') })
})

it('every curl of the README stands in a console block, where it is found', () => {
  expect(steps.length).toBeGreaterThan(5)
  expect(steps.filter(({ command }) => command.startsWith('curl '))).toEqual(steps)
  expect(steps.length).toBe(readme.match(/\bcurl\b/g)?.length)
  for (const { command } of steps) expect(command).toContain('http://127.0.0.1:8081/')
})

it.each(steps)('$command', async ({ command, shown }) => {
  const here = command.replaceAll('http://127.0.0.1:8081', edict.url)
  const { stdout } = await promisify(execFile)('sh', ['-c', `${here} -w '\\n%{http_code}'`])
  const end = stdout.lastIndexOf('\n')
  const [answer, status] = [stdout.slice(0, end), stdout.slice(end + 1)]
  expect(() => JSON.parse(answer) as unknown).not.toThrow()
  if (shown !== '') expect(answer).toBe(shown)
  // Between lock and unlock an evaluation is refused; everything else in the README succeeds.
  expect([status, answer]).toEqual([locked && command.endsWith('/evaluation') ? '403' : '200', answer])
  if (command.endsWith('/lock')) locked = !command.includes('-X DELETE')
})

it('the curl line that the server prints when it is ready answers', async () => {
  const line = /^ *(curl .*)$/m.exec(edict.output())?.[1] ?? ''
  const { stdout } = await promisify(execFile)('sh', ['-c', line])
  expect(JSON.parse(stdout)).not.toHaveProperty('code')
})
