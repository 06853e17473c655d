/** `docs/conformance.md` on disk: written, or only held against what it should be. */
import { readFileSync, writeFileSync } from 'node:fs'

export const documentFile = 'docs/conformance.md'

export type DocumentState = 'up to date' | 'written' | 'out of date'

export function settleDocument(text: string, mode: 'write' | 'check'): DocumentState {
  if (current() === text) return 'up to date'
  if (mode === 'check') return 'out of date'
  writeFileSync(documentFile, text)
  return 'written'
}

function current(): string | undefined {
  try {
    return readFileSync(documentFile, 'utf8')
  } catch {
    return undefined
  }
}
