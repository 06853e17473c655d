/** `rego.parse_module`, answered by OPA's own parser: whoever composes the list of extensions lends it. */
import type { OutsideExtension } from '../extension.ts'
import { parseJson } from '../parse-json.ts'
import { any, objectOf, string } from './types.ts'
import { asString } from './values.ts'

export interface ModuleText {
  /** As locations name it; nothing is read from there. */
  readonly filename: string
  readonly module: string
}

/** The AST as JSON. Rejects with what is wrong with the module. */
export type ParseModule = (text: ModuleText, options: { readonly signal: AbortSignal }) => Promise<string>

export const createParseModule = (parse: ParseModule): OutsideExtension => ({
  name: 'rego.parse_module',
  decl: { args: [string, string], result: objectOf(string, any) },
  kind: 'read',
  doc: "The syntax tree of a Rego module, as OPA's own parser has it.",
  impl: async ([filename, module], { signal }) =>
    parseJson(await parse({ filename: asString(filename), module: asString(module) }, { signal })),
})
