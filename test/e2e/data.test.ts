import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, evaluate } from './edict.ts'
import { rego, serveRepo, showPolicy, type ServedRepo } from './served-repo.ts'

/** A data.json of exactly so many bytes; its last entry is `"last": mark`. */
const dataOf = (bytes: number, mark: string): string => {
  const end = `"last": "${mark}"}`
  const entries: string[] = []
  let size = 1 + end.length
  for (let i = 0; size < bytes - 200; i++) {
    const entry = `"k${i}": "${'x'.repeat(80)}",`
    entries.push(entry)
    size += entry.length
  }
  return `{${entries.join('')}${' '.repeat(bytes - size)}${end}`
}

let served: ServedRepo

beforeAll(async () => {
  const env = { EDICT_MAX_DATA: '24MB' }
  const policy = rego('big', 'table', 'last := data.last\nfirst := data.k0')
  served = await serveRepo({
    files: { 'big/table/1.0/policy.rego': policy, 'big/table/1.0/data.json': '{"last": "small"}' },
    env,
  })
})

describe('a data.json that is larger than a MongoDB document', () => {
  it.each([17_000_000, 20_000_000])('of %i bytes decides and is shown as it was written', async (bytes) => {
    const { edict, release } = served
    const data = dataOf(bytes, `of ${bytes}`)
    expect(data.length).toBe(bytes)
    const { commit, outcome } = await release({ 'big/table/1.0/data.json': data })
    expect(outcome).toMatchObject({ ok: true, findings: [] })
    // While so much is being loaded, the previous version may answer for a moment.
    const ask = () => evaluate(edict, 'big/table/1.0')
    const answered = await eventually(ask, ({ headers }) => headers.get('x-policy-commit') === commit)
    expect(answered.json).toEqual({ last: `of ${bytes}`, first: 'x'.repeat(80) })
    expect(answered.headers.get('x-policy-commit')).toBe(commit)
    const shown = (await showPolicy(edict, 'big/table/1.0')).json as { readonly data: string }
    expect(shown.data === data).toBe(true)
  })

  it('and above maxData is the finding data_too_large; the last good one goes on answering', async () => {
    const { edict, release } = served
    const { outcome } = await release({ 'big/table/1.0/data.json': dataOf(24_000_001, 'too much') })
    expect(outcome.findings).toMatchObject([{ code: 'data_too_large', file: 'big/table/1.0/data.json' }])
    expect((await evaluate(edict, 'big/table/1.0')).json).toMatchObject({ last: 'of 20000000' })
    expect((await showPolicy(edict, 'big/table/1.0')).json).toMatchObject({ status: { phase: 'Quarantined' } })
  })
})
