/**
 * `edict policy explain POLICY`: the rule that made a decision, and what a denial lacked; here, or on a server. With
 * `--actor` and `--action`, who may do what.
 */
import { readFile } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import {
  type Action,
  anything,
  moduleResource,
  policyResource,
  type Resource,
  ruleResource,
  scopedActions,
  sourceResource,
  targetActions,
} from '../../auth/actions.ts'
import { EdictError } from '../../errors.ts'
import { printExact, readExact } from '../../explain/exact-json.ts'
import { explanationText } from '../../explain/text.ts'
import { explanationSchema, type Explanation } from '../../explain/view.ts'
import { explainAuthorizationHere } from '../../main/explain-authz.ts'
import { explainInFolder } from '../../main/explain-folder.ts'
import { createClient } from '../client.ts'
import { readCredential } from '../credential.ts'
import { tellWhoActs } from '../who-acts.ts'
import { type AddCommand, type Context, exit, runOptions } from '../context.ts'
import { folderOptions } from './folder.ts'

interface Options {
  readonly input?: string
  readonly header: readonly string[]
  readonly rule?: string
  readonly json?: boolean
  readonly actor?: string
  readonly action?: string
  readonly policy?: string
  readonly target?: string
  readonly roles?: string
  readonly groups?: string
  readonly by?: string
  readonly emails?: string
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

interface Wanted extends Omit<Options, 'policy'> {
  readonly policy: string
  readonly directory: string
}

const explained = async (context: Context, { policy, directory, input, header, rule }: Wanted) => {
  const server = context.server()
  if (server !== undefined) tellWhoActs(context)
  const bytes = await inputOf(input)
  const headers = headersOf(header)
  if (server === undefined)
    return explainInFolder({ ...folderOptions(context, directory), policy, asked: { input: bytes, headers, rule } })
  const members = [
    `"headers":${JSON.stringify(headers)}`,
    ...(bytes === undefined ? [] : [`"input":${jsonText(bytes)}`]),
    ...(rule === undefined ? [] : [`"rule":${JSON.stringify(rule)}`]),
  ]
  const path = `/policy/${policy.split('/').map(encodeURIComponent).join('/')}/explain`
  const client = createClient({ url: server, token: readCredential(context.env) })
  return explanationSchema.parse(readExact(await client.text(path, { method: 'POST', body: `{${members.join(',')}}` })))
}

/** As it stands, every digit of it. */
const jsonText = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).toString()
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw new EdictError('config_invalid', `--input is not JSON: ${error instanceof Error ? error.message : ''}`)
  }
}

const isAction = (written: string): written is Action =>
  [...scopedActions, ...targetActions, 'admin'].some((action) => action === written)

const named = (written: string | undefined): readonly string[] =>
  (written ?? '').split(',').filter((name) => name !== '')

const resourceOf = ({ policy, target = policy, by }: Options): Resource => {
  if (target === undefined) return anything
  const makers = by === undefined ? undefined : named(by)
  const [, kind = 'policy', key = target] = /^(policy|module|source|rule|plan):(.*)$/.exec(target) ?? []
  if (kind === 'source') return sourceResource(key)
  if (kind === 'module') return moduleResource(key, makers)
  if (kind === 'plan') return { kind, key }
  return kind === 'rule' ? ruleResource(key) : policyResource(key, makers)
}

const authorized = (context: Context, options: Options): Promise<Explanation> => {
  const { actor, action, roles, groups, emails } = options
  if (context.server() !== undefined)
    throw new EdictError(
      'config_invalid',
      'Who may do what is explained by the rules of this configuration, not of a server: leave --server out.',
    )
  if (actor === undefined || action === undefined)
    throw new EdictError('config_invalid', 'Name a policy, or an --actor and an --action.')
  if (!isAction(action))
    throw new EdictError(
      'config_invalid',
      `There is no action ${action}; there are ${[...scopedActions, ...targetActions, 'admin'].join(', ')}.`,
    )
  const belongs = roles === undefined && groups === undefined ? null : { roles: named(roles), groups: named(groups) }
  const resource = resourceOf(options)
  return explainAuthorizationHere({
    ...runOptions(context),
    cwd: context.cwd,
    actor,
    belongs,
    emails: named(emails),
    action,
    resource,
  })
}

const show = ({ print }: Context, explanation: Explanation, json: boolean): void => {
  print(json ? printExact(explanation, 2) : explanationText(explanation))
  process.exitCode = explanation.decision === null ? exit.failed : exit.done
}

export const addExplain: AddCommand = (policy, context) =>
  void policy
    .command('explain')
    .description(
      'say which rule makes a decision, and of a denial which conditions failed with what they saw; of a directory, or with --server',
    )
    .argument('[policy]', 'group/name/version')
    .argument('[dir]', 'the directory', '.')
    .option('-i, --input <file>', 'the input as JSON; - reads standard input')
    .option(
      '-H, --header <line>',
      "a header of the request, 'Name: value'",
      (line, all: string[]) => [...all, line],
      [],
    )
    .option('--rule <name>', 'one rule of the policy, as allow (default: all)')
    .option('--actor <name>', 'instead of a policy’s decision: may this actor do --action?')
    .option('--action <action>', 'as change, lock, apply')
    .option('--policy <policy>', 'to this policy')
    .option('--target <what>', 'to this: policy:…, module:…, rule:<service>, source:<name>, plan:<id>')
    .option('--roles <names>', 'roles of the actor, with commas between (default: those of the actor’s tokens)')
    .option('--groups <names>', 'groups of the actor, beside those of the rules file')
    .option('--emails <addresses>', 'e-mail addresses of the actor, beside those of the rules file')
    .option(
      '--by <names>',
      'who made it, or locked it (default: who locked it in the store, whose wishes a plan holds)',
    )
    .option('--json', 'print JSON')
    .action(async (key: string | undefined, directory: string, options: Options) => {
      if (key === undefined) return show(context, await authorized(context, options), options.json === true)
      show(context, await explained(context, { ...options, policy: key, directory }), options.json === true)
    })
