/** `edict token`: who may come in. A token is printed once, alone on standard output; the rest is told beside it. */
import { hasExpired } from '../auth/resolve.ts'
import type { RunOptions } from '../main/deployment.ts'
import { createTokenHere, listTokensHere, revokeTokenHere } from '../main/tokens.ts'
import type { Confirmation } from '../store/replicas.ts'
import type { ListedToken } from '../store/tokens.ts'
import { type AddCommand, asJson, runOptions } from './context.ts'

interface Asked {
  readonly actor: string
  readonly roles?: string
  readonly groups?: string
  readonly expires?: string
  readonly json?: boolean
}

export const addToken: AddCommand = (program, context) => {
  const { print, tell } = context
  const options = (): RunOptions => runOptions(context)
  const command = program.command('token').description('make, list and revoke tokens, on the store itself')

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
      const { token, secret, confirmation } = await createTokenHere(options(), wanted)
      if (json) return print(asJson({ token: secret, ...shown({ ...token, lastUsed: null }) }))
      print(secret)
      tell(`token ${token._id} for ${token.actor}, ${until(token.expires)}; it is shown this once`)
      tellWho(confirmation, tell)
    })

  command
    .command('list')
    .description('list tokens, without their secrets')
    .option('--json', 'print JSON')
    .action(async ({ json }: Pick<Asked, 'json'>) => {
      const tokens = (await listTokensHere(options())).map(shown)
      print(json ? asJson(tokens) : tokens.length === 0 ? 'no tokens' : tokens.map(line).join('\n'))
    })

  command
    .command('revoke')
    .argument('<id>', 'as `edict token list` names it')
    .description('revoke a token: no live server takes it afterwards')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Pick<Asked, 'json'>) => {
      const { token, confirmation } = await revokeTokenHere(options(), id)
      if (json) return print(asJson({ id: token._id, actor: token.actor, state: 'revoked', ...confirmation }))
      tell(`token ${token._id} of ${token.actor} is revoked`)
      tellWho(confirmation, tell)
    })
}

const names = (written: string | undefined): readonly string[] =>
  (written ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const tellWho = ({ pending, silent }: Confirmation, tell: (text: string) => void): void => {
  if (pending.length > 0) tell(`not confirmed in time by ${pending.join(', ')}`)
  if (silent.length > 0) tell(`not heard of lately: ${silent.join(', ')}`)
}

const until = (expires: Date | null): string => (expires === null ? 'without end' : `until ${expires.toISOString()}`)

const shown = (token: ListedToken) => ({
  id: token._id,
  actor: token.actor,
  roles: token.roles,
  groups: token.groups,
  created: token.created,
  createdBy: token.createdBy,
  expires: token.expires,
  revoked: token.revoked,
  lastUsed: token.lastUsed,
  state: token.revoked !== null ? 'revoked' : hasExpired(token, Date.now()) ? 'expired' : 'active',
})

const line = ({ id, actor, roles, groups, expires, lastUsed, state }: ReturnType<typeof shown>): string =>
  [
    id,
    state.padEnd(7),
    actor,
    `roles=${roles.join(',') || '-'}`,
    `groups=${groups.join(',') || '-'}`,
    until(expires),
    lastUsed === null ? 'never used' : `last used ${lastUsed.toISOString()}`,
  ].join('  ')
