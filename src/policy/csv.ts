/** Comma-separated values as RFC 4180 has them: quotes around what holds commas, quotes or line breaks. Pure. */

export type CsvResult =
  | { readonly ok: true; readonly rows: readonly CsvRow[] }
  | { readonly ok: false; readonly line: number; readonly message: string }

export interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

export function parseCsv(written: string): CsvResult {
  const text = written.startsWith('\ufeff') ? written.slice(1) : written
  const rows: CsvRow[] = []
  const cell = /"((?:[^"]|"")*)"(?=,|\r?\n|$)|([^",\r\n]*)(?=,|\r?\n|$)/y
  let cells: string[] = []
  let line = 1
  let begun = 1
  for (let at = 0; ;) {
    cell.lastIndex = at
    const found = cell.exec(text)
    if (found === null) return { ok: false, line, message: 'a quote stands where none may, or is not closed' }
    const [whole, quoted, bare = ''] = found
    cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    line += whole.split('\n').length - 1
    at += whole.length
    if (text[at] === ',') {
      at += 1
      continue
    }
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: begun, cells })
    if (at >= text.length) return { ok: true, rows }
    at += text[at] === '\r' ? 2 : 1
    line += 1
    begun = line
    cells = []
    if (at >= text.length) return { ok: true, rows }
  }
}

export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('')
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text
}
