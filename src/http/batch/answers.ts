/**
 * Inputs in, the bytes of their answers out, in the order of the inputs. Nothing is read that the caller of this does not
 * ask for by taking what came before. Answers go out as soon as they are decided: what waits for a builtin does not keep
 * later inputs from being decided meanwhile, and no answer waits for further input to come.
 */
import type { Clock } from './clock.ts'
import type { BatchInput } from './line-inputs.ts'
import type { ItemAnswer } from './open-batch.ts'
import { createOutput, type Frame } from './output.ts'
import { turnMs, type Turns } from './turns.ts'

export interface AnswersOptions {
  /** In groups, as they become known. */
  readonly inputs: AsyncIterator<Iterable<BatchInput>>
  readonly decide: (input: BatchInput) => ItemAnswer | Promise<ItemAnswer>
  readonly frame: Frame
  readonly turns: Turns
  /** Looked at by `decide`. */
  readonly clock: Clock
  /** Aborted: nobody waits for the answers. */
  readonly signal: AbortSignal
}

/** Answers that may be waited for at the same time. */
const mostWaiting = 32
const pieceBytes = 65_536

export async function* answersTo(options: AnswersOptions): AsyncGenerator<Buffer, void, undefined> {
  const { inputs, decide, frame, turns, clock, signal } = options
  const output = createOutput(frame)
  /** Answers in order; the first one is not there yet, or it would have gone out. */
  const waiting: (ItemAnswer | Promise<ItemAnswer>)[] = []
  let turnEnds = 0

  for (;;) {
    const reading = inputs.next()
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const answer = await Promise.race([first, reading.then(noAnswer)])
      if (answer === undefined) break
      void waiting.shift()
      output.put(answer)
      yield output.take()
    }
    const { done, value: group } = await reading
    if (done === true) break
    clock.look()
    for (const input of group) {
      if (clock.at >= turnEnds) {
        if (output.size() > 0) yield output.take()
        await turns.next()
        turnEnds = clock.look() + turnMs
      }
      if (signal.aborted) return
      const answer = decide(input)
      if (waiting.length > 0 || answer instanceof Promise) waiting.push(answer)
      else output.put(answer)
      if (waiting.length >= mostWaiting) {
        if (output.size() > 0) yield output.take()
        const [first] = waiting.splice(0, 1)
        if (first !== undefined) output.put(await first)
      }
      if (output.size() >= pieceBytes) yield output.take()
    }
    if (output.size() > 0) yield output.take()
  }
  for (const answer of waiting) {
    output.put(await answer)
    if (!signal.aborted) yield output.take()
  }
  output.close()
  yield output.take()
}

const noAnswer = (): undefined => undefined
