/** Ranges and random numbers. */
import { randomBytes } from 'node:crypto'
import type { DecisionContext, PureExtension, RegoValue } from '../extension.ts'
import { fromBigInt } from './number.ts'
import { arrayOf, number, pure, string } from './types.ts'
import { asBigInt, asInt64, asString, BuiltinError } from './values.ts'

export const numbers: readonly PureExtension[] = [
  pure(
    'numbers.range_step',
    [number, number, number],
    arrayOf(number),
    'The integers from one number to another, both included, in steps, upwards or downwards.',
    (args) => range(asBigInt(args[0]), asBigInt(args[1]), asBigInt(args[2])),
  ),
  pure(
    'rand.intn',
    [string, number],
    number,
    'A random integer below a number, the same within a decision for the same string and number.',
    (args, context) => randomBelow(asString(args[0]), asInt64(args[1]), context),
  ),
]

/** WASM would be out of memory with fewer. */
const longest = 10_000_000n

function range(from: bigint, to: bigint, step: bigint): RegoValue {
  if (step <= 0n) throw new BuiltinError('step must be a positive integer')
  const distance = from <= to ? to - from : from - to
  const count = distance / step + 1n
  if (count > longest) throw new BuiltinError('too many numbers in range')
  const signed = from <= to ? step : -step
  return Array.from({ length: Number(count) }, (_, i) => fromBigInt(from + signed * BigInt(i)))
}

function randomBelow(seed: string, limit: bigint, context: DecisionContext): RegoValue {
  if (limit === 0n) return 0
  const bound = limit < 0n ? -limit : limit
  return context.once(`rand.intn:${bound}:${seed}`, () => fromBigInt(drawBelow(bound)))
}

/** Of 64 bits, those that would favour the small numbers are drawn again. */
function drawBelow(bound: bigint): bigint {
  const fair = (1n << 64n) - ((1n << 64n) % bound)
  for (;;) {
    const drawn = randomBytes(8).readBigUInt64BE()
    if (drawn < fair) return drawn % bound
  }
}
