/**
 * A directory of policies through the whole pipeline, up to where a cycle would apply it: no store, no server, and nothing
 * is written but opa's cache.
 */
import { resolve } from 'node:path'
import { createBuilder, type Built } from '../../sync/build.ts'
import { createDirectorySource } from '../../sync/directory-source.ts'
import { SourceError } from '../../sync/source.ts'
import { openCompiler } from '../compiler.ts'
import type { Config, DirectorySourceConfig } from '../config.ts'
import { defaultName } from '../config/sources.ts'
import { EdictError } from '../errors.ts'
import { createLog } from '../log.ts'
import type { CachedOpa } from '../opa/cached.ts'
import { shipped } from '../policy/rbac.ts'
import type { Finding, Fragment } from '../policy/schema.ts'
import { cacheFolder } from '../tools/cache-folder.ts'
import type { Tester, TestSubject } from '../testing/tester.ts'
import { allExtensions, type RunOptions } from './deployment.ts'
import { testerOf } from './tester.ts'

export interface FolderOptions extends RunOptions {
  readonly directory: string
  /** Run the tests. */
  readonly tests: boolean
}

export interface PolicyFolder {
  readonly fragment: Fragment
  readonly built: Built
  /** All of them, sorted. */
  readonly findings: readonly Finding[]
  readonly counts: { readonly policies: number; readonly modules: number; readonly rules: number }
  /** What was tested, by policy. */
  readonly subjects: ReadonlyMap<string, TestSubject>
}

/** The source that the configuration has for this directory, so that its settings hold here, too. */
const sourceOf = ({ sources }: Config, directory: string): DirectorySourceConfig => {
  const known = sources.find((source) => source.kind === 'directory' && source.directory === directory)
  if (known?.kind === 'directory') return known
  return { kind: 'directory', name: defaultName(directory), directory, intervalMs: 60_000, webhookSecret: null }
}

export const openFolder = async (options: FolderOptions): Promise<PolicyFolder> => {
  const { config, env, print, signal, onProgress } = options
  const source = sourceOf(config, resolve(options.directory))
  const extensions = await allExtensions(options)
  const fragment = await load(source, options)
  const opa = await openCompiler({ extensions, dataDir: cacheFolder(env), env, print, signal })
  const { tester, subjects } = recording(testerOf(config, extensions))
  const build = createBuilder({
    opa,
    limits: { maxData: config.limits.maxData },
    defaults: shipped,
    readPolicy: () => Promise.resolve(null),
    readText: (text) => Promise.resolve(typeof text === 'string' ? text : ''),
    ...(options.tests && { tester }),
  })
  const built = await build({
    fragments: [fragment],
    stored: { policies: [], modules: [], packages: [] },
    libraries: config.libraries,
    testModules: options.tests,
    signal,
    ...(source.scope !== undefined && { scopes: new Map([[source.name, source.scope]]) }),
    ...(onProgress && { onProgress }),
  })
  const findings = [...built.findings.values()].flat()
  const { policies = 0, modules = 0 } = built.counts.get(source.name) ?? {}
  return { fragment, built, findings, subjects, counts: { policies, modules, rules: await countRules(fragment, opa) } }
}

/** Rules of one name in one file are one, whether a function or not; tests do not count. */
const countRules = async ({ files }: Fragment, opa: CachedOpa): Promise<number> => {
  const rego = files.filter(({ path }) => path.endsWith('.rego') && !path.endsWith('_test.rego'))
  const parsed = await Promise.all(rego.map(({ text, digest }) => opa.parseKnown(text, digest)))
  const ofFile = parsed.map((one) =>
    one.ok ? new Set(one.analysis.rules.filter(({ isTest }) => !isTest).map(({ path }) => path.join('.'))).size : 0,
  )
  return ofFile.reduce((sum, count) => sum + count, 0)
}

const load = async (source: DirectorySourceConfig, { config, signal }: FolderOptions): Promise<Fragment> => {
  try {
    return await createDirectorySource(source, { log: createLog(config) }).load({ signal })
  } catch (error) {
    if (error instanceof SourceError) throw new EdictError('source_unavailable', error.message)
    throw error
  }
}

/** Tests are run whatever the source says of its cycles, and what was tested is kept. */
const recording = (inner: Tester): { readonly tester: Tester; readonly subjects: ReadonlyMap<string, TestSubject> } => {
  const subjects = new Map<string, TestSubject>()
  const tester: Tester = {
    isOn: () => true,
    test: (subject) => {
      subjects.set(subject.key, subject)
      return inner.test(subject)
    },
  }
  return { tester, subjects }
}
