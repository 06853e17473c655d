/**
 * An Opa that never asks the same twice: results are kept in memory and in a cache folder, named by opa's version, its
 * capabilities and the content. Failures of the tool (time, memory) are not kept.
 */
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { promisify } from 'node:util'
import { LRUCache } from 'lru-cache'
import type { ParsedModule, RegoError, RegoFile } from '../policy/analysis.ts'
import { digestOf, sha256 } from '../policy/digest.ts'
import type { Cache } from './cache.ts'
import { isLasting } from './errors.ts'
import type { Build, CallOptions, Opa } from './run.ts'

/** Changes whenever what is kept changes its shape or meaning. */
const format = '2'

export interface CachedOpa extends Opa {
  /** As `parse`, for a caller that knows the sha256 of the text already. */
  readonly parseKnown: (text: string, digest: string, options?: CallOptions) => Promise<ParsedModule>
}

/** Its calls go before those of others. */
export const urgently = (opa: CachedOpa): CachedOpa => ({
  ...opa,
  parse: (text, options) => opa.parse(text, { ...options, urgent: true }),
  parseKnown: (text, digest, options) => opa.parseKnown(text, digest, { ...options, urgent: true }),
  check: (files, options) => opa.check(files, { ...options, urgent: true }),
  build: (files, entrypoint, options) => opa.build(files, entrypoint, { ...options, urgent: true }),
})

export async function withCache(opa: Opa, cache: Cache, options: CallOptions = {}): Promise<CachedOpa> {
  const tool = [format, await opa.version(options), opa.capabilitiesDigest]
  const keyOf = (kind: string, ...parts: (readonly string[])[]): string => digestOf([['tool', kind, ...tool], ...parts])
  const modules = new LRUCache<string, Promise<ParsedModule>>({ max: 20_000 })
  const checks = new LRUCache<string, Promise<readonly RegoError[]>>({ max: 20_000 })
  const builds = new Map<string, Promise<Build>>()

  const parseKnown: CachedOpa['parseKnown'] = (text, digest, callOptions) =>
    once(
      modules,
      digest,
      async () => {
        const key = keyOf('parse', [digest])
        const kept = await cache.get(key)
        const known = keptJson<ParsedModule>(kept)
        if (known !== undefined) return known
        const parsed = await opa.parse(text, callOptions)
        if (parsed.ok || isLasting(parsed.errors)) await cache.put(key, JSON.stringify(parsed))
        return parsed
      },
      (parsed) => parsed.ok || isLasting(parsed.errors),
    )

  return {
    ...opa,
    parseKnown,
    parse: (text, callOptions) => parseKnown(text, sha256(text), callOptions),
    check: (files, callOptions) => {
      const key = keyOf('check', ...files.map(identity))
      return once(
        checks,
        key,
        async () => {
          const kept = await cache.get(key)
          const known = keptJson<readonly RegoError[]>(kept)
          if (known !== undefined) return known
          const errors = await opa.check(files, callOptions)
          if (isLasting(errors)) await cache.put(key, JSON.stringify(errors))
          return errors
        },
        isLasting,
      )
    },
    build: (files, entrypoints, callOptions) => {
      const key = keyOf('build', ['entrypoint', ...[entrypoints].flat()], ...files.map(identity))
      return once(
        builds,
        key,
        async () => {
          const kept = await cache.get(key)
          const known = kept === undefined ? undefined : await unpack(kept)
          if (known !== undefined) return known
          const built = await opa.build(files, entrypoints, callOptions)
          if (built.ok || isLasting(built.errors)) await cache.put(key, await pack(built))
          return built
        },
        () => false,
      )
    },
  }
}

interface Memory<T> {
  readonly get: (key: string) => Promise<T> | undefined
  readonly set: (key: string, value: Promise<T>) => unknown
  readonly delete: (key: string) => boolean
}

/** Shares the work under way; afterwards keeps what `keep` allows. */
function once<T>(memory: Memory<T>, key: string, work: () => Promise<T>, keep: (result: T) => boolean): Promise<T> {
  const known = memory.get(key)
  if (known !== undefined) return known
  const started = work()
  memory.set(key, started)
  started.then(
    (result) => keep(result) || memory.delete(key),
    () => memory.delete(key),
  )
  return started
}

function keptJson<T>(kept: Buffer | undefined): T | undefined {
  try {
    return kept === undefined ? undefined : (JSON.parse(kept.toString()) as T)
  } catch {
    return undefined
  }
}

function identity(file: RegoFile): readonly string[] {
  return ['file', file.path, String(file.regoVersion), sha256(file.text)]
}

const compress = promisify(brotliCompress)
const decompress = promisify(brotliDecompress)

async function pack(built: Build): Promise<Uint8Array> {
  if (!built.ok) return Buffer.from(`E${JSON.stringify(built.errors)}`)
  const packed = await compress(built.wasm, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  return Buffer.concat([Buffer.from(`W${sha256(built.wasm)}`), packed])
}

async function unpack(kept: Buffer): Promise<Build | undefined> {
  try {
    if (kept.subarray(0, 1).toString() === 'E')
      return { ok: false, errors: JSON.parse(kept.subarray(1).toString()) as RegoError[] }
    const wasm = await decompress(kept.subarray(65))
    return sha256(wasm) === kept.subarray(1, 65).toString() ? { ok: true, wasm: new Uint8Array(wasm) } : undefined
  } catch {
    return undefined
  }
}
