/** A unified diff as lines with their numbers, and paired for two columns. */
export interface Line {
  readonly number: number
  readonly text: string
}

export type DiffRow =
  | { readonly kind: 'hunk'; readonly text: string }
  | { readonly kind: 'same'; readonly before: Line; readonly after: Line }
  | { readonly kind: 'del'; readonly before: Line }
  | { readonly kind: 'add'; readonly after: Line }

export interface Pair {
  readonly before: Line | undefined
  readonly after: Line | undefined
  readonly kind: 'same' | 'changed'
}

export const diffRows = (diff: string): readonly DiffRow[] => {
  let [left, right] = [1, 1]
  let isInHunk = false
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .flatMap((line): DiffRow[] => {
      const start = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line)
      if (start !== null) {
        isInHunk = true
        left = Math.max(1, Number(start[1]))
        right = Math.max(1, Number(start[2]))
        return [{ kind: 'hunk', text: line }]
      }
      if (!isInHunk || line.startsWith('\\')) return []
      const text = line.slice(1)
      if (line.startsWith('+')) return [{ kind: 'add', after: { number: right++, text } }]
      if (line.startsWith('-')) return [{ kind: 'del', before: { number: left++, text } }]
      return [{ kind: 'same', before: { number: left++, text }, after: { number: right++, text } }]
    })
}

/** What was removed beside what was added in its place. */
export const pairs = (rows: readonly DiffRow[]): readonly (Pair | Extract<DiffRow, { kind: 'hunk' }>)[] => {
  const all: (Pair | Extract<DiffRow, { kind: 'hunk' }>)[] = []
  let removed: Line[] = []
  let added: Line[] = []
  const flush = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at++)
      all.push({ kind: 'changed', before: removed[at], after: added[at] })
    removed = []
    added = []
  }
  for (const row of rows) {
    if (row.kind === 'del') {
      if (added.length > 0) flush()
      removed.push(row.before)
    } else if (row.kind === 'add') added.push(row.after)
    else {
      flush()
      all.push(row)
    }
  }
  flush()
  return all
}

export const changedLines = (rows: readonly DiffRow[]): { readonly added: number; readonly removed: number } => ({
  added: rows.filter(({ kind }) => kind === 'add').length,
  removed: rows.filter(({ kind }) => kind === 'del').length,
})
