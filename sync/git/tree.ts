/**
 * The files of one commit, read from the object database: never a checkout. A blob that was read once is not read
 * again. Symlinks, submodules, unusable names and contents become findings.
 */
import type { Finding, SourceFile } from '../../src/policy/schema.ts'
import {
  badName,
  fileFinding,
  isIgnored,
  isWanted,
  readText,
  sizeFinding,
  type FileLimits,
} from '../sources/file-rules.ts'
import type { Git } from './git.ts'

type Content = Pick<SourceFile, 'digest' | 'text'>

export interface TreeReader {
  readonly read: (
    commit: string,
    options: { readonly signal?: AbortSignal },
  ) => Promise<{ readonly files: readonly SourceFile[]; readonly findings: readonly Finding[] }>
}

interface Entry {
  readonly mode: string
  readonly oid: string
  readonly size: number
  readonly path: string
}

export class MissingPath extends Error {
  override readonly name = 'MissingPath'
}

export function createTreeReader({
  git,
  source,
  path,
  limits,
}: {
  readonly git: Git
  readonly source: string
  readonly path: string
  readonly limits: FileLimits
}): TreeReader {
  /** Contents of the last commit's blobs, null for those that are not UTF-8. */
  let known: ReadonlyMap<string, Content | null> = new Map()

  return {
    async read(commit, options) {
      const findings: Finding[] = []
      const entries = (await listTree(git, commit, path, options)).filter((entry) => {
        const finding = judge(source, entry, limits)
        if (finding !== null && finding !== 'ignored') findings.push(finding)
        return finding === null
      })
      const contents = new Map<string, Content | null>()
      for (const { oid } of entries) {
        const content = known.get(oid)
        if (content !== undefined) contents.set(oid, content)
      }
      const missing = [...new Set(entries.map(({ oid }) => oid).filter((oid) => !contents.has(oid)))]
      await git.readObjects(
        missing,
        (oid, bytes) => {
          if (bytes === null) throw new Error(`object ${oid} is missing`)
          contents.set(oid, readText(bytes))
        },
        options,
      )
      known = contents
      const files = entries.flatMap((entry): SourceFile[] => {
        const content = contents.get(entry.oid)
        if (content != null) return [{ path: entry.path, ...content }]
        findings.push(fileFinding(source, entry.path, 'not_utf8', `${entry.path} is not UTF-8 text`))
        return []
      })
      return { files: unique(source, files, findings), findings }
    },
  }
}

function judge(source: string, entry: Entry, limits: FileLimits): Finding | 'ignored' | null {
  const { path, mode } = entry
  if (isIgnored(path)) return 'ignored'
  const bad = badName(path)
  if (bad !== null) return fileFinding(source, path, 'bad_name', `a file is left out: ${bad}`)
  if (mode === '120000')
    return fileFinding(source, path, 'symlink', `${path} is a symbolic link, which is not followed`)
  if (mode === '160000') return fileFinding(source, path, 'submodule', `${path} is a submodule, which is not followed`)
  if (!isWanted(path)) return 'ignored'
  const large = sizeFinding(path, entry.size, limits)
  return large === null ? null : fileFinding(source, path, large.code, large.message)
}

/** A crafted tree may name a file twice. */
function unique(source: string, files: readonly SourceFile[], findings: Finding[]): SourceFile[] {
  const seen = new Set<string>()
  return files.filter(({ path }) => {
    if (!seen.has(path)) return seen.add(path)
    findings.push(fileFinding(source, path, 'bad_name', `${path} stands twice in the tree`))
    return false
  })
}

async function listTree(
  git: Git,
  commit: string,
  path: string,
  options: { readonly signal?: AbortSignal },
): Promise<Entry[]> {
  if (path !== '') {
    const found = await git.run(['ls-tree', '-z', commit, '--', path], options)
    const [entry] = parseEntries(found)
    if (entry === undefined || entry.mode !== '040000')
      throw new MissingPath(entry === undefined ? 'does not exist' : 'is not a folder')
  }
  return parseEntries(await git.run(['ls-tree', '-r', '-z', '-l', `${commit}:${path}`], options))
}

/** `<mode> <type> <oid>[ <size>]\t<path>\0`, the size padded, `-` for what is not a blob. */
function parseEntries(listing: string): Entry[] {
  return listing.split('\0').flatMap((line) => {
    const tab = line.indexOf('\t')
    if (tab < 0) return []
    const [mode = '', , oid = '', size = '0'] = line.slice(0, tab).split(/ +/)
    return [{ mode, oid, size: Number(size) || 0, path: line.slice(tab + 1) }]
  })
}
