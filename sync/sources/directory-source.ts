/**
 * A local directory as a source. Links are followed only inside of it (a mounted ConfigMap is made of such links);
 * files that are being written are waited for. There is no history, hence no blame.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { watch } from 'chokidar'
import type { Logger } from 'pino'
import type { DirectorySourceConfig } from '../../src/config.ts'
import type { Finding, Fragment, SourceFile } from '../../src/policy/schema.ts'
import {
  badName,
  defaultFileLimits,
  fileFinding,
  isIgnored,
  isWanted,
  readText,
  sizeFinding,
  type FileLimits,
} from './file-rules.ts'
import { SourceError, type Source } from './source.ts'

interface Entry {
  readonly path: string
  readonly real: string
  /** Changes whenever the file does. */
  readonly stamp: string
  readonly changedMs: number
}

interface Listing {
  readonly entries: readonly Entry[]
  readonly findings: readonly Finding[]
}

type Content = Pick<SourceFile, 'digest' | 'text'> | null

/** A file that changed less than this ago may still be half written. */
const quietMs = 40
/** Two writes within one tick of the file system's clock look alike. */
const trustedMs = 1_000

export function createDirectorySource(
  { name, directory }: DirectorySourceConfig,
  { log, limits = defaultFileLimits }: { readonly log: Logger; readonly limits?: FileLimits },
): Source {
  const known = new Map<string, { readonly stamp: string; readonly content: Content }>()
  let current: Fragment | undefined

  async function quietListing(signal: AbortSignal | undefined): Promise<Listing> {
    for (let attempt = 0; ; attempt++) {
      // oxlint-disable-next-line no-await-in-loop
      const listing = await list({ name, directory, limits })
      const age = Date.now() - Math.max(0, ...listing.entries.map(({ changedMs }) => changedMs))
      if (age >= quietMs || age < 0 || attempt === 50) return listing
      // oxlint-disable-next-line no-await-in-loop
      await sleep(quietMs, undefined, signal === undefined ? {} : { signal })
    }
  }

  async function readEntry(entry: Entry): Promise<Content> {
    const held = known.get(entry.path)
    if (held?.stamp === entry.stamp) return held.content
    const content = readText(await readFile(entry.real))
    if (Date.now() - entry.changedMs > trustedMs) known.set(entry.path, { stamp: entry.stamp, content })
    return content
  }

  return {
    name,
    kind: 'directory',
    describe: () => directory,
    blame: async () => null,

    async load({ signal }) {
      const { entries, findings } = await quietListing(signal)
      const all = [...findings]
      const files: SourceFile[] = []
      for (const entry of entries) {
        signal?.throwIfAborted()
        // oxlint-disable-next-line no-await-in-loop
        const content = await readEntry(entry).catch((error: unknown) => String(error))
        if (content === null || typeof content === 'string')
          all.push(
            content === null
              ? fileFinding(name, entry.path, 'not_utf8', `${entry.path} is not UTF-8 text`)
              : fileFinding(name, entry.path, 'unreadable', `${entry.path} cannot be read`),
          )
        else files.push({ path: entry.path, ...content })
      }
      const commit = listingDigest(files, all)
      if (commit === current?.commit) return current
      const marked = all.map((finding) => ({ ...finding, commit }))
      current = {
        source: name,
        kind: 'directory',
        commit,
        revision: commit,
        author: null,
        committedAt: null,
        files,
        findings: marked,
      }
      return current
    },

    watch(onChange, signal) {
      let pending: NodeJS.Timeout | undefined
      const watcher = watch(directory, {
        ignoreInitial: true,
        ignored: (path) => path.startsWith(directory + sep) && isIgnored(toPath(path.slice(directory.length + 1))),
        awaitWriteFinish: { stabilityThreshold: 60, pollInterval: 20 },
      })
      watcher.on('all', () => {
        clearTimeout(pending)
        pending = setTimeout(onChange, 60)
      })
      watcher.on('error', (error) => log.warn({ source: name, err: error }, 'the directory cannot be watched'))
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(pending)
          void watcher.close()
        },
        { once: true },
      )
    },
  }
}

const toPath = (native: string): string => native.split(sep).join('/')

async function list({
  name,
  directory,
  limits,
}: {
  readonly name: string
  readonly directory: string
  readonly limits: FileLimits
}): Promise<Listing> {
  const entries: Entry[] = []
  const findings: Finding[] = []

  async function visitFile(path: string, real: string): Promise<void> {
    const { size, mtimeNs, ctimeNs, ino } = await stat(real, { bigint: true })
    const large = sizeFinding(path, Number(size), limits)
    if (large !== null) findings.push(fileFinding(name, path, large.code, large.message))
    else
      entries.push({
        path,
        real,
        stamp: `${ino}:${size}:${mtimeNs}:${ctimeNs}`,
        changedMs: Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n),
      })
  }

  async function visit(prefix: string, real: string, parents: readonly string[]): Promise<void> {
    const children = await readdir(real, { withFileTypes: true })
    for (const child of children.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = prefix === '' ? child.name : `${prefix}/${child.name}`
      if (isIgnored(child.name)) continue
      const bad = badName(path)
      if (bad !== null) {
        findings.push(fileFinding(name, path, 'bad_name', `a file is left out: ${bad}`))
        continue
      }
      // oxlint-disable-next-line no-await-in-loop
      const target = child.isSymbolicLink() ? await linkTarget(join(real, child.name), [...parents, real]) : null
      if (target === 'outside') {
        findings.push(
          fileFinding(name, path, 'symlink', `${path} is a symbolic link out of the directory, which is not followed`),
        )
        continue
      }
      const isDirectory = target === null ? child.isDirectory() : target.isDirectory
      const isFile = target === null ? child.isFile() : !target.isDirectory
      const at = target === null ? join(real, child.name) : target.real
      // oxlint-disable-next-line no-await-in-loop
      if (isDirectory) await visit(path, at, [...parents, real])
      // oxlint-disable-next-line no-await-in-loop
      else if (isFile && isWanted(path)) await visitFile(path, at).catch(ignoreVanished)
    }
  }

  /** Where a link leads; `outside` also for one that is broken or leads to a folder that it lies in. */
  async function linkTarget(
    link: string,
    parents: readonly string[],
  ): Promise<'outside' | { readonly real: string; readonly isDirectory: boolean }> {
    try {
      const real = await realpath(link)
      const root = parents[0] ?? ''
      if (!real.startsWith(root + sep) || parents.includes(real)) return 'outside'
      const about = await stat(real)
      return about.isDirectory() || about.isFile() ? { real, isDirectory: about.isDirectory() } : 'outside'
    } catch {
      return 'outside'
    }
  }

  try {
    await visit('', await realpath(directory), [])
  } catch (error) {
    throw new SourceError('FetchFailed', `${directory}: ${reasonOf(error)}`)
  }
  return { entries, findings }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ENOENT') return 'the directory does not exist'
  if (code === 'ENOTDIR') return 'this is not a directory'
  if (code === 'EACCES' || code === 'EPERM') return 'the directory may not be read'
  return error instanceof Error ? error.message : String(error)
}

function ignoreVanished(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

/** sha256 over the sorted listing; what could not be read counts as well, or its repair would go unseen. */
function listingDigest(files: readonly SourceFile[], findings: readonly Finding[]): string {
  const hash = createHash('sha256')
  const lines = [
    ...files.map(({ path, digest }) => `${path}\0${digest}\0`),
    ...findings.map(({ code, file }) => `!${code}\0${file ?? ''}\0`),
  ]
  for (const line of lines.toSorted()) hash.update(line)
  return `sha256:${hash.digest('hex')}`
}
