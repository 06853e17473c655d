/** Rules that nobody may change are refused before they are in force. Pure. */
import type { Rules } from './rules.ts'

/** Why nobody could change the rules any more; undefined: somebody could. A role, or a group of a credential, is somebody. */
export const lockOut = ({ groups, rules }: Rules): string | undefined => {
  const giving = (action: 'admin' | 'token') => rules.filter(({ actions }) => actions.includes(action))
  const isSomebody = (group: string): boolean => !Object.hasOwn(groups, group) || (groups[group] ?? []).length > 0
  const reaches = ({ actors, roles, groups: named }: Rules['rules'][number]): boolean =>
    actors.length + roles.length > 0 || named.some(isSomebody)
  for (const action of ['admin', 'token'] as const)
    if (!giving(action).some(reaches))
      return `nobody could change the rules: no rule gives anybody the action ${action}`
  return undefined
}
