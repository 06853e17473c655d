/** `edict rules`: rules and modules of a running server, over its HTTP API. */
import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { EdictError } from '../errors.ts'
import { createClient, type Client } from './client.ts'
import { asJson, type Context } from './context.ts'
import { readCredential } from './credential.ts'
import { modulesPatch, writeModules } from './export-modules.ts'
import { type Outcome, outcomeOf, rehearsalLines, rehearse, upsert } from './rule-changes.ts'
import { parseRules, type RuleInput } from '../policy/rule-list.ts'
import { tellWhoActs } from './who-acts.ts'

interface Filters {
  readonly service?: string
  readonly type?: string
  readonly role?: string
  readonly action?: string
}

interface NewRules {
  readonly service: string
  readonly type: string
  readonly role: readonly string[]
  readonly action: readonly string[]
  readonly inactive?: boolean
}

const listed = z.object({
  rules: z.array(
    z.object({
      id: z.string(),
      service_name: z.string(),
      resource_type: z.string(),
      role: z.string(),
      action: z.string(),
      is_active: z.boolean(),
    }),
  ),
  next: z.number().nullable(),
  total: z.number(),
})

export const rulesCommand = (context: Context): Command => {
  const { env, print, tell, server } = context
  const command = new Command('rules')
    .description('list and change rules, and export modules, of a running server (EDICT_TOKEN, EDICT_TOKEN_FILE)')
    .option('--url <url>', 'the server (default: --server, EDICT_URL, http://127.0.0.1:8081)')
  const say = ({ message, ...outcome }: Outcome, json: boolean | undefined): void =>
    json ? print(asJson(outcome)) : tell(message)
  const client = (): Client => {
    tellWhoActs(context)
    const url = command.opts<{ url?: string }>().url ?? server() ?? (env['EDICT_URL'] || 'http://127.0.0.1:8081')
    return createClient({ url, token: readCredential(env) })
  }
  const filtered = (sub: Command): Command =>
    sub
      .option('--service <name>', 'only of this service')
      .option('--type <type>', 'only for this type of resource')
      .option('--role <role>', 'only of this role')
      .option('--action <action>', 'only of this action')

  filtered(command.command('list'))
    .description('list rules')
    .option('--json', 'print JSON')
    .action(async ({ json, ...filters }: Filters & AsJson) => {
      const rules = await everyRule(client(), filters)
      print(json ? asJson(rules) : rules.map(ruleLine).join('\n'))
    })

  command
    .command('add')
    .description('give roles their actions on a type of resource')
    .requiredOption('--service <name>', 'the service')
    .requiredOption('--type <type>', 'the type of resource')
    .requiredOption('--role <role...>', 'one or more roles')
    .requiredOption('--action <action...>', 'one or more actions')
    .option('--inactive', 'switched off')
    .option('--json', 'print JSON')
    .action(async ({ json, ...asked }: NewRules & AsJson) => say(await upsert(client(), newRules(asked)), json))

  filtered(command.command('remove'))
    .description('delete all rules that match')
    .option('--json', 'print JSON')
    .action(async ({ json, ...filters }: Filters & AsJson) =>
      say(outcomeOf(await client().json('DELETE', `/api/rules?${query(filters)}`)), json),
    )

  command
    .command('import')
    .argument('<file>', 'CSV with a header, or JSON')
    .description('add the rules of a file, and switch those that are there')
    .option('--dry-run', 'only say what would change')
    .option('--json', 'print JSON')
    .action(async (file: string, { dryRun = false, json }: { dryRun?: boolean } & AsJson) => {
      const rules = await readRules(file)
      if (!dryRun) return say(await upsert(client(), rules), json)
      const told = await rehearse(client(), rules)
      print(json ? asJson(told) : told.flatMap(rehearsalLines).join('\n'))
    })

  filtered(command.command('export'))
    .description('print rules as a file, or write the modules of the API')
    .addOption(new Option('--format <format>', 'of the rules').choices(['json', 'csv']).default('json'))
    .option('--modules <folder>', 'write modules there instead, generated ones as readable Rego')
    .option('--patch', 'print modules as a patch instead')
    .action(async ({ format, modules, patch, ...filters }: Filters & ExportOptions) => {
      if (modules !== undefined) return tell(`${await writeModules(client(), modules)} modules written to ${modules}`)
      if (patch) return print(await modulesPatch(client()))
      return print((await client().text(`/api/rules/export?format=${format}&${query(filters)}`)).trimEnd())
    })
  return command
}

interface AsJson {
  readonly json?: boolean
}

interface ExportOptions {
  readonly format: 'json' | 'csv'
  readonly modules?: string
  readonly patch?: boolean
}

const query = ({ service, type, role, action }: Filters): string => {
  const named = { service_name: service, resource_type: type, role, action }
  const given = Object.entries(named).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  )
  return new URLSearchParams(given).toString()
}

type Listed = z.infer<typeof listed>['rules'][number]

const everyRule = async (client: Client, filters: Filters): Promise<readonly Listed[]> => {
  const all: Listed[] = []
  for (let offset: number | null = 0; offset !== null;) {
    // oxlint-disable-next-line no-await-in-loop
    const page: z.infer<typeof listed> = listed.parse(
      await client.json('GET', `/api/rules?limit=1000&offset=${offset}&${query(filters)}`),
    )
    all.push(...page.rules)
    offset = page.next
  }
  return all
}

const ruleLine = ({ service_name, resource_type, role, action, is_active, id }: Listed): string =>
  [id, service_name, ...[resource_type, role, action].map((text) => JSON.stringify(text)), is_active ? '' : 'inactive']
    .join('  ')
    .trimEnd()

const newRules = ({ service, type, role, action, inactive = false }: NewRules): readonly RuleInput[] =>
  role.flatMap((one) =>
    action.map((act) => ({ service_name: service, resource_type: type, role: one, action: act, is_active: !inactive })),
  )

const readRules = async (file: string): Promise<readonly RuleInput[]> => {
  const parsed = parseRules(await readFile(file, 'utf8'), /\.csv$/i.test(file) ? 'csv' : 'json')
  if (parsed.ok) return parsed.rules
  const lines = parsed.problems.map(({ place, message }) => `  ${file}: ${place}: ${message}`)
  throw new EdictError('invalid_request', `the rules are not valid\n${lines.join('\n')}`)
}
