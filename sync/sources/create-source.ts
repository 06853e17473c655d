/** One source from its configuration. */
import type { Logger } from 'pino'
import type { DirectorySourceConfig, GitSourceConfig, SourceConfig } from '../../src/config.ts'
import { createApiSource, type ApiSourceStore } from './api-source.ts'
import { createDirectorySource } from './directory-source.ts'
import { createGitSource } from '../git/source.ts'
import type { FileLimits } from './file-rules.ts'
import type { Source } from './source.ts'

export interface FileSourceDeps {
  readonly dataDir: string
  readonly log: Logger
  readonly limits?: FileLimits
  /** The environment that git may take its PATH, proxy, CA and ssh-agent variables from; nothing else passes. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface SourceDeps extends FileSourceDeps {
  /** Holds what an API source has. */
  readonly store: ApiSourceStore
}

export function createSource(config: SourceConfig, deps: SourceDeps): Source {
  return config.kind === 'api' ? createApiSource(config.name, deps.store) : createFileSource(config, deps)
}

export function createFileSource(config: GitSourceConfig | DirectorySourceConfig, deps: FileSourceDeps): Source {
  return config.kind === 'git' ? createGitSource(config, deps) : createDirectorySource(config, deps)
}
