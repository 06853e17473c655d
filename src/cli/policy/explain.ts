/** `edict policy explain POLICY`: the rule that made a decision, and what a denial lacked; here, or on a server. */
import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import { EdictError } from '../../errors.ts'
import { explanationText } from '../../explain/text.ts'
import { explanationSchema, type Explanation } from '../../explain/view.ts'
import { explainInFolder } from '../../main/explain-folder.ts'
import { createClient } from '../client.ts'
import { readCredential } from '../credential.ts'
import { type AddCommand, asJson, type Context, exit, runOptions } from '../context.ts'

interface Options {
  readonly input?: string
  readonly header: readonly string[]
  readonly rule?: string
  readonly json?: boolean
}

const inputOf = async (file: string | undefined): Promise<Uint8Array | undefined> => {
  if (file === undefined) return undefined
  return file === '-' ? Buffer.from(await readAll(process.stdin)) : readFile(file)
}

const headersOf = (written: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    written.map((line) => {
      const at = line.indexOf(':')
      if (at < 1) throw new EdictError('config_invalid', `--header ${line} is no header: write 'Name: value'.`)
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const
    }),
  )

interface Wanted extends Options {
  readonly policy: string
  readonly directory: string
}

const explained = async (context: Context, { policy, directory, input, header, rule }: Wanted) => {
  const server = context.server()
  const bytes = await inputOf(input)
  const headers = headersOf(header)
  if (server === undefined)
    return explainInFolder({ ...runOptions(context), directory, policy, asked: { input: bytes, headers, rule } })
  const members = [
    `"headers":${JSON.stringify(headers)}`,
    ...(bytes === undefined ? [] : [`"input":${Buffer.from(bytes).toString()}`]),
    ...(rule === undefined ? [] : [`"rule":${JSON.stringify(rule)}`]),
  ]
  const path = `/policy/${policy.split('/').map(encodeURIComponent).join('/')}/explain`
  const answer = await createClient({ url: server, token: readCredential(context.env) }).json(
    'POST',
    path,
    JSON.parse(`{${members.join(',')}}`),
  )
  return explanationSchema.parse(answer)
}

const show = ({ print }: Context, explanation: Explanation, json: boolean): void => {
  print(json ? asJson(explanation) : explanationText(explanation))
  process.exitCode = explanation.decision === null ? exit.failed : exit.done
}

export const addExplain: AddCommand = (policy, context) =>
  void policy
    .command('explain')
    .description(
      'say which rule makes a decision, and of a denial which conditions failed with what they saw; of a directory, or with --server',
    )
    .argument('<policy>', 'group/name/version')
    .argument('[dir]', 'the directory', '.')
    .option('-i, --input <file>', 'the input as JSON; - reads standard input')
    .option(
      '-H, --header <line>',
      "a header of the request, 'Name: value'",
      (line, all: string[]) => [...all, line],
      [],
    )
    .option('--rule <name>', 'one rule of the policy, as allow (default: all)')
    .option('--json', 'print JSON')
    .action(async (key: string, directory: string, options: Options) => {
      show(context, await explained(context, { ...options, policy: key, directory }), options.json === true)
    })
