/**
 * Whether a credential is asked for, and which tokens there are, as the replica's store says. `unknown`: nothing was heard
 * of the store yet. What was required once stays so for as long as the process lives, whatever happens to the store.
 */
import type { SettingDocument, TokenDocument } from '../policy/schema.ts'

export type AuthMode = 'open' | 'required' | 'unknown'

export interface KnownTokens {
  readonly mode: () => AuthMode
  readonly isLoaded: () => boolean
  /** No token was made yet: a bootstrap secret is good. */
  readonly isFirst: () => boolean
  readonly find: (id: string) => TokenDocument | undefined
  /** All there is. */
  readonly replace: (known: {
    readonly tokens: readonly TokenDocument[]
    readonly settings: readonly SettingDocument[]
  }) => void
  readonly advance: (change: {
    readonly tokens: { readonly set: readonly TokenDocument[]; readonly removed: readonly string[] }
    readonly settings: readonly SettingDocument[]
  }) => void
}

export const createKnownTokens = ({
  required,
}: {
  /** By configuration. */ readonly required: boolean
}): KnownTokens => {
  const tokens = new Map<string, TokenDocument>()
  let loaded = false
  let asked = required
  let made = false
  const note = (settings: readonly SettingDocument[]): void => {
    const setting = settings.find((one) => one._id === 'auth')
    if (tokens.size > 0 || (setting !== undefined && setting.made !== false)) made = true
    if (made || setting !== undefined) asked = true
  }
  return {
    mode: () => (asked ? 'required' : loaded ? 'open' : 'unknown'),
    isLoaded: () => loaded,
    isFirst: () => loaded && !made,
    find: (id) => tokens.get(id),
    replace: (known) => {
      tokens.clear()
      for (const token of known.tokens) tokens.set(token._id, token)
      loaded = true
      note(known.settings)
    },
    advance: (change) => {
      for (const token of change.tokens.set) tokens.set(token._id, token)
      note(change.settings)
      for (const id of change.tokens.removed) tokens.delete(id)
    },
  }
}
