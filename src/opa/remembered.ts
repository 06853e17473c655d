/**
 * An Opa that remembers what it answered last, in memory alone: for drafts, which come back as soon as only their data or
 * input changes. Nothing is shared while it is under way, so that whoever gives up stops their own child process only.
 */
import { LRUCache } from 'lru-cache'
import { digestOf, sha256 } from '../policy/digest.ts'
import type { RegoFile } from '../policy/analysis.ts'
import { isLasting } from './errors.ts'
import type { Build, Opa } from './run.ts'

const MB = 2 ** 20
/** What a parsed module may take in memory, for each byte of its text. */
const perByte = 40

interface Kept {
  readonly value: unknown
  readonly size: number
}

export function remembered(opa: Opa, maxSize = 64 * MB): Opa {
  const kept = new LRUCache<string, Kept>({ max: 10_000, maxSize, sizeCalculation: ({ size }) => size })

  const recall = async <T>(key: string, ask: () => Promise<T>, sizeOf: (value: T) => number): Promise<T> => {
    const known = kept.get(key)
    if (known !== undefined) return known.value as T
    const value = await ask()
    const size = sizeOf(value)
    if (size > 0) kept.set(key, { value, size })
    return value
  }

  return {
    ...opa,
    parse: (text, options) =>
      recall(
        `parse ${sha256(text)}`,
        () => opa.parse(text, options),
        (parsed) => (parsed.ok || isLasting(parsed.errors) ? sizeOfText(text) : 0),
      ),
    tree: (text, regoVersion, options) =>
      recall(
        `tree ${regoVersion} ${sha256(text)}`,
        () => opa.tree(text, regoVersion, options),
        () => sizeOfText(text) * perByte,
      ),
    build: (files, entrypoints, options) =>
      recall(
        digestOf([['build', ...[entrypoints].flat()], ...files.map(identity)]),
        () => opa.build(files, entrypoints, options),
        sizeOfBuild,
      ),
  }
}

const sizeOfText = (text: string): number => 1000 + text.length

/** A failure of the tool (time, memory) is not kept. */
const sizeOfBuild = (built: Build): number => (built.ok ? built.wasm.length : isLasting(built.errors) ? 1000 : 0)

const identity = ({ path, regoVersion, text }: RegoFile): readonly string[] => [path, String(regoVersion), sha256(text)]
