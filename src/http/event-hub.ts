/**
 * What has changed, for who wants to be told at once: that something did, never what. One look at the registry and the
 * sources serves all who listen; with nobody listening there is none.
 */
import { digestOf } from '../policy/digest.ts'
import type { SourceDocument } from '../policy/schema.ts'
import type { Registry } from '../registry/registry.ts'

export type Event =
  | { readonly event: 'change'; readonly data: { readonly sequence: number; readonly revision: number } }
  | { readonly event: 'sources'; readonly data: Readonly<Record<string, string>> }

export interface EventHub {
  /** How things stand is told first. Answers what ends it. */
  readonly subscribe: (tell: (event: Event) => void) => () => void
  readonly listeners: () => number
}

export interface EventHubOptions {
  readonly registry: Pick<Registry, 'state'>
  /** Throws while the store is away. */
  readonly sources: () => Promise<readonly SourceDocument[]>
  /** Between two looks at the registry; the sources are looked at every fourth time. */
  readonly everyMs?: number
}

export const createEventHub = ({ registry, sources, everyMs = 250 }: EventHubOptions): EventHub => {
  const all = new Set<(event: Event) => void>()
  let timer: NodeJS.Timeout | undefined
  let last = { sequence: -1, sources: '' }
  let looks = 0
  let looking = false

  const change = (): Event => {
    const { sequence, revision } = registry.state
    return { event: 'change', data: { sequence, revision } }
  }
  const tellAll = (event: Event): void => {
    for (const tell of all) tell(event)
  }

  const lookAtSources = async (): Promise<void> => {
    const found = await sources().catch(() => undefined)
    if (found === undefined) return
    const now = digestOf(found.map((source) => [JSON.stringify(source)]))
    if (last.sources !== '' && now !== last.sources)
      tellAll({ event: 'sources', data: Object.fromEntries(found.map(({ _id, phase }) => [_id, phase])) })
    last.sources = now
  }

  const look = (): void => {
    const { sequence } = registry.state
    if (sequence !== last.sequence) {
      last = { ...last, sequence }
      tellAll(change())
    }
    if (looks++ % 4 > 0 || looking) return
    looking = true
    void lookAtSources().finally(() => {
      looking = false
    })
  }

  const start = (): void => {
    last = { sequence: registry.state.sequence, sources: '' }
    looks = 0
    timer = setInterval(look, everyMs)
    timer.unref()
    look()
  }

  return {
    subscribe: (tell) => {
      all.add(tell)
      if (all.size === 1) start()
      tell(change())
      return () => {
        all.delete(tell)
        if (all.size === 0) clearInterval(timer)
      }
    },
    listeners: () => all.size,
  }
}
