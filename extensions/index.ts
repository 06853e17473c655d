/** All builtins that policies may call and OPA's WASM runtime does not have, by file. A new one: its file, one line here. */
import type { Extension } from './extension.ts'
import { externalHttpHeader, getHeader } from './get-header.ts'

export const families: Readonly<Record<string, readonly Extension[]>> = {
  'get-header.ts': [getHeader, externalHttpHeader],
}

export const extensions: readonly Extension[] = Object.values(families).flat()
