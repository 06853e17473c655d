/**
 * PEM blocks as Go's `encoding/pem` finds them (RFC 7468, and the headers of RFC 1421, which are skipped): what is no
 * complete, well-formed block is passed over.
 */
import { decodeStandard } from './base64.ts'

export interface PemBlock {
  readonly type: string
  readonly bytes: Buffer
}

const begin = '-----BEGIN '
const end = '\n-----END '
const dashes = '-----'

/** The next block and what comes after it; undefined when there is none. */
export function nextPem(text: string): { readonly block: PemBlock; readonly rest: string } | undefined {
  for (let from = 0; ;) {
    const endAt = text.indexOf(end, from)
    if (endAt < 0) return undefined
    // The last BEGIN before this END: others have no END of their own.
    const beginAt = endAt < begin.length ? -1 : text.lastIndexOf(begin, endAt - begin.length)
    const startsLine = beginAt === from || text[beginAt - 1] === '\n'
    const found = beginAt >= from && startsLine ? blockBetween(text, beginAt, endAt) : undefined
    if (found !== undefined) return found
    from = endAt + end.length
  }
}

export function pemBlocks(text: string): { readonly blocks: readonly PemBlock[]; readonly rest: string } {
  const blocks: PemBlock[] = []
  let rest = text
  for (let next = nextPem(rest); next !== undefined; next = nextPem(rest)) {
    blocks.push(next.block)
    rest = next.rest
  }
  return { blocks, rest }
}

export const isPem = (text: string): boolean => text.startsWith('-----BEGIN')

function blockBetween(text: string, beginAt: number, endAt: number): ReturnType<typeof nextPem> {
  const first = lineAt(text, beginAt + begin.length)
  if (!first.line.endsWith(dashes)) return undefined
  const type = first.line.slice(0, -dashes.length)
  const bodyAt = afterHeaders(text, first.next)
  // With headers there must be a line between them and the end.
  if (bodyAt === undefined || (bodyAt !== first.next && bodyAt > endAt)) return undefined
  const trailer = text.slice(endAt + end.length)
  if (!trailer.startsWith(type + dashes)) return undefined
  const last = lineAt(text, endAt + end.length + type.length + dashes.length)
  if (last.line !== '') return undefined
  try {
    const body = bodyAt < endAt ? text.slice(bodyAt, endAt).replaceAll(/[ \t]/g, '') : ''
    return { block: { type, bytes: decodeStandard(body) }, rest: text.slice(last.next) }
  } catch {
    return undefined
  }
}

/** Where the first line without a colon begins. */
function afterHeaders(text: string, from: number): number | undefined {
  for (let at = from; at < text.length;) {
    const { line, next } = lineAt(text, at)
    if (!line.includes(':')) return at
    at = next
  }
  return undefined
}

function lineAt(text: string, from: number): { readonly line: string; readonly next: number } {
  const newline = text.indexOf('\n', from)
  const stop = newline < 0 ? text.length : newline
  return { line: text.slice(from, stop).replace(/[ \t\r]+$/, ''), next: newline < 0 ? stop : newline + 1 }
}
