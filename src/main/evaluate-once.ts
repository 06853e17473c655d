/** One evaluation of a policy of a directory, with the settings that a server would give it. */
import { createEngine } from '../engine/engine.ts'
import type { Outcome } from '../engine/outcome.ts'
import { createSettings } from '../policy-settings.ts'
import { entrypoint } from '../policy/entry.ts'
import type { Compiled } from '../testing/runner.ts'
import type { RunOptions } from './deployment.ts'
import type { PolicyFolder } from './policy-folder.ts'
import { testLimits } from './tester.ts'

export interface EvaluateOnce extends RunOptions {
  readonly folder: PolicyFolder
  /** `group/name/version` */
  readonly key: string
  readonly compiled: Compiled
  readonly input: Uint8Array | undefined
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
}

export const evaluateOnce = async (options: EvaluateOnce): Promise<Outcome> => {
  const { config, folder, key, compiled, input, headers, print } = options
  const engine = createEngine({ extensions: folder.extensions, limits: testLimits(config) })
  const settings = createSettings(config, { info: () => undefined })({ _id: key, repository: folder.source.name })
  const module = await engine.compile(compiled.wasm)
  const printing = { ...settings, print: ({ text }: { readonly text: string }) => print(text) }
  const policy = engine.load({ module, data: compiled.data, entrypoint, settings: printing })
  return policy.evaluate(input, { header: (name) => headers.get(name.toLowerCase()) ?? '' })
}
