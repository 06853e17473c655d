/** `edict token`: who may come in. A token is printed once, alone on standard output; the rest is told beside it. */
import { hasExpired } from '../auth/resolve.ts'
import { createTokenHere, listTokensHere, revokeTokenHere } from '../main/tokens.ts'
import type { ListedToken } from '../store/tokens.ts'
import { type AddCommand, asJson, type Context, runOptions } from './context.ts'
import { readCredential } from './credential.ts'
import { createTokensThere, type KnownBy, type ShownToken, type TokenOperations } from './tokens-there.ts'
import { tellWhoActs } from './who-acts.ts'

interface Asked {
  readonly actor: string
  readonly roles?: string
  readonly groups?: string
  readonly expires?: string
  readonly json?: boolean
}

export const addToken: AddCommand = (program, context) => {
  const { print, tell } = context
  const command = program.command('token').description('make, list and revoke tokens')

  command
    .command('create')
    .description('make a token and print it, this once; the first one makes servers ask for credentials for good')
    .requiredOption('--actor <name>', 'who acts with it')
    .option('--roles <names>', 'roles, with commas between; the first token needs superuser')
    .option('--groups <names>', 'groups, with commas between')
    .option('--expires <when>', 'a span such as 90d or 12h, an instant, or never (default: 90d)')
    .option('--json', 'print JSON')
    .action(async ({ actor, roles, groups, expires, json }: Asked) => {
      const wanted = { actor, roles: names(roles), groups: names(groups), expires }
      const { token, secret, knownBy } = await operationsOf(context).create(wanted)
      if (json) return print(asJson({ token: secret, ...token }))
      print(secret)
      tell(`token ${token.id} for ${token.actor}, ${until(token.expires)}; it is shown this once`)
      if (knownBy !== null) tellWho(knownBy, tell)
    })

  command
    .command('list')
    .description('list tokens, without their secrets')
    .option('--json', 'print JSON')
    .action(async ({ json }: Pick<Asked, 'json'>) => {
      const tokens = await operationsOf(context).list()
      print(json ? asJson(tokens) : tokens.length === 0 ? 'no tokens' : tokens.map(line).join('\n'))
    })

  command
    .command('revoke')
    .argument('<id>', 'as `edict token list` names it')
    .description('revoke a token: no live server takes it afterwards')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Pick<Asked, 'json'>) => {
      const { token, knownBy } = await operationsOf(context).revoke(id)
      if (json) return print(asJson({ ...token, ...knownBy }))
      tell(`token ${token.id} of ${token.actor} is revoked`)
      tellWho(knownBy, tell)
    })
}

const operationsOf = (context: Context): TokenOperations => {
  const server = context.server()
  if (server === undefined) return createTokensHere(context)
  tellWhoActs(context)
  return createTokensThere(server, readCredential(context.env))
}

const createTokensHere = (context: Context): TokenOperations => {
  const options = () => runOptions(context)
  return {
    create: async (wanted) => {
      const { token, secret, confirmation } = await createTokenHere(options(), wanted)
      return { secret, token: shown({ ...token, lastUsed: null }), knownBy: known(confirmation) }
    },
    list: async () => (await listTokensHere(options())).map(shown),
    revoke: async (id) => {
      const { token, confirmation } = await revokeTokenHere(options(), id)
      return { token: shown({ ...token, lastUsed: null }), knownBy: known(confirmation) }
    },
  }
}

const names = (written: string | undefined): readonly string[] =>
  (written ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const known = ({ confirmed, silent, pending }: Readonly<Record<keyof KnownBy, readonly string[]>>): KnownBy => ({
  confirmed: [...confirmed],
  silent: [...silent],
  pending: [...pending],
})

const tellWho = ({ pending, silent }: KnownBy, tell: (text: string) => void): void => {
  if (pending.length > 0) tell(`not confirmed in time by ${pending.join(', ')}`)
  if (silent.length > 0) tell(`not heard of lately: ${silent.join(', ')}`)
}

const until = (expires: string | null): string => (expires === null ? 'without end' : `until ${expires}`)

const shown = (token: ListedToken): ShownToken => ({
  id: token._id,
  actor: token.actor,
  roles: [...token.roles],
  groups: [...token.groups],
  created: token.created.toISOString(),
  createdBy: token.createdBy,
  expires: token.expires?.toISOString() ?? null,
  revoked: token.revoked?.toISOString() ?? null,
  lastUsed: token.lastUsed?.toISOString() ?? null,
  state: token.revoked !== null ? 'revoked' : hasExpired(token, Date.now()) ? 'expired' : 'active',
})

const line = ({ id, actor, roles, groups, expires, lastUsed, state }: ShownToken): string =>
  [
    id,
    state.padEnd(7),
    actor,
    `roles=${roles.join(',') || '-'}`,
    `groups=${groups.join(',') || '-'}`,
    until(expires),
    lastUsed === null ? 'never used' : `last used ${lastUsed}`,
  ].join('  ')
