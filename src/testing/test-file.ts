/** `policy.tests.yaml` → its cases, or all that is wrong with it, with line and column. A matrix becomes its cases. */
import type { Node } from 'yaml'
import { expectation, matrixExpectation } from './expectation.ts'
import { readMocks } from './mock-answers.ts'
import type { DataOverride, Expectation, Mocks, TestCase } from './test-case.ts'
import { parsePath } from './value-path.ts'
import { readYaml, type Member, type YamlFile, type YamlProblem } from './yaml-file.ts'

export const testsFileName = 'policy.tests.yaml'

export type ParsedTests =
  | { readonly ok: true; readonly cases: readonly TestCase[] }
  | { readonly ok: false; readonly problems: readonly YamlProblem[] }

export interface ParseOptions {
  /** Names that may be mocked: all builtins that are not computed by the policy itself. */
  readonly mockable: (name: string) => boolean
  /** Where the file does not say. */
  readonly strict?: boolean
}

/** What holds for all cases of a file, and for one. */
interface Circumstances {
  readonly headers: ReadonlyMap<string, string>
  readonly data: readonly DataOverride[]
  readonly now: bigint | undefined
  readonly mocks: Mocks
  readonly strict: boolean
  readonly maxCost: number | undefined
}

const shared = ['headers', 'data', 'now', 'mocks', 'strict', 'maxCost']
const ofFile = ['cases', ...shared]
const ofCase = ['name', 'input', 'expect', 'matrix', ...shared]
const none: Circumstances = {
  headers: new Map(),
  data: [],
  now: undefined,
  mocks: new Map(),
  strict: false,
  maxCost: undefined,
}

export function parseTests(text: string, options: ParseOptions): ParsedTests {
  const file = readYaml(text)
  const cases = file.problems.length > 0 ? [] : casesOf(file, options)
  return file.problems.length > 0 ? { ok: false, problems: file.problems } : { ok: true, cases }
}

function casesOf(file: YamlFile, options: ParseOptions): readonly TestCase[] {
  const members = file.members(file.root, 'a tests file', ofFile)
  if (members === undefined) return []
  const general = circumstances(file, members, { ...none, strict: options.strict ?? false }, options)
  const list = nodeOf(members, 'cases')
  const items = list == null ? file.problem(file.root, 'there are no cases') : file.items(list, 'cases')
  const cases = (items ?? []).flatMap((item) => caseOf(file, item, general, options))
  checkNames(file, cases)
  return cases.map(({ case: made }) => made)
}

interface Placed {
  readonly case: TestCase
  readonly node: Node
}

function caseOf(file: YamlFile, node: Node, general: Circumstances, options: ParseOptions): readonly Placed[] {
  const members = file.members(node, 'a case', ofCase)
  if (members === undefined) return []
  const nameNode = nodeOf(members, 'name')
  const name = nameNode == null ? file.problem(node, 'the case has no name') : file.text(nameNode, 'a name')
  const own = circumstances(file, members, general, options)
  const matrix = nodeOf(members, 'matrix')
  if (matrix !== undefined) return matrixCases(file, { members, matrix, name: name ?? '', own })
  const expectNode = nodeOf(members, 'expect') ?? null
  if (expectNode === null) file.problem(node, 'the case expects nothing: it needs expect')
  const inputMember = members.find(({ key }) => key === 'input')
  const made: TestCase = {
    name: name ?? '',
    ...file.place(node),
    ...own,
    input: inputMember === undefined ? undefined : file.value(inputMember.node),
    expect: expectNode === null ? [] : expectation(file, expectNode),
    expectRange: expectNode === null ? null : file.range(expectNode),
  }
  return [{ case: made, node }]
}

interface Matrix {
  readonly members: readonly Member[]
  readonly matrix: Node | null
  readonly name: string
  readonly own: Circumstances
}

