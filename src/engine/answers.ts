/**
 * What the builtins of one decision answered. A builtin that answers later makes `call` throw a Suspension, which leaves
 * the evaluation; `settle` waits, and the next round finds the answer here. A `read` is asked once per decision and
 * arguments; an `effect` is made once per place in the order of effects. One round waits for one answer: what else a
 * policy would ask may depend on it.
 */
import type { Answer, DecisionContext, Extension, OutsideExtension, RegoValue } from '../../extensions/extension.ts'
import { printValue } from './value-text.ts'

/** Leaves an evaluation that must wait. */
export class Suspension extends Error {
  override readonly name = 'Suspension'
}

/** A builtin that ends the evaluation. The message is for the policy's author. */
export class BuiltinFailure extends Error {
  override readonly name = 'BuiltinFailure'
}

export interface AnswerLimits {
  /** Answers that one decision may wait for. */
  readonly maxRounds: number
  /** How long it may wait for all of them, in milliseconds. */
  readonly maxWaitMs: number
  /** What they may come to as text, in bytes. */
  readonly maxAnswerBytes: number
}

export interface Answers {
  readonly begin: () => void
  readonly call: (extension: Extension, args: readonly RegoValue[]) => Answer
  /** Waits for the answer that the last round was left for, and tells when the decision must not wait any longer. */
  readonly settle: () => Promise<BuiltinFailure | undefined>
}

type Settled = { readonly value: Answer } | { readonly error: unknown }

interface Pending {
  readonly key: string
  readonly extension: OutsideExtension
  readonly answer: Promise<Answer>
}

// Thrown often, and nobody reads where it came from.
const suspension = new Suspension('the evaluation waits for a builtin')

export function createAnswers({
  context,
  strict,
  limits,
}: {
  readonly context: DecisionContext
  readonly strict: boolean
  readonly limits: AnswerLimits
}): Answers {
  let settled: Map<string, Settled> | undefined
  /** Arguments of the effects so far, in order. */
  const effects: string[] = []
  let effect = 0
  let pending: Pending | undefined
  let rounds = 0
  let bytes = 0
  let deadline = 0

  function call(extension: Extension, args: readonly RegoValue[]): Answer {
    if (extension.kind !== 'pure') return ask(extension, args)
    try {
      return extension.impl(args, context)
    } catch (error) {
      return fail(extension, error)
    }
  }

  function ask(extension: OutsideExtension, args: readonly RegoValue[]): Answer {
    const key = keyOf(extension, args)
    const known = settled?.get(key)
    if (known === undefined) return first(extension, args, key)
    return 'error' in known ? fail(extension, known.error) : known.value
  }

  function first(extension: OutsideExtension, args: readonly RegoValue[], key: string): Answer {
    settled ??= new Map()
    try {
      const answer = extension.impl(args, context)
      if (answer instanceof Promise) {
        pending = { key, extension, answer }
        answer.catch(() => undefined)
      } else {
        settled.set(key, { value: answer })
        return answer
      }
    } catch (error) {
      settled.set(key, { error })
      return fail(extension, error)
    }
    throw suspension
  }

  function keyOf({ name, kind }: OutsideExtension, args: readonly RegoValue[]): string {
    const text = `${name}(${args.map(printValue).join(',')})`
    if (kind === 'read') return text
    const place = effect++
    const before = effects[place]
    if (before === undefined) effects.push(text)
    else if (before !== text) throw new BuiltinFailure(`${name}: not called again as it was before`)
    return `${place} ${text}`
  }

  function fail({ name, kind }: Extension, error: unknown): undefined {
    if (error instanceof BuiltinFailure) throw error
    if (strict || kind === 'effect') throw new BuiltinFailure(`eval_builtin_error: ${name}: ${messageOf(error)}`)
    return undefined
  }

  async function settle(): Promise<BuiltinFailure | undefined> {
    if (pending === undefined) return undefined
    const { key, extension, answer } = pending
    pending = undefined
    const tooMuch = (what: string): BuiltinFailure => new BuiltinFailure(`${extension.name}: ${what}`)
    if (rounds++ === 0) deadline = performance.now() + limits.maxWaitMs
    if (rounds > limits.maxRounds) return tooMuch(`the decision has waited for ${limits.maxRounds} answers`)
    const result = await within(deadline, answer)
    if (result === undefined) return tooMuch(`the decision has waited for ${limits.maxWaitMs} ms`)
    if ('value' in result && result.value !== undefined) bytes += Buffer.byteLength(printValue(result.value))
    if (bytes > limits.maxAnswerBytes) return tooMuch(`answers of more than ${limits.maxAnswerBytes} bytes`)
    settled?.set(key, result)
    return undefined
  }

  return {
    begin: () => (effect = 0),
    call,
    settle,
  }
}

/** Undefined when the deadline comes first. */
async function within(deadline: number, answer: Promise<Answer>): Promise<Settled | undefined> {
  let timer: NodeJS.Timeout | undefined
  const ending = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()))
  })
  const ended = answer.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  try {
    return await Promise.race([ended, ending])
  } finally {
    clearTimeout(timer)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
