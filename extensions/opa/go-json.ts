/** Rego values as Go's `json.Marshal` writes them: as `opa eval` prints them, with the characters escaped that HTML minds. */
import type { RegoValue } from '../extension.ts'
import { printJson } from '../print-json.ts'

export const goJson = (value: RegoValue): string => escapeHtml(printJson(value))

export const escapeHtml = (json: string): string =>
  json.replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
