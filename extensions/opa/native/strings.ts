/** Strings, as far as OPA's WASM and Go part over them. */
import type { PureExtension } from '../../extension.ts'
import { arrayOf, number, oneOf, pure, setOf, string } from '../types.ts'
import { codePoints, fromBytes, toBytes } from '../utf8.ts'
import { asString, asStrings, BuiltinError } from '../values.ts'
import { lowerCase, upperCase } from './letter-case.ts'

export const nativeStrings: readonly PureExtension[] = [
  pure(
    'concat',
    [string, oneOf(arrayOf(string), setOf(string))],
    string,
    'Strings with another between them.',
    (args) => asStrings(args[1]).join(asString(args[0])),
  ),
  pure('indexof', [string, string], number, 'The first position of a string in another.', (args) =>
    position(asString(args[0]), asString(args[1])),
  ),
  pure('lower', [string], string, 'A string in lower case.', ([text]) => lowerCase(asString(text))),
  pure('replace', [string, string, string], string, 'A string with another replaced in it.', ([text, old, by]) =>
    replace(asString(text), asString(old), asString(by)),
  ),
  pure('upper', [string], string, 'A string in upper case.', ([text]) => upperCase(asString(text))),
]

/** The empty string stands around each byte, as it does for Go. */
function replace(text: string, old: string, by: string): string {
  if (old !== '') return text.replaceAll(old, () => by)
  const between = toBytes(by)
  return fromBytes(
    `${between}${codePoints(toBytes(text))
      .map((byte) => byte + between)
      .join('')}`,
  )
}

function position(text: string, wanted: string): number {
  if (wanted === '') throw new BuiltinError('empty search character')
  const at = text.indexOf(wanted)
  return at === -1 ? -1 : codePoints(text.slice(0, at)).length
}
