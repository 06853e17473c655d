/** Many short answers put together into few long pieces. */
import type { ItemAnswer } from './open-batch.ts'

/** What stands around the answers, and around each of them. */
export interface Frame {
  readonly open: string
  readonly between: string
  readonly end: string
  readonly close: string
}

/** `{ "results": [ … ] }`. */
export const listFrame: Frame = { open: '{"results":[', between: ',', end: '', close: ']}' }
/** One a line. */
export const lineFrame: Frame = { open: '', between: '', end: '\n', close: '' }

export interface Output {
  readonly put: (answer: ItemAnswer) => void
  readonly close: () => void
  /** Bytes held. */
  readonly size: () => number
  /** Hands over what is held. */
  readonly take: () => Buffer
}

const pageBytes = 65_536

export const createOutput = ({ open, between, end, close }: Frame): Output => {
  const heads = { first: headsOf(open), next: headsOf(between) }
  const tail = Buffer.from(`}${end}`)
  let page = Buffer.allocUnsafe(pageBytes)
  let used = 0
  let full: Buffer[] = []
  let fullBytes = 0
  let any = false

  const write = (bytes: Uint8Array): void => {
    if (used + bytes.length > page.length) turnPage(bytes.length)
    page.set(bytes, used)
    used += bytes.length
  }

  const turnPage = (wanted: number): void => {
    full.push(page.subarray(0, used))
    fullBytes += used
    page = Buffer.allocUnsafe(Math.max(pageBytes, wanted))
    used = 0
  }

  return {
    put: ({ ok, json }) => {
      const head = any ? heads.next : heads.first
      any = true
      write(ok ? head.result : head.error)
      write(json)
      write(tail)
    },
    close: () => write(Buffer.from(any ? close : open + close)),
    size: () => fullBytes + used,
    take: () => {
      const last = page.subarray(0, used)
      const taken = full.length === 0 ? last : Buffer.concat([...full, last])
      page = page.subarray(used)
      used = 0
      full = []
      fullBytes = 0
      return taken
    },
  }
}

const headsOf = (before: string) => ({
  result: Buffer.from(`${before}{"result":`),
  error: Buffer.from(`${before}{"error":`),
})
