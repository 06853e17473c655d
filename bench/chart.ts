/** Figures as an SVG: a group of bars for each row, on a logarithmic scale, for light and dark pages alike. */

export interface ChartOptions {
  readonly title: string
  readonly unit: string
  /** Name and colour. */
  readonly series: readonly (readonly [name: string, colour: string])[]
  /** Values in the order of the series; null leaves a gap. */
  readonly rows: readonly { readonly label: string; readonly values: readonly (number | null)[] }[]
}

const left = 330
const width = 900
const bar = 13
const gap = 12
const top = 64

export function chart({ title, unit, series, rows }: ChartOptions): string {
  const values = rows.flatMap((row) => row.values.filter((value) => value !== null))
  const from = Math.floor(Math.log10(Math.min(...values)))
  const to = Math.ceil(Math.log10(Math.max(...values)))
  const x = (value: number): number => left + ((width - left - 90) * (Math.log10(value) - from)) / (to - from)
  const rowHeight = series.length * bar + gap
  const height = top + rows.length * rowHeight + 24
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 24, title, 'font-size="16"'),
    ...series.flatMap(([name, colour], index) => [
      `<rect x="${left + index * 150}" y="36" width="12" height="12" fill="${colour}"/>`,
      text(left + 18 + index * 150, 46, name),
    ]),
    ...ticks.flatMap((tick) => [
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${top - 6}" y2="${height - 24}" stroke="#ddd"/>`,
      text(x(tick), height - 8, `${tick} ${unit}`, 'text-anchor="middle" fill="#666"'),
    ]),
    ...rows.flatMap(({ label, values: own }, row) => {
      const y = top + row * rowHeight
      const middle = y + (series.length * bar) / 2 + 4
      return [
        text(left - 10, middle, label, 'text-anchor="end"'),
        ...own.flatMap((value, index) =>
          drawn(value, { x, from, y: y + index * bar, colour: series[index]?.[1] ?? '' }),
        ),
      ]
    }),
    '</svg>',
    '',
  ].join('\n')
}

interface Place {
  readonly x: (value: number) => number
  readonly from: number
  readonly y: number
  readonly colour: string
}

const drawn = (value: number | null, { x, from, y, colour }: Place): string[] => {
  if (value === null) return []
  const end = x(value)
  const start = x(10 ** from)
  return [
    `<rect x="${round(start)}" y="${y}" width="${round(end - start)}" height="${bar - 2}" fill="${colour}"/>`,
    text(round(end + 5), y + bar - 3, String(value), 'fill="#333" font-size="11"'),
  ]
}

const round = (value: number): number => Number(value.toFixed(1))

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escaped(content)}</text>`

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
