/**
 * Calls between two processes of one program over their pipe: each side offers duties by name and calls those of the
 * other. Errors arrive with their code. What is not answered when the other side is gone is rejected.
 */
import { EdictError, type ErrorCode } from '../errors.ts'

/** The pipe, as `process` and `cluster.Worker` have it. */
export interface Pipe {
  readonly send: (message: Message) => void
  readonly onMessage: (listener: (message: Message) => void) => void
}

/** What a duty takes and gives is stated where it is offered and where it is called; in between it is only carried. */
type Duties = Readonly<Record<string, (argument: never) => unknown>>

export type Message =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly argument: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly code: ErrorCode; readonly message: string }

export interface Channel<Theirs extends Duties> {
  readonly call: <Name extends keyof Theirs & string>(
    name: Name,
    argument: Parameters<Theirs[Name]>[0],
  ) => Promise<Awaited<ReturnType<Theirs[Name]>>>
  /** The other side is gone. */
  readonly close: () => void
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: EdictError) => void
}

export const createChannel = <Theirs extends Duties>({ send, onMessage }: Pipe, duties: Duties): Channel<Theirs> => {
  const waiting = new Map<number, Waiting>()
  let closed = false
  let last = 0

  const perform = async ({ id, name, argument }: Extract<Message, { kind: 'call' }>): Promise<void> => {
    try {
      const result = await duties[name]?.(argument as never)
      if (!closed) send({ kind: 'result', id, result })
    } catch (error) {
      const { code, message } = asEdictError(error)
      if (!closed) send({ kind: 'error', id, code, message })
    }
  }

  onMessage((message) => {
    if (message.kind === 'call') return void perform(message)
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'result') asked?.resolve(message.result)
    else asked?.reject(new EdictError(message.code, message.message))
  })

  return {
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(gone())
        const id = ++last
        // The other side's declaration of the duty stands for what comes back.
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
        send({ kind: 'call', id, name, argument })
      }),
    close: () => {
      closed = true
      for (const { reject } of waiting.values()) reject(gone())
      waiting.clear()
    },
  }
}

const gone = (): EdictError => new EdictError('shutting_down', 'the other process has ended')

const asEdictError = (error: unknown): EdictError =>
  error instanceof EdictError
    ? error
    : new EdictError('internal_error', error instanceof Error ? error.message : String(error))
