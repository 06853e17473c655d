/** `edict policy explain --actor`: who may do what by the configured rules. Roles that are not given are those of the actor's tokens. */
import { relative } from 'node:path'
import type { Action, Resource } from '../auth/actions.ts'
import { defaultRules } from '../auth/default-rules.ts'
import { explainAuthorization } from '../explain/authorization.ts'
import type { Explanation } from '../explain/view.ts'
import { createLog } from '../log.ts'
import { actorOf } from './acting.ts'
import { openDeployment, type RunOptions } from './deployment.ts'
import { parseRules, rulesText } from './rules-text.ts'

export interface ExplainAuthzOptions extends RunOptions {
  readonly cwd: string
  readonly actor: string
  /** null: look them up. */
  readonly belongs: { readonly roles: readonly string[]; readonly groups: readonly string[] } | null
  readonly action: Action
  readonly resource: Resource
}

export const explainAuthorizationHere = async (options: ExplainAuthzOptions): Promise<Explanation> => {
  const { config, cwd, action, resource } = options
  const { file } = config.policy
  const { rules, placeOf } =
    file === null
      ? { rules: defaultRules, placeOf: ([, index]: readonly unknown[]) => ({ line: Number(index) + 1 }) }
      : parseRules(rulesText(file), file)
  const shown = file === null ? 'shipped rules' : relative(cwd, file)
  return explainAuthorization({
    rules,
    protectedKeys: config.protected,
    question: {
      actor: { id: options.actor, kind: 'token', ...(await belongingOf(options)) },
      action,
      resources: [resource],
    },
    placeOf: (index) => ({ file: shown, line: placeOf(['rules', index]).line }),
  })
}

const belongingOf = async (options: ExplainAuthzOptions): Promise<NonNullable<ExplainAuthzOptions['belongs']>> => {
  if (options.belongs !== null) return options.belongs
  const { store, close } = await openDeployment(options, createLog(options.config))
  try {
    const found = await actorOf(store, { as: options.actor, breakGlass: null, command: '' })
    return { roles: found?.roles ?? [], groups: found?.groups ?? [] }
  } finally {
    await close()
  }
}
