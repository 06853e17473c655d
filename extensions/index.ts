/** All builtins that policies may call and OPA's WASM runtime does not have. A new one: its file, one line here. */
import type { Extension } from './extension.ts'
import { externalHttpHeader, getHeader } from './get-header.ts'

export const extensions: readonly Extension[] = [getHeader, externalHttpHeader]
