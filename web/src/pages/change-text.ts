/** What a revision did, in a few words. */
type Changed = Readonly<Record<'created' | 'replaced' | 'removed', readonly string[]>>

const kinds = ['created', 'replaced', 'removed'] as const

/** `2 created, 1 removed`; a dash when nothing. */
export const changeText = (changed: Changed): string => {
  const said = kinds.flatMap((kind) => (changed[kind].length === 0 ? [] : [`${changed[kind].length} ${kind}`]))
  return said.length === 0 ? '–' : said.join(', ')
}

export const keysOf = (changed: Changed): string =>
  kinds.flatMap((kind) => changed[kind].slice(0, 20).map((key) => `${key} ${kind}`)).join('\n')
