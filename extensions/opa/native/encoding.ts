/** JSON and base64, as Go's `encoding/json` and `encoding/base64` have them. */
import { isArray, isNumber, numberText } from '../../compare.ts'
import { type PureExtension, RegoObject, type RegoValue } from '../../extension.ts'
import { parseJson } from '../../parse-json.ts'
import { decodeStandard } from '../base64.ts'
import { goJson } from '../go-json.ts'
import { any, boolean, pure, string } from '../types.ts'
import { fromUtf8 } from '../utf8.ts'
import { asString } from '../values.ts'
import { checkExponent } from './exponent.ts'

export const nativeEncoding: readonly PureExtension[] = [
  pure('base64.decode', [string], string, 'The text whose bytes are given in base64.', ([text]) =>
    fromUtf8(decodeStandard(asString(text))),
  ),
  pure('json.is_valid', [string], boolean, 'Whether a text is JSON.', ([text]) => isJson(text)),
  pure('json.marshal', [any], string, 'A value as JSON.', ([value]) => goJson(value ?? null)),
  pure('json.unmarshal', [string], any, 'The value of a JSON text.', ([text]) => {
    const value = parseJson(asString(text))
    checkNumbers(value)
    return value
  }),
]

function isJson(text: RegoValue | undefined): boolean {
  try {
    parseJson(asString(text))
    return true
  } catch {
    return false
  }
}

function checkNumbers(value: RegoValue): void {
  if (isNumber(value)) checkExponent(numberText(value))
  else if (isArray(value)) value.forEach(checkNumbers)
  else if (value instanceof RegoObject) for (const [, member] of value.entries) checkNumbers(member)
}
