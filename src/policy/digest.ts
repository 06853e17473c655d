/** Content is identity: sha256 names for texts, bytes, and sorted lists of named parts. */
import { createHash } from 'node:crypto'

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Names a set of parts whatever their order: each part's strings are joined by NUL, the parts sorted, then hashed. */
export function digestOf(parts: readonly (readonly string[])[]): string {
  const lines = parts.map((part) => part.join('\0')).sort()
  return sha256(lines.join('\0\0'))
}
