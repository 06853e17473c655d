/**
 * Node hands a connection to a process of the cluster, one at a time, and waits for its receipt. When the process dies
 * before that, nobody closes the connection and its client would wait for ever.
 */
import type { ChildProcess } from 'node:child_process'

/** Answers how to close what was handed over last; one that was received is closed on this side already. */
export const watchHandover = (child: ChildProcess): (() => void) => {
  const send: unknown = Reflect.get(child, 'send')
  if (typeof send !== 'function') return () => undefined
  let last: unknown
  const watched = (...args: unknown[]): unknown => {
    if (hasClose(args[1])) last = args[1]
    return Reflect.apply(send, child, args) as unknown
  }
  Object.assign(child, { send: watched })
  return () => {
    if (hasClose(last)) last.close()
  }
}

const hasClose = (handle: unknown): handle is { close: () => void } =>
  typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function'
