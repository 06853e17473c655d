/**
 * The configuration: `edict.yaml`, or environment variables alone for one source. Every key is declared once here with
 * its variable, schema, default and doc; `docs/config.md` and the editor schema are generated from it.
 */

/** A value that is a secret: held, never printed. */
export interface Secret {
  readonly reveal: () => string
}

export interface GitSourceConfig {
  readonly name: string
  readonly kind: 'git'
  readonly url: string
  readonly branch: string
  /** Folder inside the repository, `""` for its root. */
  readonly path: string
  readonly credentials:
    | { readonly kind: 'none' }
    | { readonly kind: 'token'; readonly token: Secret }
    | { readonly kind: 'password'; readonly user: string; readonly password: Secret }
    | { readonly kind: 'ssh'; readonly keyFile: string; readonly knownHostsFile: string | null }
  readonly intervalMs: number
  readonly webhookSecret: Secret | null
}

export interface DirectorySourceConfig {
  readonly name: string
  readonly kind: 'directory'
  /** Absolute path. */
  readonly directory: string
  readonly intervalMs: number
  readonly webhookSecret: Secret | null
}

export type SourceConfig = GitSourceConfig | DirectorySourceConfig

export interface Limits {
  /** Bytes of a request body. */
  readonly maxBody: number
  /** Levels of nesting in an input. */
  readonly maxDepth: number
  /** Bytes of one data.json. */
  readonly maxData: number
  /** Requests in flight at once. */
  readonly maxConcurrent: number
  /** Bytes of request headers. */
  readonly maxHeaders: number
  /** Milliseconds for a client to send its whole request. */
  readonly requestTimeoutMs: number
  /** Loaded policies kept in memory. */
  readonly maxLoaded: number
}

export interface Config {
  readonly server: {
    readonly host: string
    readonly port: number
    readonly shutdownMs: number
    /** What a replica does that has lost the store. */
    readonly stale: 'serve' | 'refuse'
  }
  /** One folder for the embedded database, Git mirrors, caches and state. Absolute. */
  readonly dataDir: string
  readonly store: { readonly uri: Secret | null; readonly database: string }
  readonly auth: { readonly mode: 'open'; /** EDICT_AUTH=open was said explicitly. */ readonly explicit: boolean }
  readonly limits: Limits
  readonly log: {
    readonly level: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
    readonly decisions: boolean
    readonly decisionInput: boolean
    readonly decisionHeaders: boolean
  }
  readonly sources: readonly SourceConfig[]
}
