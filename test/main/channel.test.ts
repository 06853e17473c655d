import { describe, expect, it } from 'vitest'
import { EdictError } from '../../src/errors.ts'
import { createChannel, type Message, type Pipe } from '../../src/main/channel.ts'

/** Two ends of a pipe that carries messages later, as a real one does. */
const pipes = (): readonly [Pipe, Pipe] => {
  const listeners: ((message: Message) => void)[] = []
  const end = (own: number): Pipe => ({
    send: (message) => setImmediate(() => listeners[1 - own]?.(structuredClone(message))),
    onMessage: (listener) => {
      listeners[own] = listener
    },
  })
  return [end(0), end(1)]
}

type Calculator = { readonly double: (value: number) => Promise<number>; readonly fail: () => void }

describe('calls between two processes', () => {
  const open = () => {
    const [one, other] = pipes()
    createChannel(other, {
      double: async (value: number) => value * 2,
      fail: () => {
        throw new EdictError('config_invalid', 'the port is taken')
      },
      hang: () => new Promise(() => undefined),
    })
    return createChannel<Calculator & { readonly hang: () => void }>(one, {})
  }

  it('answer each caller with its own result', async () => {
    const { call } = open()
    expect(await Promise.all([1, 2, 3].map((value) => call('double', value)))).toEqual([2, 4, 6])
  })

  it('reject with the code of what went wrong there', async () => {
    await expect(open().call('fail', undefined)).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'the port is taken',
    })
  })

  it('are rejected when the other side is gone, those under way and those to come', async () => {
    const { call, close } = open()
    const underWay = call('hang', undefined)
    setImmediate(close)
    await expect(underWay).rejects.toMatchObject({ code: 'shutting_down' })
    await expect(call('double', 1)).rejects.toMatchObject({ code: 'shutting_down' })
  })
})
