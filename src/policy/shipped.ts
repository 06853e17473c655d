/** The fragment of defaults that Edict ships: in force as long as nobody else declares what is in it. */
import { defaultSource } from './compose.ts'
import { digestOf, sha256 } from './digest.ts'
import type { Fragment } from './schema.ts'

/** By path: Rego text. */
const texts: Readonly<Record<string, string>> = {}

const files = Object.entries(texts).map(([path, text]) => ({ path, text, digest: sha256(text) }))
const commit = `sha256:${digestOf(files.map(({ path, digest }) => [path, digest]))}`

export const shipped: Fragment = {
  source: defaultSource,
  kind: 'directory',
  commit,
  revision: commit,
  author: null,
  committedAt: null,
  files,
  findings: [],
}
