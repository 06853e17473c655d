/** Where a server is asked, its token says who acts: what would say so on the store itself is not heard, and that is told. */
import { EdictError } from '../errors.ts'
import { configOf, type Context } from './context.ts'

export type Asking = Pick<Context, 'as' | 'breakGlass' | 'env' | 'cwd' | 'file' | 'tell'>

export const tellWhoActs = (context: Asking): void => {
  const { as, breakGlass, tell } = context
  const options = [...(as() === undefined ? [] : ['--as']), ...(breakGlass() === undefined ? [] : ['--break-glass'])]
  const unheard = [...options, ...(as() === undefined && configuredActor(context) !== null ? ['cli.actor'] : [])]
  if (unheard.length === 0) return
  tell(
    `edict: ${unheard.join(' and ')} ${unheard.length === 1 ? 'is' : 'are'} not heard: the token says who acts on a server`,
  )
}

/** A configuration that is wrong is nothing to a server elsewhere. */
const configuredActor = (context: Asking): string | null => {
  try {
    return configOf(context).cli.actor
  } catch (error) {
    if (error instanceof EdictError) return null
    throw error
  }
}