/** One case for each input; each expectation has a value for each of them. */
function matrixCases(file: YamlFile, { members, matrix, name, own }: Matrix): readonly Placed[] {
  for (const { key, keyNode } of members)
    if (key === 'input' || key === 'expect') file.problem(keyNode, `a case with a matrix has no ${key} of its own`)
  const parts = file.members(matrix, 'a matrix', ['inputs', 'expect']) ?? []
  const inputs = file.members(nodeOf(parts, 'inputs') ?? null, 'the inputs of a matrix') ?? []
  const columns = inputs.map(({ key }) => key)
  const expected = matrixExpectation(file, nodeOf(parts, 'expect') ?? null, columns)
  return inputs.map(({ key, keyNode, node }) => ({
    node: keyNode,
    case: {
      name: `${name} › ${key}`,
      ...file.place(keyNode),
      ...own,
      input: file.value(node),
      expect: [{ kind: 'paths', paths: expected.get(key) ?? [] } satisfies Expectation],
      expectRange: null,
    },
  }))
}

function circumstances(
  file: YamlFile,
  members: readonly Member[],
  general: Circumstances,
  options: ParseOptions,
): Circumstances {
  const read = <T>(key: string, reader: (node: Node | null) => T): T | undefined => {
    const found = members.find((one) => one.key === key)
    return found === undefined ? undefined : reader(found.node)
  }
  const mocks = read('mocks', (node) => readMocks(file, node, options.mockable))
  return {
    headers: new Map([...general.headers, ...(read('headers', (node) => readHeaders(file, node)) ?? [])]),
    data: [...general.data, ...(read('data', (node) => readData(file, node)) ?? [])],
    now: read('now', (node) => readTime(file, node)) ?? general.now,
    mocks: new Map([...general.mocks, ...(mocks ?? [])]),
    strict: read('strict', (node) => readFlag(file, node)) ?? general.strict,
    maxCost: read('maxCost', (node) => readCost(file, node)) ?? general.maxCost,
  }
}

function readHeaders(file: YamlFile, node: Node | null): ReadonlyMap<string, string> {
  const all = file.members(node, 'headers') ?? []
  return new Map(all.map(({ key, node: value }) => [key.toLowerCase(), file.text(value, `the header ${key}`) ?? '']))
}

function readData(file: YamlFile, node: Node | null): readonly DataOverride[] {
  return (file.members(node, 'data') ?? []).flatMap(({ key, keyNode, node: value }) => {
    const path = parsePath(key)
    if (path === undefined) return file.problem(keyNode, `${JSON.stringify(key)} is no path`) ?? []
    return [{ path, value: file.value(value) }]
  })
}

const timeText = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** RFC 3339, or nanoseconds since the epoch. */
function readTime(file: YamlFile, node: Node | null): bigint | undefined {
  const value = file.value(node)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (value instanceof Object && 'text' in value && /^-?\d+$/.test(value.text)) return BigInt(value.text)
  const [, seconds, fraction = '', zone] = (typeof value === 'string' ? timeText.exec(value) : null) ?? []
  const ms = seconds === undefined ? NaN : Date.parse(`${seconds}${zone ?? ''}`)
  if (!Number.isNaN(ms)) return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  return file.problem(node, 'now must be a time such as 2030-01-31T12:00:00Z, or nanoseconds since 1970')
}

function readFlag(file: YamlFile, node: Node | null): boolean | undefined {
  const value = file.value(node)
  return typeof value === 'boolean' ? value : file.problem(node, 'strict must be true or false')
}

function readCost(file: YamlFile, node: Node | null): number | undefined {
  const value = file.value(node)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  return file.problem(node, 'maxCost must be a whole number of units, above 0')
}

/** undefined: the key is not there. */
function nodeOf(members: readonly Member[], key: string): Node | null | undefined {
  return members.find((one) => one.key === key)?.node
}

function checkNames(file: YamlFile, cases: readonly Placed[]): void {
  const seen = new Set<string>()
  for (const { case: made, node } of cases) {
    if (seen.has(made.name)) file.problem(node, `the name ${JSON.stringify(made.name)} stands twice`)
    seen.add(made.name)
  }
}
