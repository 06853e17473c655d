/**
 * A bare mirror of one branch: what the remote has, fetched into a folder of our own that can always be made anew.
 * Anything odd about the folder (half-written, damaged, locked by a dead process) ends in a fresh one.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { GitFailure, type Git } from './git.ts'
import { isRemoteFault } from './errors.ts'

export interface Mirror {
  /** Brings the branch here and answers its commit; little more than a question when nothing has changed. */
  readonly fetch: (options: { readonly signal?: AbortSignal }) => Promise<string>
  /** Throws the mirror away; the next fetch makes it anew. */
  readonly discard: () => Promise<void>
}

export class MissingBranch extends Error {
  override readonly name = 'MissingBranch'
  readonly isEmpty: boolean

  constructor(isEmpty: boolean) {
    super(isEmpty ? 'the repository is empty' : 'there is no such branch')
    this.isEmpty = isEmpty
  }
}

const ref = 'refs/edict/branch'
const config = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n'

export function createMirror({
  git,
  dir,
  url,
  branch,
  log,
}: {
  readonly git: Git
  readonly dir: string
  readonly url: string
  readonly branch: string
  readonly log: Logger
}): Mirror {
  const wanted = `refs/heads/${branch}`
  const open = (): Promise<void> => openMirror(dir)
  const discard = (): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 3 })

  async function fetchOnce(signal: AbortSignal | undefined): Promise<string> {
    await open()
    const options = signal === undefined ? {} : { signal }
    await git.run(
      ['fetch', '--force', '--no-tags', '--no-write-fetch-head', '--progress', '--verbose', url, `+${wanted}:${ref}`],
      options,
    )
    const loose = await readFile(join(dir, ref), 'utf8').catch(() => null)
    const commit = (loose ?? (await git.run(['rev-parse', '--verify', ref], options))).trim()
    if (!/^[0-9a-f]{40,64}$/.test(commit)) throw new GitFailure('fatal: the fetched branch is not a commit')
    return commit
  }

  const isEmpty = async (signal: AbortSignal | undefined): Promise<boolean> =>
    (await git.run(['ls-remote', url], signal === undefined ? {} : { signal })).trim() === ''

  return {
    discard,

    async fetch({ signal }) {
      for (let attempt = 0; ; attempt++) {
        try {
          // oxlint-disable-next-line no-await-in-loop
          return await fetchOnce(signal)
        } catch (error) {
          signal?.throwIfAborted()
          // oxlint-disable-next-line no-await-in-loop
          if (error instanceof GitFailure && isBranchMissing(error)) throw new MissingBranch(await isEmpty(signal))
          if (!(error instanceof GitFailure) || isRemoteFault(error) || attempt >= 3) throw error
          // Somebody else's fetch into the same folder holds a lock for moments; a dead process's lock stays.
          const locked = /\.lock|cannot lock ref/.test(error.message)
          if (locked && attempt < 2) {
            // oxlint-disable-next-line no-await-in-loop
            await new Promise((resolve) => setTimeout(resolve, 200))
            continue
          }
          log.warn({ attempt }, 'the git mirror is damaged: making it anew')
          // oxlint-disable-next-line no-await-in-loop
          await discard()
        }
      }
    },
  }
}

const isBranchMissing = ({ message }: GitFailure): boolean => /couldn't find remote ref/i.test(message)

/** Written whole under another name, then renamed: a mirror that exists under its name is complete. */
async function openMirror(dir: string): Promise<void> {
  if (await isMirror(dir)) return
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  const fresh = `${dir}.${randomUUID()}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(join(fresh, 'objects', 'info'), { recursive: true })
  await mkdir(join(fresh, 'objects', 'pack'), { recursive: true })
  await mkdir(join(fresh, 'refs', 'heads'), { recursive: true })
  await writeFile(join(fresh, 'HEAD'), 'ref: refs/heads/none\n')
  await writeFile(join(fresh, 'config'), config)
  await rename(fresh, dir).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true })
    if (!(await isMirror(dir))) throw error
  })
}

/** What git itself asks of a repository, and nothing that reaches outside of it. */
async function isMirror(dir: string): Promise<boolean> {
  try {
    const head = await readFile(join(dir, 'HEAD'), 'utf8')
    const alternates = await readFile(join(dir, 'objects', 'info', 'alternates'), 'utf8').catch(() => null)
    const configured = await readFile(join(dir, 'config'), 'utf8')
    return head === 'ref: refs/heads/none\n' && configured === config && alternates === null
  } catch {
    return false
  }
}
