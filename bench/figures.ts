/** The figures of a whole run as tables of `docs/performance.md`: what it has not measured is left out. */
import type { EngineFigures } from './engine.ts'

type Part = Readonly<Record<string, number>>

export interface Full {
  readonly machine: { readonly cpus: number; readonly load?: number }
  readonly engine?: EngineFigures
  readonly http?: Part
  readonly http_connections?: Part
  readonly http_rotation?: Part
  readonly batch?: Part
  readonly sync?: Part
  readonly compose?: Part
  readonly memory?: Part
}

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

/** What a row shows of a part; a row whose figures are not all there is left out. */
type Row = readonly [part: keyof Full, title: string, shown: string]

/** `{name}` is a figure, `{name,}` one with thousands apart. */
const figureRows: readonly Row[] = [
  [
    'http',
    'Decisions over HTTP, one process, against `opa run --server` with `GOMAXPROCS=1`',
    '{vs_opa} times ({requests_per_s,} against {opa_requests_per_s,} requests/s)',
  ],
  ['http', '… against a bare Hono route that echoes JSON', '{vs_echo} times'],
  ['http', '… p50 / p99 with 32 connections', '{p50_ms} ms / {p99_ms} ms'],
  [
    'http',
    'With all cores, against `opa run --server`',
    '{vs_opa_all_cores} times ({all_cores_requests_per_s,} against {opa_all_cores_requests_per_s,} requests/s)',
  ],
  ['http', '… against a bare `node:http` echo with as many processes', '{vs_bare} times'],
  [
    'http',
    '… p99 with 32 connections, over that of the bare echo',
    '{p99_vs_bare} times ({all_cores_p99_ms} ms against {bare_p99_ms} ms)',
  ],
  ['http', '… CPU time for a request, over that of `opa`', '{cpu_vs_opa} times ({cpu_us} µs against {opa_cpu_us} µs)'],
  [
    'http_rotation',
    '… with {policies,} policies in rotation, each asked 20 times before (V8 optimises WebAssembly by use), against `opa run --server`',
    '{vs_opa} times ({requests_per_s,} requests/s, CPU time {cpu_vs_opa} times, p99 {p99_ms} ms)',
  ],
  [
    'batch',
    'Decisions in batches of 1,000, against single requests',
    '{vs_single} times ({decisions_per_s,} against {single_decisions_per_s,} decisions/s)',
  ],
  ['sync', 'First sync of {policies,} different policies (parse, check, compile to WebAssembly, apply)', '{first_s} s'],
  ['sync', 'A cycle over them in which nothing changed', '{noop_s} s'],
  ['sync', 'From a signed webhook to the changed decision, among {policies,} policies', '{webhook_to_decision_ms} ms'],
  [
    'compose',
    'Composing {policies,} policies of {sources} sources, nothing changed',
    '{noop_s} s ({new_process_s} s in a new process)',
  ],
  ['memory', 'Memory for each loaded policy', '{per_policy_kb} kB'],
]

export function figuresTable(all: Full): string {
  const shown = figureRows.flatMap(([part, ...cells]) => {
    const figures = all[part] as Part | undefined
    const filled = cells.map((cell) => figures && fill(cell, figures))
    return filled.every((cell) => cell !== undefined) ? [filled] : []
  })
  return table(['What', 'Figure'], shown)
}

/** Undefined when a figure is missing. */
function fill(template: string, figures: Part): string | undefined {
  const names = [...template.matchAll(/\{(\w+),?\}/g)].map(([, name = '']) => name)
  if (names.some((name) => figures[name] === undefined)) return undefined
  return template.replace(/\{(\w+)(,?)\}/g, (_, name: string, comma: string) => {
    const value = figures[name] ?? Number.NaN
    return comma === '' ? String(value) : value.toLocaleString('en')
  })
}

export function connectionsTable({ http_connections: figures }: Full): string {
  if (figures === undefined) return 'Not measured in the last whole run.'
  const names = ['vs_opa', 'vs_bare', 'p99_vs_bare']
  const counts = Object.keys(figures).flatMap((key) => /^vs_opa_(\d+)$/.exec(key)?.[1] ?? [])
  const rows = counts.map((count) => [count, ...names.map((name) => String(figures[`${name}_${count}`] ?? '–'))])
  return table(['Connections', 'rate ÷ `opa run --server`', 'rate ÷ bare echo', 'p99 ÷ bare echo'], rows)
}

export const busyNote = ({ machine: { cpus, load } }: Full): string =>
  load !== undefined && load < cpus / 2
    ? `The machine was quiet before the run (a load of ${load} on ${cpus} cores).`
    : `The machine was busy with other work before the run (a load of ${load ?? 'unknown size'} on ${cpus} cores): times may be
longer than those of a quiet one. Ratios hold, but for \`http.send\`, whose time is that of waking up two processes in turn.`
