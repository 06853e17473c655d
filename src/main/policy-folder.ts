/**
 * A directory of policies through the whole pipeline, up to where a cycle would apply it: no store, no server, and nothing
 * is written but opa's cache.
 */
import { resolve } from 'node:path'
import type { Extension } from '../../extensions/extension.ts'
import { createBuilder, type Built } from '../../sync/build/build.ts'
import { createDirectorySource } from '../../sync/sources/directory-source.ts'
import { SourceError } from '../../sync/sources/source.ts'
import { openCompiler } from '../compiler.ts'
import type { Config, DirectorySourceConfig } from '../config.ts'
import { defaultName } from '../config/sources.ts'
import { EdictError } from '../errors.ts'
import { createLog } from '../log.ts'
import type { CachedOpa } from '../opa/cached.ts'
import { sortFindings } from '../policy/analysis.ts'
import { place } from '../policy/layout.ts'
import { shipped } from '../policy/rbac.ts'
import type { Finding, Fragment } from '../policy/schema.ts'
import { cacheFolder } from '../tools/cache-folder.ts'
import type { Compiled } from '../testing/runner.ts'
import { checkingTester, type Tester, type TestSubject } from '../testing/tester.ts'
import { allExtensions, type RunOptions } from './deployment.ts'
import { testerOf, testsFileFindings } from './tester.ts'

export interface DirectoryOptions extends RunOptions {
  readonly directory: string
}

export interface FolderOptions extends DirectoryOptions {
  /** Run the tests; or only look at their files and compile them; or neither. */
  readonly tests: 'run' | 'check' | 'none'
  /** Of all policies, this one alone. */
  readonly only?: string
}

/** What a directory holds, and what it is compiled with. */
export interface OpenSource {
  readonly source: DirectorySourceConfig
  readonly fragment: Fragment
  readonly extensions: readonly Extension[]
  readonly opa: CachedOpa
}

export interface PolicyFolder extends OpenSource {
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

export const openSource = async (options: DirectoryOptions): Promise<OpenSource> => {
  const { config, env, print, signal } = options
  const source = sourceOf(config, resolve(options.directory))
  const extensions = await allExtensions(options)
  const fragment = await load(source, options)
  const opa = await openCompiler({ extensions, dataDir: cacheFolder(env), env, print, signal })
  return { source, fragment, extensions, opa }
}

export const openFolder = async (options: FolderOptions): Promise<PolicyFolder> => {
  const { config, only, signal, onProgress } = options
  const opened = await openSource(options)
  const { source, extensions, opa } = opened
  const fragment = only === undefined ? opened.fragment : onlyPolicy(opened.fragment, only)
  const { tester, subjects } = recording(options.tests === 'run' ? testerOf(config, extensions) : checkingTester)
  const build = createBuilder({
    opa,
    limits: { maxData: config.limits.maxData },
    defaults: shipped,
    readPolicy: () => Promise.resolve(null),
    readText: (text) => Promise.resolve(typeof text === 'string' ? text : ''),
    ...(options.tests !== 'none' && { tester }),
  })
  const built = await build({
    fragments: [fragment],
    stored: { policies: [], modules: [], packages: [] },
    libraries: config.libraries,
    testModules: 'tell',
    signal,
    ...(source.scope !== undefined && { scopes: new Map([[source.name, source.scope]]) }),
    ...(onProgress && { onProgress }),
  })
  const ofTests = options.tests === 'check' ? testsFileFindings(fragment, { config, extensions }) : []
  const findings = sortFindings([...[...built.findings.values()].flat(), ...ofTests])
  const { policies = 0, modules = 0 } = built.counts.get(source.name) ?? {}
  const counts = { policies, modules, rules: await countRules(fragment, opa) }
  return { ...opened, fragment, built, findings, subjects, counts }
}

/** With all that policies share. */
const onlyPolicy = (fragment: Fragment, key: string): Fragment => {
  const placed = place(fragment.files.map(({ path }) => path))
  const isWanted = (path: string): boolean => {
    const what = placed.get(path)
    return what?.kind !== 'policy' || what.policy.key === key
  }
  return { ...fragment, files: fragment.files.filter(({ path }) => isWanted(path)) }
}

/** What one policy was compiled to; undefined when it was not. */
export const compiledOf = ({ built }: PolicyFolder, key: string): Compiled | undefined => {
  const artifact = built.documents.create.find(({ _id }) => _id === key)?.artifact
  const blobs = new Map(built.blobs.map(({ digest, bytes }) => [digest, bytes]))
  const [wasm, data] = [blobs.get(artifact?.wasm ?? ''), blobs.get(artifact?.data ?? '')]
  return wasm === undefined || data === undefined ? undefined : { wasm, data }
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

const load = async (source: DirectorySourceConfig, { config, signal }: DirectoryOptions): Promise<Fragment> => {
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
