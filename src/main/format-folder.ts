/** All Rego of a directory as `opa fmt` writes it. Writes nothing. */
import { findingOfError } from '../policy/analysis.ts'
import type { Finding, Fragment } from '../policy/schema.ts'
import { openSource, type DirectoryOptions } from './policy-folder.ts'

export interface Formatted {
  readonly fragment: Fragment
  /** Files whose text differs. */
  readonly changed: readonly { readonly path: string; readonly text: string }[]
  /** What cannot be parsed. */
  readonly findings: readonly Finding[]
}

export const formatFolder = async (options: DirectoryOptions): Promise<Formatted> => {
  const { fragment, opa } = await openSource(options)
  const { signal } = options
  const rego = fragment.files.filter(({ path }) => path.endsWith('.rego'))
  const all = await Promise.all(
    rego.map(async (file) => {
      const parsed = await opa.parseKnown(file.text, file.digest, { signal })
      const result = parsed.ok ? await opa.format(file.text, parsed.analysis.regoVersion, { signal }) : parsed
      return { file, result }
    }),
  )
  return {
    fragment,
    changed: all.flatMap(({ file, result }) =>
      result.ok && 'text' in result && result.text !== file.text ? [{ path: file.path, text: result.text }] : [],
    ),
    findings: all.flatMap(({ file, result }) =>
      result.ok ? [] : result.errors.map((error) => findingOfError(fragment, { ...error, file: file.path })),
    ),
  }
}
