/** Drafts, asked of the server: what one answers at once, and then why. Texts go as they are; numbers keep their digits. */
import { send } from '../api/client.ts'
import { readJson } from '../api/raw-json.ts'
import type { DryRun } from '../api/types.ts'
import { headersOf, type Draft } from './draft.ts'

export const dryRun = async (draft: Draft, explain: boolean, signal: AbortSignal): Promise<DryRun> => {
  const { rego, data, input, headers } = draft
  const json = { rego, data, input, headers: headersOf(headers), ...(explain && { explain }) }
  const response = await send('/api/dry-run', { method: 'POST', json, signal })
  return readJson(await response.text()) as DryRun
}
