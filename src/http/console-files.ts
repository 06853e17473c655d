/**
 * The built console in memory, a closed list of names read once: each file as it is and compressed. Empty when it was not
 * built.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface ConsoleFile {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** By content coding, the best first. */
  readonly compressed: ReadonlyMap<'br' | 'gzip', Uint8Array<ArrayBuffer>>
}

export interface ConsoleFiles {
  /** The page of every view; undefined: not built. */
  readonly index: string | undefined
  /** By path below the console. */
  readonly files: ReadonlyMap<string, ConsoleFile>
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
}

const codings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

export const readConsole = (folder: string): ConsoleFiles => {
  const names = namesBelow(folder)
  const read = (name: string): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(join(folder, name)))
  const files = [...names].flatMap((name): [string, ConsoleFile][] => {
    const type = types[extname(name)]
    if (type === undefined) return []
    const compressed = codings.flatMap(([coding, ending]) =>
      names.has(name + ending) ? [[coding, read(name + ending)] as const] : [],
    )
    return [[name, { type, bytes: read(name), compressed: new Map(compressed) }]]
  })
  const index = names.has('index.html') ? readFileSync(join(folder, 'index.html'), 'utf8') : undefined
  return { index, files: new Map(files) }
}

const namesBelow = (folder: string): ReadonlySet<string> => {
  try {
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return new Set(entries.map((name) => name.replaceAll('\\', '/')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set()
    throw error
  }
}
