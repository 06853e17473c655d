/** The rules of `*_test.rego` that are tests, and the generated module through which WASM answers each by itself. */
import type { RegoFile } from '../policy/analysis.ts'
import type { AnalysedFile } from '../policy/artifact.ts'
import { entryPath } from '../policy/entry.ts'
import { showPath } from '../policy/paths.ts'

export interface RegoTest {
  readonly name: string
  /** Below `data`. */
  readonly path: readonly string[]
  readonly file: string
  readonly line: number
  /** Named `todo_test_…`: not run. */
  readonly isTodo: boolean
}

/** In the order of files and lines. Several rules of one name are one test. */
export function regoTests(files: readonly AnalysedFile[]): readonly RegoTest[] {
  const tests = new Map<string, RegoTest>()
  for (const { file, analysis } of files) {
    for (const rule of analysis.rules) {
      const path = [...analysis.package, ...rule.path]
      const name = showPath(path)
      if (!rule.isTest || rule.isFunction || tests.has(name)) continue
      const isTodo = rule.path[0]?.startsWith('todo_') === true
      tests.set(name, { name, path, file: file.path, line: rule.line, isTodo })
    }
  }
  return [...tests.values()]
}

export const testEntrypoint = (index: number): string => `edict/entry/t${index}`

export function testEntry(tests: readonly RegoTest[]): RegoFile {
  const rules = tests.map(
    ({ path }, index) => `t${index} := data${path.map((key) => `[${JSON.stringify(key)}]`).join('')}`,
  )
  return { path: entryPath, regoVersion: 1, text: `package edict.entry\n\n${rules.join('\n')}\n` }
}
