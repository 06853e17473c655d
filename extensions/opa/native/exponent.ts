/** How large or small a number may be for OPA to compute with it. */
import { BuiltinError } from '../values.ts'

/** Of two. */
const greatest = 100_000

/** Only numbers with an exponent are looked at, as in OPA. */
export function checkExponent(literal: string): void {
  const [, digits = '', power] = /^-?([\d.]*)[eE]([-+]?\d+)$/.exec(literal) ?? []
  if (power === undefined || !/[1-9]/.test(digits)) return
  const point = digits.includes('.') ? digits.indexOf('.') : digits.length
  const first = digits.search(/[1-9]/)
  const magnitude = (first < point ? point - first - 1 : point - first) + Number(power)
  const leading = Number(digits.slice(first).replace('.', '').slice(0, 15).replace(/^(.)/, '$1.'))
  const exponent = Math.floor(Math.log2(leading) + magnitude * Math.log2(10)) + 1
  if (Math.abs(exponent) > greatest) throw new BuiltinError('number too big')
}
