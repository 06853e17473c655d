/** What is in force through the API, as a fragment like any other: the modules as they were sent, the rules as a table. */
import { countServices, type ApiContent } from './api-draft.ts'
import { digestOf, sha256 } from './digest.ts'
import { generatedModule, rulesDataPath, ruleTable, type Rule } from './rules.ts'
import type { Claim, Fragment, SourceFile } from './schema.ts'

export function apiFragment(source: string, content: ApiContent): Fragment {
  const { files: generated, claims } = generatedOf(content.rules)
  const files = [...content.modules.values(), ...generated]
  const owned = claims.map(({ key }) => ['claim', key])
  const commit = `sha256:${digestOf([...files.map(({ path, digest }) => ['file', path, digest]), ...owned])}`
  const common = { source, kind: 'api', commit, revision: commit, author: null, committedAt: null } as const
  return { ...common, files, claims, findings: [] }
}

interface Generated {
  readonly files: readonly SourceFile[]
  /** Each service owns the module that its rules would be, if they were written. */
  readonly claims: readonly Claim[]
}

const known = new WeakMap<ApiContent['rules'], Generated>()

function generatedOf(rules: ReadonlyMap<string, Rule>): Generated {
  const made = known.get(rules) ?? generate(rules)
  known.set(rules, made)
  return made
}

function generate(rules: ReadonlyMap<string, Rule>): Generated {
  if (rules.size === 0) return { files: [], claims: [] }
  const text = ruleTable(rules.values())
  const claims = [...countServices(rules.values()).keys()].map((service): Claim => {
    const key = generatedModule(service)
    return { kind: 'module', key, file: `${key}.rego` }
  })
  return { files: [{ path: rulesDataPath, digest: sha256(text), text }], claims }
}
