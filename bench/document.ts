/** What `docs/performance.md` and the plots take from the last whole run. Parts that it has not measured are left out. */
import { readFileSync } from 'node:fs'
import { chart } from './chart.ts'
import type { EngineFigures, EngineRow } from './engine.ts'
import { busyNote, connectionsTable, figuresTable, type Full, table } from './figures.ts'
import { fullResults } from './report.ts'

const full = (): Full => JSON.parse(readFileSync(fullResults, 'utf8')) as Full

/** The document with its marked places filled: `<!-- name -->` to `<!-- /name -->`. */
export function performanceMarkdown(): string {
  const all = full()
  const { engine } = all
  const places: Readonly<Record<string, string>> = {
    figures: figuresTable(all),
    connections: connectionsTable(all),
    busy: busyNote(all),
    ...(engine === undefined ? {} : { engine: engineTable(engine) }),
  }
  return readFileSync('docs/performance.md', 'utf8').replace(
    /<!-- (\w+) -->\n[^]*?<!-- \/\1 -->/g,
    (place, name: string) =>
      places[name] === undefined ? place : `<!-- ${name} -->\n\n${places[name]}\n\n<!-- /${name} -->`,
  )
}

function engineTable({ policies, vs_sdk, vs_sdk_parsed, vs_opa_bench }: EngineFigures): string {
  const rows = policies.map((row) => [
    row.small ? `${row.title} *` : row.title,
    ...[row.edict_us, row.sdk_us, row.sdk_parsed_us, row.opa_us].map((value) => (value === null ? '–' : `${value} µs`)),
    ...[row.vs_sdk, row.vs_sdk_parsed, row.vs_opa_bench].map((value) => (value === null ? '–' : String(value))),
  ])
  const median = ['**median of those with \\***', '', '', '', '', ...[vs_sdk, vs_sdk_parsed, vs_opa_bench].map(bold)]
  const head = [
    'Policy',
    'Edict',
    'SDK, served',
    'SDK, its call',
    '`opa bench`',
    'served ÷',
    'its call ÷',
    '`opa bench` ÷',
  ]
  return table(head, [...rows, median])
}

const bold = (value: number): string => `**${value}**`

export function enginePlot(): string {
  const { engine } = full()
  return chart({
    title: 'Time for one decision, shorter is better',
    unit: 'µs',
    series: [
      ['Edict', '#2f6fde'],
      ['npm SDK, served', '#f0a030'],
      ['opa bench', '#8a8f98'],
    ],
    rows: (engine?.policies ?? []).map(barsOf),
  })
}

const barsOf = ({ title, edict_us, sdk_us, opa_us }: EngineRow): { label: string; values: (number | null)[] } => ({
  label: title.replaceAll('`', '').replace(/ \(.*/, ''),
  values: [edict_us, sdk_us, opa_us],
})
