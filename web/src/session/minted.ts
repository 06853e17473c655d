/**
 * The token that was just made, until its maker says that it is copied: it can be had from nowhere else, so it outlives
 * whatever happens to the page meanwhile. Kept in memory alone.
 */
import { useSyncExternalStore } from 'react'

export interface Minted {
  readonly actor: string
  readonly token: string
  /** This tab is signed in with it. */
  readonly inUse: boolean
}

let minted: Minted | null = null
const listeners = new Set<() => void>()

export const writeMinted = (next: Minted | null): void => {
  minted = next
  for (const tell of listeners) tell()
}

export const useMinted = (): Minted | null =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => minted,
  )
