/** Tries one way after the other to get a tool. What failed, and why, is told when none works. */
import { EdictError } from '../errors.ts'

export type Log = (line: string) => void

export interface Way {
  /** For people: `the official release`. */
  readonly name: string
  /** Returns the file, or throws an Error whose message is the reason. */
  readonly take: () => Promise<string>
}

export interface Ways {
  /** `opa 1.22.2`. */
  readonly tool: string
  readonly ways: readonly Way[]
  /** What a person can do instead. */
  readonly advice: string
  readonly log: Log
  readonly signal?: AbortSignal | undefined
}

export async function firstWay({ tool, ways, advice, log, signal }: Ways): Promise<string> {
  const reasons: string[] = []
  for (const way of ways) {
    signal?.throwIfAborted()
    const started = Date.now()
    log(`${tool}: fetching ${way.name} …`)
    try {
      const file = await way.take()
      log(`${tool}: ready after ${seconds(started)}, kept at ${file}`)
      return file
    } catch (error) {
      signal?.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      log(`${tool}: not ${way.name}: ${firstLine(reason)}`)
      reasons.push(`  - ${way.name}: ${reason.replaceAll('\n', '\n    ')}`)
    }
  }
  throw new EdictError('tool_unavailable', [`${tool} is needed and could not be had:`, ...reasons, advice].join('\n'))
}

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`
const firstLine = (text: string) => text.split('\n')[0] ?? text
