/** The rules of who may do what: shown, and taken up again from their file when somebody asks for it, or it changed. */
import { rulesFileActor, type Actor } from '../auth/actor.ts'
import { authzResource } from '../auth/actions.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import type { RulesPort } from '../http/routes/authz.ts'
import type { ReplicaStatus } from '../store/replicas.ts'
import type { Store } from '../store/store.ts'
import { actorOf, commandLine } from './acting.ts'
import type { RunOptions } from './deployment.ts'
import { readRulesFile, type ReadRules, type RulesInForce } from './rules-in-force.ts'
import { withStore } from './with-store.ts'

export interface ReloadedRules {
  readonly digest: string
  readonly sequence: number
  readonly hash: string
}

export interface ReloadOptions {
  readonly store: Pick<Store, 'enforce' | 'rulesChanges'>
  /** The file as it is now; null: there is none. */
  readonly read: ReadRules | null
  readonly actor: Actor | null
  readonly from: string | null
}

/** Tells every process to read its file again. Rejects with `forbidden`, `conflict`, `policy_invalid`: then nothing changes. */
export const reloadRules = async ({ store, read, actor, from }: ReloadOptions): Promise<ReloadedRules> => {
  await store.enforce(actor, 'admin', authzResource)
  if (read === null)
    throw new EdictError(
      'conflict',
      'there is no rules file to read again: policy.file is not set, what is shipped holds',
    )
  const { digest } = read
  if (read.kind === 'good') return { digest, ...(await store.rulesChanges.announce({ actor, from, digest })) }
  await store.rulesChanges.refuse({ actor, from, digest, problem: read.error.message })
  throw refused(read.error)
}

/** What the file's own change came to. Several servers that see the same one need it said once. */
export const noteRules = async ({ rulesChanges }: Pick<Store, 'rulesChanges'>, read: ReadRules): Promise<void> => {
  const { digest } = read
  const asked = { actor: rulesFileActor, from: commandLine(), digest }
  if (read.kind === 'bad') await rulesChanges.refuse({ ...asked, problem: read.error.message })
  else if ((await rulesChanges.last())?.digest !== digest) await rulesChanges.announce(asked)
}

/** As the routes ask for it. */
export const rulesPortOf = ({
  config,
  store,
  rules,
}: {
  readonly config: Pick<Config, 'protected'>
  readonly store: Pick<Store, 'enforce' | 'rulesChanges' | 'replicas'>
  readonly rules: RulesInForce
}): RulesPort => ({
  state: () => ({ ...rules.state(), protectedKeys: config.protected }),
  replicas: store.replicas.list,
  reload: ({ actor, from }) => reloadRules({ store, read: rules.read(), actor, from }),
  confirmed: (sequence) => store.replicas.confirm(sequence),
})

const refused = ({ message, errors }: EdictError): EdictError =>
  new EdictError('policy_invalid', `${message}\nThe rules in force stay in force.`, { errors })

const isDenial = (error: unknown): boolean =>
  error instanceof EdictError && (error.code === 'forbidden' || error.code === 'unauthenticated')

export interface ReloadedHere extends ReloadedRules {
  readonly replicas: readonly ReplicaStatus[]
  readonly pending: readonly string[]
  readonly silent: readonly string[]
}

/** From the command line. With a file that cannot be taken there is no rule by which anybody could be let in: what is shipped decides who may have that written down. */
export const reloadRulesHere = async (options: RunOptions): Promise<ReloadedHere> => {
  const { config } = options
  const { file } = config.policy
  const read = file === null ? null : readRulesFile(file)
  const isBad = read?.kind === 'bad'
  const opened = isBad ? { ...options, config: { ...config, policy: { ...config.policy, file: null } } } : options
  return withStore(opened, async (store) => {
    const actor = await actorOf(store, options.acting)
    const done = await reloadRules({ store, read, actor, from: commandLine() }).catch((error: unknown) => {
      throw isBad && isDenial(error) ? refused(read.error) : error
    })
    const { pending, silent } = await store.replicas.confirm(done.sequence)
    return { ...done, pending, silent, replicas: await store.replicas.list() }
  })
}
