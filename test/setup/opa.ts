/** The pinned opa, found once for the whole run. */
import { inject } from 'vitest'

export const opaPath = (): string => inject('opa')
