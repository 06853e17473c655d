/**
 * The content of every source for one cycle. Those that are asked for are read anew; the others stand as last seen, but
 * only while nobody else has seen anything newer. A source that cannot be read stands with its last content, or not at
 * all: then its stored policies are left alone.
 */
import type { Logger } from 'pino'
import type { Fragment, SourceDocument } from '../../src/policy/schema.ts'
import type { Seen } from './source-status.ts'
import { SourceError, type Source } from './source.ts'

export interface Loader {
  readonly load: (options: {
    /** Names to read anew. */
    readonly wanted: ReadonlySet<string>
    readonly stored: ReadonlyMap<string, SourceDocument>
    readonly signal: AbortSignal | undefined
  }) => Promise<readonly Seen[]>
  /** Reads the API alone. Of the others, what is kept of the commit in force, or nothing. */
  readonly inForce: (stored: ReadonlyMap<string, SourceDocument>) => Promise<readonly Seen[]>
}

export function createLoader(sources: readonly Source[], log: Logger): Loader {
  const last = new Map<string, Fragment>()
  /** What was in force when something newer was read. */
  const replaced = new Map<string, Fragment>()
  const errors = new Map<string, SourceError>()

  function keep({ name }: Source, fragment: Fragment, before: SourceDocument | undefined): void {
    const known = last.get(name)
    if (known !== undefined && known.commit === before?.commit && known.commit !== fragment.commit)
      replaced.set(name, known)
    else if (fragment.commit === before?.commit) replaced.delete(name)
    last.set(name, fragment)
  }

  async function read(
    source: Source,
    before: SourceDocument | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      keep(source, await source.load(signal === undefined ? {} : { signal }), before)
      errors.delete(source.name)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof SourceError)) log.error({ source: source.name, err: error }, 'a source cannot be read')
      errors.set(
        source.name,
        error instanceof SourceError ? error : new SourceError('FetchFailed', `${source.describe()}: internal error`),
      )
    }
  }

  return {
    load: ({ wanted, stored, signal }) =>
      Promise.all(
        sources.map(async (source): Promise<Seen> => {
          const before = stored.get(source.name)
          const isCurrent = (fragment: Fragment | undefined): boolean =>
            fragment !== undefined && (before === undefined || before.lastSeenCommit === fragment.commit)
          // What the API holds is what the store holds: another worker may have changed it just now.
          const attempted =
            source.kind === 'api' ||
            wanted.has(source.name) ||
            !(isCurrent(last.get(source.name)) || errors.has(source.name))
          if (attempted) await read(source, before, signal)
          const error = errors.get(source.name) ?? null
          const fragment = last.get(source.name)
          const isUsable = fragment !== undefined && (error === null || isCurrent(fragment))
          return { source, before, fragment: isUsable ? fragment : null, attempted, error }
        }),
      ),
    inForce: (stored) =>
      Promise.all(
        sources.map(async (source): Promise<Seen> => {
          const before = stored.get(source.name)
          const kept = [last.get(source.name), replaced.get(source.name)]
          const fragment =
            source.kind === 'api' ? await source.load({}) : kept.find((one) => one?.commit === before?.commit)
          return { source, before, fragment: fragment ?? null, attempted: source.kind === 'api', error: null }
        }),
      ),
  }
}
