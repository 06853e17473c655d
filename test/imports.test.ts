import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

const filesUnder = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))

const importsOf = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '')
  return targets.map((target) => relative(root, resolve(root, dirname(file), target)))
}

const files = ['src', 'sync', 'extensions'].flatMap(filesUnder)
const wrong = (from: (file: string) => boolean, to: (file: string) => boolean): string[] =>
  files.filter(from).flatMap((file) =>
    importsOf(file)
      .filter(to)
      .map((target) => `${file} → ${target}`),
  )

const under =
  (...folders: readonly string[]) =>
  (file: string): boolean =>
    folders.some((folder) => file.startsWith(`${folder}/`))
const isRoot = (file: string): boolean => file === 'src/cli.ts' || under('src/main', 'src/cli')(file)

describe('imports point one way', () => {
  it('only the composition roots import sync, and nothing but they imports them', () => {
    expect(wrong((file) => under('src', 'extensions')(file) && !isRoot(file), under('sync'))).toEqual([])
    expect(wrong((file) => !isRoot(file), isRoot)).toEqual([])
  })

  it('the composition library imports nothing outside itself', () => {
    expect(wrong(under('src/policy'), (file) => !under('src/policy')(file))).toEqual([])
  })

  it('extensions import nothing of src', () => {
    expect(wrong(under('extensions'), (file) => !under('extensions')(file))).toEqual([])
  })

  it('the engine knows neither store, registry, HTTP nor the opa command', () => {
    expect(wrong(under('src/engine'), under('src/store', 'src/registry', 'src/http', 'src/opa', 'sync'))).toEqual([])
  })

  it('the store knows neither HTTP, registry nor engine', () => {
    expect(wrong(under('src/store'), under('src/registry', 'src/http', 'src/engine', 'src/opa', 'sync'))).toEqual([])
  })

  it('explanations know neither store, registry, HTTP nor sync', () => {
    expect(wrong(under('src/explain'), under('src/store', 'src/registry', 'src/http', 'sync'))).toEqual([])
  })

  it('sync knows neither HTTP, registry nor engine', () => {
    expect(wrong(under('sync'), under('src/http', 'src/registry', 'src/engine'))).toEqual([])
  })

  it('HTTP knows neither sync, the opa command nor MongoDB', () => {
    expect(wrong(under('src/http'), under('sync', 'src/opa'))).toEqual([])
    const mongo = files.filter(under('src/http', 'src/registry', 'src/engine', 'src/policy', 'src/opa'))
    expect(mongo.filter((file) => /from 'mongodb'/.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
  })

  it('one folder alone knows the WebAssembly ABI', () => {
    const code = (file: string): string => readFileSync(join(root, file), 'utf8').replace(/\/\*[^]*?\*\//g, '')
    const knowing = files.filter((file) => /opa_(?:json_parse|value_parse|eval|malloc|heap_ptr)/.test(code(file)))
    expect(knowing.length).toBeGreaterThan(0)
    expect(knowing.filter((file) => !under('src/engine/abi')(file))).toEqual([])
  })

  it('the command line alone reads the environment; two files set it for a library that is told in no other way', () => {
    const setters = new Set(['src/store/mongod-binary.ts', 'src/store/mongod-process.ts'])
    const readers = files.filter((file) => /process\.env/.test(readFileSync(join(root, file), 'utf8')))
    expect(readers.filter((file) => file !== 'src/cli.ts' && !setters.has(file))).toEqual([])
  })
})
