/** Opens what dry runs need: two compilers, because what explanations call is no builtin of a draft's. */
import type { Extension } from '../../extensions/extension.ts'
import { openDraftCompiler } from '../compiler.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { probeBuiltins } from '../explain/host.ts'
import type { RunDraft } from '../http/routes/dry-run.ts'
import type { Opa } from '../opa/run.ts'
import { readableOf } from '../policy/readable.ts'
import type { Store } from '../store/store.ts'
import type { Environment } from '../tools/cache-folder.ts'
import { createDraftExplainer } from './draft-explain.ts'
import { createRunDraft } from './draft-run.ts'
import { scopesOf } from './sync.ts'

export interface DryRunOptions {
  readonly config: Config
  readonly store: Pick<Store, 'policies'>
  readonly extensions: readonly Extension[]
  readonly env: Environment
  readonly print: (line: string) => void
  readonly signal: AbortSignal
}

export const createDryRun = ({ config, store, extensions, ...tool }: DryRunOptions): RunDraft => {
  const { budget, maxDepth, maxMemory: memory } = config.limits
  const compiler = (also: readonly Extension[] = []) =>
    openedOnce(() => openDraftCompiler({ ...tool, extensions: [...extensions, ...also] }))
  const explain = createDraftExplainer({
    openOpa: compiler(probeBuiltins(onlyDeclared)),
    extensions,
    limits: { budget, maxDepth, memory },
  })
  const readable = readableOf(scopesOf(config), config.libraries)
  return createRunDraft({ store, extensions, openOpa: compiler(), budget, readable, explain })
}

const onlyDeclared = (): never => {
  throw new EdictError('internal_error', 'nothing is explained now')
}

/** When it is needed first; tried again when that failed. */
const openedOnce = (open: () => Promise<Opa>): (() => Promise<Opa>) => {
  let opening: Promise<Opa> | undefined
  return () => {
    opening ??= open()
    opening.catch(() => (opening = undefined))
    return opening
  }
}
