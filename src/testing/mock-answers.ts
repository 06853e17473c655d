/** `mocks:` of a case: what builtins answer instead of doing their work. */
import type { Node } from 'yaml'
import type { RegoValue } from '../../extensions/extension.ts'
import { mismatches } from './mismatch.ts'
import type { MockAnswer, Mocks } from './test-case.ts'
import { absent, type YamlFile } from './yaml-file.ts'

export function readMocks(file: YamlFile, node: Node | null, mockable: (name: string) => boolean): Mocks {
  const all = file.members(node, 'mocks') ?? []
  return new Map(
    all.map(({ key, keyNode, node: list }) => {
      if (!mockable(key)) file.problem(keyNode, `${key} cannot be mocked: the policy computes it by itself`)
      return [key, (file.items(list, `the answers of ${key}`) ?? []).map((item) => answerOf(file, item))] as const
    }),
  )
}

function answerOf(file: YamlFile, node: Node): MockAnswer {
  const members = file.members(node, 'an answer', ['args', 'result', 'error']) ?? []
  const find = (key: string) => members.find((one) => one.key === key)
  const args = find('args')
  const [result, error] = [find('result'), find('error')]
  if ((result === undefined) === (error === undefined)) file.problem(node, 'an answer has either result or error')
  const items = args === undefined ? undefined : file.items(args.node, 'args')
  return {
    args: items?.map((item) => file.value(item)) ?? null,
    answer:
      error === undefined
        ? valueAnswer(file.value(result?.node ?? null))
        : { kind: 'error', message: file.text(error.node, 'error') ?? '' },
  }
}

function valueAnswer(value: RegoValue): MockAnswer['answer'] {
  return value === absent ? { kind: 'undefined' } : { kind: 'value', value }
}

/** The first that fits. */
export function findAnswer(answers: readonly MockAnswer[], args: readonly RegoValue[]): MockAnswer | undefined {
  return answers.find(
    ({ args: wanted }) =>
      wanted === null ||
      wanted.every((expected, i) => mismatches({ expected, actual: args[i], partial: true }).length === 0),
  )
}
