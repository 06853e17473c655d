/**
 * Arithmetic as OPA's Go evaluator does it: integers exactly, everything else in floats with 64 bits of mantissa.
 */
import { numberText, numberOf } from '../../compare.ts'
import type { PureExtension } from '../../extension.ts'
import { add, type BigFloat, bigFloatOf, divide, fromInteger, isInteger, multiply, truncate } from '../big-float.ts'
import { bigFloatText } from '../big-float-text.ts'
import { bigIntOf, decimalOf, fromBigInt, int64Of, type NumberValue } from '../number.ts'
import { arrayOf, number, oneOf, pure, setOf } from '../types.ts'
import { asItems, asNumber, BuiltinError } from '../values.ts'

type Operation = (a: NumberValue, b: NumberValue) => NumberValue

const operator = (name: string, doc: string, compute: Operation): PureExtension =>
  pure(name, [number, number], number, doc, ([a, b]) => compute(asNumber(a), asNumber(b)))

const sized = (name: string, doc: string, compute: (value: BigFloat) => BigFloat): PureExtension =>
  pure(name, [number], number, doc, ([value]) => unary(asNumber(value), compute))

const total = (name: string, doc: string, { exact, float }: Accumulation): PureExtension =>
  pure(name, [oneOf(setOf(number), arrayOf(number))], number, doc, ([value]) => {
    const items = asItems(value).map(asNumber)
    const integers = items.flatMap((item) => bigIntOf(item) ?? [])
    return integers.length === items.length ? fromBigInt(exact(integers)) : numberOf(float(items.map(floatOf)))
  })

interface Accumulation {
  readonly exact: (items: readonly bigint[]) => bigint
  readonly float: (items: readonly BigFloat[]) => string
}

const sum: Accumulation = {
  exact: (items) => items.reduce((x, y) => x + y, 0n),
  float: (items) => bigFloatText(items.reduce(add, fromInteger(0n))),
}

const productPrecision = 53

const product: Accumulation = {
  exact: (items) => items.reduce((x, y) => x * y, 1n),
  float: (items) =>
    bigFloatText(
      items.reduce((x, y) => multiply(x, y, productPrecision), fromInteger(1n)),
      productPrecision,
    ),
}

export const nativeArithmetic: readonly PureExtension[] = [
  operator('plus', 'The sum.', (a, b) => exactly(a, b, (x, y) => x + y) ?? print(add(floatOf(a), floatOf(b)))),
  operator('minus', 'The difference.', minus),
  operator('mul', 'The product.', times),
  operator('div', 'The quotient.', quotient),
  total('sum', 'The sum of all items.', sum),
  total('product', 'The product of all items.', product),
  operator('rem', 'What is left of a division of integers.', remainder),
  sized('abs', 'The number without its sign.', magnitude),
  sized('ceil', 'The next integer upwards.', ceil),
  sized('floor', 'The next integer downwards.', floor),
  sized('round', 'The nearest integer, a half away from zero.', round),
]

const floatOf = (value: NumberValue): BigFloat => bigFloatOf(decimalOf(value))
const print = (value: BigFloat): NumberValue => numberOf(bigFloatText(value))

/** Undefined when one of them is no integer. */
function exactly(a: NumberValue, b: NumberValue, compute: (x: bigint, y: bigint) => bigint): NumberValue | undefined {
  const [x, y] = [bigIntOf(a), bigIntOf(b)]
  return x === undefined || y === undefined ? undefined : fromBigInt(compute(x, y))
}

function minus(a: NumberValue, b: NumberValue): NumberValue {
  return exactly(a, b, (x, y) => x - y) ?? print(add(floatOf(a), negated(floatOf(b))))
}

const negated = ({ mantissa, exponent }: BigFloat): BigFloat => ({ mantissa: -mantissa, exponent })

function times(a: NumberValue, b: NumberValue): NumberValue {
  return exactly(a, b, (x, y) => x * y) ?? signed(multiply(floatOf(a), floatOf(b)), a, b)
}

const isNegative = (value: NumberValue): boolean => numberText(value).startsWith('-')

/** Zero has a sign, too. */
const signed = (value: BigFloat, a: NumberValue, b: NumberValue): NumberValue =>
  value.mantissa === 0n && isNegative(a) !== isNegative(b) ? numberOf('-0') : print(value)

function quotient(a: NumberValue, b: NumberValue): NumberValue {
  const [x, y] = [smallOf(a), smallOf(b)]
  const divisor = floatOf(b)
  if (divisor.mantissa === 0n) throw new BuiltinError('divide by zero')
  if (x !== undefined && y !== undefined && x !== 0n && x % y === 0n) return fromBigInt(x / y)
  return signed(divide(floatOf(a), divisor), a, b)
}

function remainder(a: NumberValue, b: NumberValue): NumberValue {
  const result = exactly(a, b, (x, y) => {
    if (y === 0n) throw new BuiltinError('modulo by zero')
    return x % y
  })
  if (result === undefined) throw new BuiltinError('modulo on floating-point number')
  return result
}

/** Of 32 bits. */
function smallOf(value: NumberValue): bigint | undefined {
  const exact = int64Of(value)
  return exact !== undefined && BigInt.asIntN(32, exact) === exact ? exact : undefined
}

function unary(value: NumberValue, compute: (value: BigFloat) => BigFloat): NumberValue {
  const small = smallOf(value)
  return print(compute(small === undefined ? floatOf(value) : fromInteger(small)))
}

function magnitude({ mantissa, exponent }: BigFloat): BigFloat {
  return { mantissa: mantissa < 0n ? -mantissa : mantissa, exponent }
}

const half: BigFloat = { mantissa: 1n, exponent: -1 }

function round(value: BigFloat): BigFloat {
  return fromInteger(truncate(add(value, value.mantissa < 0n ? negated(half) : half)))
}

/** Between -1 and 0 it is 1: OPA's Go evaluator takes the zero for a positive number. */
function ceil(value: BigFloat): BigFloat {
  const whole = truncate(value)
  return isInteger(value) || whole < 0n ? fromInteger(whole) : fromInteger(whole + 1n)
}

/** Between -1 and 0 it is 0, for the same reason. */
function floor(value: BigFloat): BigFloat {
  const whole = truncate(value)
  return isInteger(value) || whole >= 0n ? fromInteger(whole) : fromInteger(whole - 1n)
}
