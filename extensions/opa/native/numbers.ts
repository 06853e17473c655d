/** Numbers and their texts. */
import { isNumber, numberOf, numberText } from '../../compare.ts'
import type { PureExtension, RegoValue } from '../../extension.ts'
import { bigFloatOf, truncate } from '../big-float.ts'
import { decimalOf, fromDouble, type NumberValue } from '../number.ts'
import { number, oneOf, boolean, nothing, pure, string } from '../types.ts'
import { asNumber, asString, BuiltinError } from '../values.ts'
import { checkExponent } from './exponent.ts'

export const nativeNumbers: readonly PureExtension[] = [
  pure('format_int', [number, number], string, 'A number without its fraction, to the base 2, 8, 10 or 16.', (args) =>
    formatInt(asNumber(args[0]), asNumber(args[1])),
  ),
  pure('to_number', [oneOf(number, string, boolean, nothing)], number, 'The number that a value stands for.', (args) =>
    toNumber(args[0] ?? null),
  ),
]

function formatInt(value: NumberValue, base: NumberValue): string {
  const text = numberText(base)
  if (!/^(?:2|8|10|16)$/.test(text)) throw new BuiltinError('must be one of {2, 8, 10, 16}')
  const written = numberText(value)
  const integer = /^-?\d+$/.test(written) ? BigInt(written) : truncate(bigFloatOf(decimalOf(value)))
  return integer.toString(Number(text))
}

function toNumber(value: RegoValue): NumberValue {
  if (value === null) return 0
  if (typeof value === 'boolean') return Number(value)
  return isNumber(value) ? value : readNumber(asString(value))
}

const decimal = /^([-+]?)(?=\.?\d)(\d*)(?:\.(\d*))?([eE][-+]?\d+)?$/
const hexadecimal = /^([-+]?)0[xX](?=\.?[\da-fA-F])([\da-fA-F]*)(?:\.([\da-fA-F]*))?[pP]([-+]?\d+)$/

/** What Go's `ParseFloat` takes, but for infinity; written as JSON writes it where it is not. */
function readNumber(text: string): NumberValue {
  const bare = withoutUnderscores(text)
  const [, sign, whole = '', fraction = '', power = ''] = decimal.exec(bare) ?? []
  if (sign === undefined) return readHexadecimal(bare)
  if (!Number.isFinite(Number(bare))) throw new BuiltinError('value out of range')
  checkExponent(bare)
  const point = fraction === '' ? '' : `.${fraction}`
  return numberOf(`${sign.replace('+', '')}${whole.replace(/^0+(?=\d)/, '') || '0'}${point}${power}`)
}

/** With the exponent that Go wants there. */
function readHexadecimal(text: string): NumberValue {
  const [, sign, whole = '', fraction = '', power] = hexadecimal.exec(text) ?? []
  if (sign === undefined) throw new BuiltinError('invalid syntax')
  const value = Number(`0x${whole}${fraction}`) * 2 ** (Number(power) - 4 * fraction.length)
  if (!Number.isFinite(value)) throw new BuiltinError('value out of range')
  return fromDouble(sign === '-' ? -value : value)
}

/** They may stand between digits, and behind `0x`. */
function withoutUnderscores(text: string): string {
  const isHexadecimal = /^[-+]?0[xX]/.test(text)
  return text.replace(isHexadecimal ? /(?<=[\da-fA-FxX])_(?=[\da-fA-F])/g : /(?<=\d)_(?=\d)/g, '')
}
