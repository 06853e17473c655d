/** YAML in and out, by way of JSON. */
import type { PureExtension, RegoValue } from '../extension.ts'
import { parseJson } from '../parse-json.ts'
import { printJson } from '../print-json.ts'
import { any, boolean, pure, string } from './types.ts'
import { asString, BuiltinError } from './values.ts'
import { readYaml } from './yaml-read.ts'
import { writeYaml } from './yaml-write.ts'

export const yaml: readonly PureExtension[] = [
  pure('yaml.marshal', [any], string, 'A value as YAML.', ([value]) => marshal(value ?? null)),
  pure('yaml.unmarshal', [string], any, 'The value of the first document in a YAML text.', (args) =>
    readYaml(asString(args[0])),
  ),
  pure(
    'yaml.is_valid',
    [string],
    boolean,
    'Whether a text is YAML whose first document JSON can hold.',
    ([text]) => typeof text === 'string' && isYaml(text),
  ),
]

/** As JSON first: sets become arrays, and keys strings. OPA reads that JSON as YAML, which some characters may not be in. */
function marshal(value: RegoValue): string {
  const json = printJson(value)
  // oxlint-disable-next-line no-control-regex
  if (/[\u007f-\u0084\u0086-\u009f\ufffe\uffff]/.test(json))
    throw new BuiltinError('control characters are not allowed')
  return writeYaml(parseJson(json))
}

function isYaml(text: string): boolean {
  try {
    readYaml(text)
    return true
  } catch {
    return false
  }
}
