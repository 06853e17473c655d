/** `GET /api/stats` over several servers. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { startReplica } from './deployment.ts'
import { call, evaluate, eventually, newDatabase, startEdict, temporaryFolder, type Edict } from './edict.ts'
import { rego } from './served-repo.ts'

interface Minutes {
  readonly minutes: readonly { readonly decisions: number; readonly failed: number; readonly cost: number }[]
}

const counted = async ({ url }: Edict, policy: string): Promise<readonly [number, number]> => {
  const { json } = await call(`${url}/api/stats?minutes=10${policy === '' ? '' : `&policy=${policy}`}`)
  const { minutes } = json as Minutes
  const sum = (pick: 'decisions' | 'failed') => minutes.reduce((total, minute) => total + minute[pick], 0)
  return [sum('decisions'), sum('failed')]
}

it('adds up what two servers have decided, and loses nothing of one that stops', async () => {
  const folder = await temporaryFolder()
  const file = join(folder, 'shop/price/1.0/policy.rego')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, rego('shop', 'price', 'value := 1'))
  const database = newDatabase()
  const a = await startEdict({ ...database, EDICT_DIRECTORY: folder })
  const b = await startReplica(database)
  const policy = 'shop/price/1.0'
  await eventually(
    () => evaluate(b, policy),
    ({ status }) => status === 200,
  )
  const [before] = await counted(a, policy)
  for (const edict of [a, a, a, b, b]) expect((await evaluate(edict, policy)).status).toBe(200)
  expect((await evaluate(b, 'shop/none/1.0')).status).toBe(404)
  // What b has counted is handed over when it stops, not five seconds later.
  await b.stop()
  const told = await eventually(
    () => counted(a, policy),
    ([decisions]) => decisions >= before + 6,
  )
  expect(told[1]).toBe(0)
  const all = await counted(a, '')
  expect([told[0] >= 6, all[0] > told[0], all[1]]).toEqual([true, true, 1])
})
