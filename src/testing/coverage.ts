/** Lines of Rego that tests reach, file by file: merged over policies, as LCOV and as a table. */
export interface FileCoverage {
  readonly file: string
  readonly covered: ReadonlySet<number>
  readonly missed: ReadonlySet<number>
}

/** A line that one policy's tests reach is reached, whoever else uses the file. */
export function mergeCoverage(all: Iterable<FileCoverage>): readonly FileCoverage[] {
  const files = new Map<string, { covered: Set<number>; missed: Set<number> }>()
  for (const { file, covered, missed } of all) {
    const known = files.get(file) ?? { covered: new Set(), missed: new Set() }
    files.set(file, known)
    for (const line of covered) known.covered.add(line)
    for (const line of missed) known.missed.add(line)
  }
  return [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, { covered, missed }]) => ({
      file,
      covered,
      missed: new Set([...missed].filter((line) => !covered.has(line))),
    }))
}

/** https://github.com/linux-test-project/lcov: geninfo's tracefile format. */
export function lcov(files: readonly FileCoverage[], shownPath: (file: string) => string): string {
  return files.map((file) => lcovRecord(file, shownPath)).join('')
}

function lcovRecord({ file, covered, missed }: FileCoverage, shownPath: (file: string) => string): string {
  const lines = [...covered, ...missed].toSorted((a, b) => a - b)
  const data = lines.map((line) => `DA:${line},${covered.has(line) ? 1 : 0}`)
  return [
    'TN:',
    `SF:${shownPath(file)}`,
    ...data,
    `LF:${lines.length}`,
    `LH:${covered.size}`,
    'end_of_record',
    '',
  ].join('\n')
}

export function coverageTable(files: readonly FileCoverage[], shownPath: (file: string) => string): string {
  const rows = files.map(({ file, covered, missed }) => [
    shownPath(file),
    percent(covered.size, missed.size),
    ranges(missed),
  ])
  const sum = (pick: (file: FileCoverage) => number): number => files.reduce((all, file) => all + pick(file), 0)
  const total = percent(
    sum(({ covered }) => covered.size),
    sum(({ missed }) => missed.size),
  )
  const table = [...rows, ['all', total, '']]
  const width = Math.max(...table.map(([file = '']) => file.length))
  return table
    .map(([file = '', share = '', lines = '']) => `${file.padEnd(width)}  ${share.padStart(6)}  ${lines}`.trimEnd())
    .join('\n')
}

const percent = (covered: number, missed: number): string =>
  covered + missed === 0 ? '-' : `${((100 * covered) / (covered + missed)).toFixed(1)}%`

/** `not reached: 3, 7-9` */
function ranges(lines: ReadonlySet<number>): string {
  const runs: [number, number][] = []
  for (const line of [...lines].toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === line - 1) last[1] = line
    else runs.push([line, line])
  }
  const shown = runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
  return shown === '' ? '' : `not reached: ${shown}`
}
