/** What to tell of an exception that ended an evaluation. The texts are OPA's where it has one. */
import { AbortError, BudgetError, outOfMemory } from './abi/errors.ts'
import { BuiltinFailure } from './answers.ts'
import type { FailedRun } from './outcome.ts'

const texts: ReadonlyMap<string, string> = new Map([
  ['var assignment conflict', 'eval_conflict_error: complete rules and functions must not produce multiple outputs'],
  ['object insert conflict', 'eval_conflict_error: object keys must be unique'],
  ['with target conflict', 'eval_with_merge_error: real and replacement data could not be merged'],
])

/** `file:row:col: message`, as `opa_runtime_error` writes it. */
const located = /^(.*):(\d+):(\d+): (.*)$/s

export function evaluationError(error: unknown, cost: number): FailedRun {
  if (error instanceof BuiltinFailure) return { kind: 'error', code: 'evaluation_error', message: error.message, cost }
  const exceeded = exceededBudget(error)
  if (exceeded !== undefined) return { kind: 'error', code: 'evaluation_budget_exceeded', message: exceeded, cost }
  const raw = error instanceof AbortError ? error.message : describeTrap(error)
  const [, file, row, col, rest] = located.exec(raw) ?? []
  const text = rest ?? raw
  const message = texts.get(text) ?? text
  const outcome = { kind: 'error', code: 'evaluation_error', message, cost } as const
  return file === undefined ? outcome : { ...outcome, location: { file, row: Number(row), col: Number(col) } }
}

function exceededBudget(error: unknown): string | undefined {
  if (error instanceof BudgetError) return 'the evaluation takes more work than it may'
  const isMemory =
    error instanceof RangeError ? !isCallStack(error) : error instanceof AbortError && error.message === outOfMemory
  return isMemory ? 'the evaluation takes more memory than it may' : undefined
}

const isCallStack = (error: RangeError): boolean => /call stack/i.test(error.message)

/** Two stacks can end: the host's, and the module's own, below whose end lies what is out of bounds. */
function describeTrap(error: unknown): string {
  if (error instanceof RangeError) return tooDeep
  if (!(error instanceof WebAssembly.RuntimeError)) return 'the evaluation was stopped by an unexpected error'
  return /out of bounds/.test(error.message) ? tooDeep : `the evaluation was stopped: ${error.message}`
}

const tooDeep = 'the evaluation nests too deeply'
