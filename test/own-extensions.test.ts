import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { RegoNumber, RegoObject, RegoSet } from '../extensions/extension.ts'
import { extensions as builtin } from '../extensions/index.ts'
import { EdictError } from '../src/errors.ts'
import { loadOwnExtensions } from '../src/own-extensions.ts'
import { contextOf } from './extensions/context.ts'

const folderOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-extensions-'))
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  return folder
}

const load = async (files: Readonly<Record<string, string>>) =>
  loadOwnExtensions({ folder: await folderOf(files), builtin })

const problemsOf = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  try {
    await load(files)
  } catch (error) {
    if (error instanceof EdictError) return error.errors.map(({ message }) => message)
    throw error
  }
  return []
}

const decl = `decl: { args: [{ type: 'string' }], result: { type: 'any' } }`

it('a folder may be none', async () => {
  expect(await loadOwnExtensions({ folder: null, builtin })).toEqual([])
})

it('a module exports one, several, or a function that makes them', async () => {
  const found = await load({
    'a.mjs': `export const extension = { name: 'a', ${decl}, kind: 'pure', impl: ([text]) => text }`,
    'b.mjs': `export const extensions = ['b.one', 'b.two'].map((name) => ({ name, ${decl}, kind: 'read', doc: 'B.', impl: async () => 1 }))`,
    'c.mjs': `export const extension = ({ RegoSet }) => ({ name: 'c', ${decl}, kind: 'pure', impl: () => new RegoSet([1]) })`,
    'notes.txt': 'not code',
  })
  expect(found.map(({ name, kind }) => `${name} ${kind}`)).toEqual(['a pure', 'b.one read', 'b.two read', 'c pure'])
  expect(found[3]?.impl(['x'], contextOf())).toEqual(new RegoSet([1]))
})

it('answers may be plain values', async () => {
  const answers = [
    '({ a: [1, null], b: undefined })',
    'new Set([1])',
    '12345678901234567890n',
    'undefined',
    'new Date()',
  ]
  const modules = answers.map((answer, i) => [
    `${i}.mjs`,
    `export const extension = { name: 'a${i}', ${decl}, kind: 'pure', impl: () => ${answer} }`,
  ])
  const [object, set, big, nothing, date] = await load(Object.fromEntries(modules) as Record<string, string>)
  expect(object?.impl([], contextOf())).toEqual(new RegoObject([['a', [1, null]]]))
  expect(set?.impl([], contextOf())).toEqual(new RegoSet([1]))
  expect(big?.impl([], contextOf())).toEqual(new RegoNumber('12345678901234567890'))
  expect(nothing?.impl([], contextOf())).toBeUndefined()
  expect(() => date?.impl([], contextOf())).toThrow('not a value that Rego has')
})

it('all that is wrong is told at once, with its file', async () => {
  const of = (name: string, more = '') =>
    `export const extension = { name: '${name}', ${decl}, kind: 'pure', impl: () => 1, ${more} }`
  const problems = await problemsOf({
    'a.mjs': of('count'),
    'b.mjs': of('http.send'),
    'c.mjs': of('mine'),
    'd.mjs': of('mine'),
    'e.mjs': 'export const other = 1',
    'f.mjs': 'this is not JavaScript',
    'g.mjs': of('9x'),
    'h.mjs': of('x', 'kind: "maybe"'),
    'i.mjs': of('y', 'decl: { args: [{ type: "text" }], result: { type: "any" } }'),
  })
  expect(problems).toEqual([
    'a.mjs: the name count is taken by OPA or Edict',
    'b.mjs: the name http.send is taken by OPA or Edict',
    'd.mjs: the name mine is taken by c.mjs',
    'e.mjs: exports neither extension nor extensions',
    expect.stringMatching(/^f\.mjs: /),
    'g.mjs: 0.name: is not a name that Rego can call',
    expect.stringMatching(/^h\.mjs: 0\.kind: /),
    expect.stringMatching(/^i\.mjs: 0\.decl\.args\.0\.type: /),
  ])
})

it('a folder that is named has to be there', async () => {
  await expect(loadOwnExtensions({ folder: '/nowhere/at/all', builtin })).rejects.toThrow('does not exist')
})
