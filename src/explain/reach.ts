/**
 * Visits → the lines of each file that an evaluation came to, and those of them at which nothing ever held. A body is left
 * at its first condition that fails, as when it decides. Lines of which nothing is known stand in no list.
 */
import { pathKey, startsWith } from '../policy/paths.ts'
import type { Clause, Condition, RulePath } from './clause.ts'
import { visitKey } from './findings.ts'
import { itemsOf, type Visit } from './host.ts'
import type { Program } from './program.ts'

export interface FileReach {
  readonly file: string
  /** Reached. */
  readonly covered: readonly number[]
  /** Those of them that never held. */
  readonly failed: readonly number[]
  readonly notCovered: readonly number[]
}

export interface Reach {
  readonly visit: (visit: Visit) => void
  readonly files: () => readonly FileReach[]
}

/** What became of one clause: indices of its conditions, and whether it made a value. */
interface Progress {
  readonly reached: Set<number>
  readonly held: Set<number>
  ended: boolean
}

const noProgress = (): Progress => ({ reached: new Set(), held: new Set(), ended: false })

type Reached = Pick<Program, 'clauses' | 'byRule' | 'without'>

export function createReach({ clauses, byRule, without }: Reached): Reach {
  const byId = new Map(clauses.map((clause) => [clause.id, clause]))
  /** By clause, and by the arguments that it was asked with. */
  const all = new Map<number, Map<string, Progress>>()

  const progressOf = (id: number, args: string): Progress => {
    const ofClause = all.get(id) ?? new Map<string, Progress>()
    const found = ofClause.get(args) ?? noProgress()
    all.set(id, ofClause.set(args, found))
    return found
  }

  return {
    visit: (visit) => {
      const clause = byId.get(visit.clause)
      if (clause !== undefined) follow(clause, visit, progressOf(clause.id, visitKey(0, visit.args)))
    },
    files: () => {
      const known = new Map(
        [...byRule.values()].flatMap((of) => of.map((clause) => [clause.id, summary(clause, of, all)])),
      )
      const unheard = clauses.flatMap(({ id, conditions }) =>
        [...(known.get(id)?.reached ?? [])].flatMap((index) => unheardCalls(conditions[index])),
      )
      const files = new Map<string, Map<number, Mark>>()
      for (const clause of clauses.filter(({ id }) => !without.has(id))) {
        const isHeard = clause.kind !== 'function' || !unheard.some((ref) => startsWith(ref, clause.rule))
        const progress = known.get(clause.id) ?? (clause.kind === 'function' ? noProgress() : undefined)
        for (const [line, mark] of progress === undefined ? [] : marksOf(clause, progress)) {
          if (!isHeard && mark !== 'covered') continue
          const lines = files.get(clause.file) ?? new Map<number, Mark>()
          files.set(clause.file, lines.set(line, worse(mark, lines.get(line))))
        }
      }
      return [...files].map(([file, lines]) => linesOf(file, lines))
    },
  }
}

/** What it refers to without telling of the calls: in a comprehension, say. */
function unheardCalls(condition: Condition | undefined): readonly RulePath[] {
  if (condition === undefined) return []
  const heard = new Set(condition.calls.map(({ function: path }) => pathKey(path)))
  return condition.refs.filter((ref) => !heard.has(pathKey(ref)))
}

function follow({ conditions }: Clause, { seen }: Visit, progress: Progress): void {
  for (const [index, sees] of seen.entries()) {
    progress.reached.add(index)
    if (hasFailed(conditions[index], itemsOf(sees))) return
    progress.held.add(index)
  }
  if (seen.length < conditions.length) progress.reached.add(seen.length)
  else progress.ended = true
}

const hasFailed = (condition: Condition | undefined, sees: ReturnType<typeof itemsOf>): boolean =>
  condition?.kind === 'value' ? sees[0] === 0 : condition?.kind === 'tests' && sees.length > 0

type ByClause = ReadonlyMap<number, ReadonlyMap<string, Progress>>

/** Over all arguments, among the clauses of its rule; undefined: nothing came to it that is known of. */
function summary(clause: Clause, ofRule: readonly Clause[], all: ByClause): Progress | undefined {
  if (clause.kind === 'default') return { ...noProgress(), ended: !hasEnded(ofRule, all) }
  const isBefore = (other: Clause): boolean => other.chain === clause.chain && other.id < clause.id
  const before = ofRule.filter(isBefore)
  const own = all.get(clause.id)
  if (own === undefined) return undefined
  // `else` is come to when nothing before it made a value.
  const counted = [...own].filter(([args]) => !before.some(({ id }) => all.get(id)?.get(args)?.ended === true))
  return {
    reached: new Set(counted.flatMap(([, { reached }]) => [...reached])),
    held: new Set(counted.flatMap(([, { held }]) => [...held])),
    ended: counted.some(([, { ended }]) => ended),
  }
}

/** Whether any of them made a value by itself. */
const hasEnded = (ofRule: readonly Clause[], all: ByClause): boolean =>
  ofRule.some(({ id, kind }) => kind !== 'default' && [...(all.get(id)?.values() ?? [])].some(({ ended }) => ended))

type Mark = 'failed' | 'covered' | 'missed'

const order: readonly (Mark | undefined)[] = ['failed', 'covered', 'missed', undefined]
const worse = (a: Mark, b: Mark | undefined): Mark => (b !== undefined && order.indexOf(b) < order.indexOf(a) ? b : a)

function marksOf(
  { line, conditions }: Clause,
  { reached, held, ended }: Progress,
): readonly (readonly [number, Mark])[] {
  const ofConditions = conditions.flatMap((condition, index) => {
    const mark = held.has(index) ? 'covered' : reached.has(index) ? 'failed' : 'missed'
    const lines = condition.text.split('\n')
    return lines.map((_, below) => [condition.line + below, mark] as const)
  })
  return [[line, ended ? 'covered' : 'missed'], ...ofConditions]
}

function linesOf(file: string, marks: ReadonlyMap<number, Mark>): FileReach {
  const lines = [...marks].toSorted(([a], [b]) => a - b)
  const having = (wanted: readonly Mark[]) => lines.flatMap(([line, mark]) => (wanted.includes(mark) ? [line] : []))
  return { file, covered: having(['covered', 'failed']), failed: having(['failed']), notCovered: having(['missed']) }
}
