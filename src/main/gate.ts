/** Whether credentials are asked for, as the store itself says it, now; what was required once stays so. */
import type { Config } from '../config.ts'
import type { Store } from '../store/store.ts'

export const modeOf = ({ auth }: Pick<Config, 'auth'>, tokens: Pick<Store['tokens'], 'required'>) => {
  let required = auth.mode === 'required'
  return async (): Promise<'open' | 'required'> => {
    required ||= (await tokens.required()) !== null
    return required ? 'required' : 'open'
  }
}
