/** What is in force through the API, as a fragment like any other: the modules as they were sent, the rules as a table. */
import type { ApiContent } from './api-draft.ts'
import { digestOf, sha256 } from './digest.ts'
import { rulesDataPath, ruleTable, type Rule } from './rules.ts'
import type { Fragment, SourceFile } from './schema.ts'

export function apiFragment(source: string, content: ApiContent): Fragment {
  const files = [...content.modules.values(), ...tableFile(content.rules)]
  const commit = `sha256:${digestOf(files.map(({ path, digest }) => [path, digest]))}`
  return { source, kind: 'api', commit, revision: commit, author: null, committedAt: null, files, findings: [] }
}

const tables = new WeakMap<ApiContent['rules'], SourceFile>()

function tableFile(rules: ReadonlyMap<string, Rule>): readonly SourceFile[] {
  if (rules.size === 0) return []
  const known = tables.get(rules)
  if (known !== undefined) return [known]
  const text = ruleTable(rules.values())
  const file = { path: rulesDataPath, digest: sha256(text), text }
  tables.set(rules, file)
  return [file]
}
