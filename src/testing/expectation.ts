/** What a case expects, from its YAML. */
import type { Node } from 'yaml'
import type { Expectation, PathExpectation } from './test-case.ts'
import { parsePath } from './value-path.ts'
import type { Member, YamlFile } from './yaml-file.ts'

const kinds = ['exact', 'partial', 'path', 'error', 'message']

export function expectation(file: YamlFile, node: Node): readonly Expectation[] {
  const members = file.members(node, 'expect', kinds) ?? []
  const has = (key: string) => members.some((one) => one.key === key)
  if (members.length === 0) file.problem(node, `expect needs one of ${kinds.slice(0, -1).join(', ')}`)
  if (has('error') && members.some(({ key }) => key !== 'error' && key !== 'message'))
    file.problem(node, 'an error has no answer: error stands alone, or with message')
  if (has('message') && !has('error')) file.problem(node, 'message goes with error')
  return members.flatMap((member) => one(file, member, members))
}

function one(file: YamlFile, { key, keyNode, node }: Member, all: readonly Member[]): readonly Expectation[] {
  if (key === 'exact' || key === 'partial')
    return [{ kind: key, value: file.value(node), range: file.range(node ?? keyNode) }]
  if (key === 'path') return [{ kind: 'paths', paths: pathsOf(file, node) }]
  if (key !== 'error') return []
  const message = all.find((other) => other.key === 'message')
  return [
    {
      kind: 'error',
      code: file.text(node, 'error') ?? '',
      message: message === undefined ? null : (file.text(message.node, 'message') ?? null),
    },
  ]
}

function pathsOf(file: YamlFile, node: Node | null): readonly PathExpectation[] {
  return (file.members(node, 'path') ?? []).flatMap((member) => {
    const path = readPath(file, member)
    return path === undefined
      ? []
      : [{ path, value: file.value(member.node), range: file.range(member.node ?? member.keyNode) }]
  })
}

function readPath(file: YamlFile, { key, keyNode }: Member) {
  const path = parsePath(key)
  if (path === undefined) file.problem(keyNode, `${JSON.stringify(key)} is no path: deny[0], user.name, grants["a.b"]`)
  return path
}

/** By input: what is expected of its answer. Each path has a value for each input. */
export function matrixExpectation(
  file: YamlFile,
  node: Node | null,
  inputs: readonly string[],
): ReadonlyMap<string, readonly PathExpectation[]> {
  const expected = new Map<string, PathExpectation[]>(inputs.map((input) => [input, []]))
  for (const row of file.members(node, 'expect of a matrix') ?? []) {
    const path = readPath(file, row)
    const cells = file.members(row.node, `expect of ${row.key}`, inputs) ?? []
    for (const input of inputs)
      if (!cells.some(({ key }) => key === input))
        file.problem(row.keyNode, `${row.key} says nothing of ${JSON.stringify(input)}`)
    for (const { key, keyNode, node: cell } of path === undefined ? [] : cells)
      expected.get(key)?.push({ path: path ?? [], value: file.value(cell), range: file.range(cell ?? keyNode) })
  }
  return expected
}
