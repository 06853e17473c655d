/**
 * Keeps what is shown in step with the server: it reads `/api/events` with fetch (never a token in a URL) and has asked
 * again what an event is about. Where events cannot be had, it asks every 2 s.
 */
import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { authorization, serverUrl } from './api/client.ts'

export type LiveState = 'live' | 'polling' | 'unreachable'

let state: LiveState = 'polling'
const listeners = new Set<() => void>()

const note = (next: LiveState): void => {
  if (next === state) return
  state = next
  for (const tell of listeners) tell()
}

export const useLiveState = (): LiveState =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => state,
  )

/** By event: the first parts of the keys of what may have changed. */
const about: Readonly<Record<string, readonly string[]>> = {
  change: [
    'catalog',
    'policy',
    'plans',
    'plan',
    'revisions',
    'modules',
    'module',
    'rules',
    'ownership',
    'audit',
    'tokens',
    'whoami',
  ],
  sources: ['sources', 'plans', 'plan'],
}

const refresh = (client: QueryClient, topics: readonly string[]): void => {
  const wanted = new Set(topics)
  void client.invalidateQueries({ predicate: ({ queryKey }) => wanted.has(String(queryKey[0])) })
}

const everything = [...new Set(Object.values(about).flat())]

const pollMs = 2_000
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Until the stream ends. */
const read = async (client: QueryClient, signal: AbortSignal): Promise<void> => {
  const response = await fetch(serverUrl('/api/events'), {
    headers: { accept: 'text/event-stream', ...authorization() },
    signal,
  })
  if (!response.ok || response.body === null) return note('polling')
  note('live')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const { value, done } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = /^event: (\w+)$/m.exec(block)?.[1]
      if (event !== undefined) refresh(client, about[event] ?? [])
    }
  }
}

const follow = async (client: QueryClient, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      await read(client, signal)
    } catch {
      if (!signal.aborted) note('unreachable')
    }
    // oxlint-disable-next-line no-await-in-loop
    await wait(pollMs)
    if (!signal.aborted) refresh(client, everything)
  }
}

/** `active`: not while somebody has to sign in first: asking with a token that has ended counts as guessing at one. */
export const useLive = (token: string | null, active: boolean): void => {
  const client = useQueryClient()
  useEffect(() => {
    if (!active) return undefined
    const stop = new AbortController()
    void follow(client, stop.signal)
    return () => stop.abort()
  }, [client, token, active])
}
