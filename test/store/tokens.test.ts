import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { createKnownTokens } from '../../src/auth/mode.ts'
import { mintToken } from '../../src/auth/token.ts'
import { loadSnapshot } from '../../src/store/snapshot.ts'
import type { Store } from '../../src/store/store.ts'
import { follow } from '../../src/store/watch.ts'
import { person } from '../setup/actors.ts'
import { useMongo } from '../setup/mongo.ts'
import { prepared, until } from './harness.ts'

const mongo = useMongo()

const create = (store: Store, roles: string[], over: { readonly onlyAsFirst?: boolean } = {}) => {
  const { id, hash, token } = mintToken()
  const wanted = { _id: id, hash, actor: 'alice', roles, groups: [], expires: null, by: person('cli'), ...over }
  return store.tokens.create(wanted).then((made) => ({ ...made, secret: token }))
}

const databaseOf = async (database: string) => {
  const client = await MongoClient.connect(mongo.uri)
  return { db: client.db(database), close: () => client.close() }
}

const modeOf = async (store: Store) => {
  const loaded = await loadSnapshot(store.connection)
  if (loaded.kind === 'lost') throw new Error(loaded.what)
  const known = createKnownTokens({ required: false })
  known.replace(loaded.snapshot)
  return known.mode()
}

it('the first token needs the role that can make others, and requires credentials in the same change', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  expect(await modeOf(store)).toBe('open')
  await expect(create(store, ['author'])).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await store.tokens.required()).toBeNull()
  const made = await create(store, ['superuser'])
  expect(await store.tokens.required()).toMatchObject({ required: true, by: 'cli' })
  expect(await modeOf(store)).toBe('required')
  await create(store, ['author'])
  await expect(create(store, ['superuser'], { onlyAsFirst: true })).rejects.toMatchObject({ code: 'forbidden' })
  await store.tokens.revoke(made.token._id, { by: person('alice') })
  await expect(store.tokens.revoke(made.token._id, { by: person('alice') })).rejects.toMatchObject({
    code: 'not_found',
  })
  expect(await modeOf(store)).toBe('required')
})

it('of twenty who make the first token at once, one does', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const made = await Promise.allSettled(
    Array.from({ length: 20 }, () => create(store, ['superuser'], { onlyAsFirst: true })),
  )
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await store.tokens.list()).toHaveLength(1)
})

it('neither the secret nor its hash is in the audit log, nor for whom it is', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const { token, secret } = await create(store, ['superuser'])
  const [entry] = await store.audit.list({ limit: 1 })
  expect(entry).toMatchObject({ action: 'token.create', resource: token._id, actor: 'cli' })
  expect(JSON.stringify(entry)).not.toContain(secret.split('_')[2])
  expect(JSON.stringify(entry)).not.toContain(token.hash)
  expect(JSON.stringify(entry)).not.toContain('alice')
})

it('when a token was last used is noted, and moves nobody', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const { token, sequence } = await create(store, ['superuser'])
  expect((await store.tokens.list())[0]?.lastUsed).toBeNull()
  await store.tokens.used(token._id)
  expect((await store.tokens.list())[0]?.lastUsed).toBeInstanceOf(Date)
  expect((await store.head()).sequence).toBe(sequence)
})

it.each(['settings', 'tokens'] as const)(
  'a cycle puts back that credentials are required when %s is emptied',
  async (name) => {
    const database = mongo.database()
    const store = await prepared({ uri: mongo.uri, database })
    await create(store, ['superuser'])
    const { db, close } = await databaseOf(database)
    await db.collection(name).deleteMany({})
    await db.collection('settings').deleteMany({})
    await store.ensureCollections()
    expect(await store.tokens.required()).toMatchObject({ required: true })
    expect(await modeOf(store)).toBe('required')
    await close()
  },
)

it('a replica that follows hears of a token and of its end, and of no token by hand', async () => {
  const database = mongo.database()
  const one = await prepared({ uri: mongo.uri, database, replicaId: 'one' })
  const two = await prepared({ uri: mongo.uri, database, replicaId: 'two' })
  const known = createKnownTokens({ required: false })
  const stopping = new AbortController()
  const following = follow({
    store: two,
    signal: stopping.signal,
    onSnapshot: known.replace,
    onChange: known.advance,
    onState: () => undefined,
  })
  await until(() => known.isLoaded())
  expect(known.mode()).toBe('open')
  const { token, sequence } = await create(one, ['superuser'])
  await one.replicas.confirm(sequence)
  expect([known.mode(), known.find(token._id)?.actor]).toEqual(['required', 'alice'])
  const revoked = await one.tokens.revoke(token._id, { by: person('bob') })
  await one.replicas.confirm(revoked.sequence)
  expect(known.find(token._id)?.revoked).toBeInstanceOf(Date)
  expect(await one.requests.take()).toEqual([])
  const { db, close } = await databaseOf(database)
  await db.collection('settings').deleteMany({})
  const { sequence: later } = await create(one, ['superuser'])
  await one.replicas.confirm(later)
  expect(known.mode()).toBe('required')
  await close()
  stopping.abort()
  await following
})
