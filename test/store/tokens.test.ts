import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createGate } from '../../src/auth/gate.ts'
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

const gated = async () => {
  const authz = await createAuthz({ rules: defaultRules, protectedKeys: [] })
  return createGate({ authz: async () => authz, mode: () => 'required' })
}
const root = person('root', { roles: ['superuser'] })
const made = async (store: Store, roles: string[], expires: Date | null = null) => {
  const { id, hash } = mintToken()
  const wanted = { _id: id, hash, actor: `actor-of-${roles.join('-')}`, roles, groups: [], expires, by: root }
  await store.tokens.create(wanted)
  return id
}

it('the last token with which somebody could make another is not revoked; any other one is', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database(), enforce: await gated() })
  const first = await made(store, ['superuser'])
  const second = await made(store, ['superuser'])
  const operator = await made(store, ['operator'])
  await store.tokens.revoke(first, { by: root })
  await store.tokens.revoke(operator, { by: root })
  const { sequence } = await store.head()
  const refused = store.tokens.revoke(second, { by: root })
  await expect(refused).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(
      /last token with which anybody may make tokens.*Make another one first.*break-glass/,
    ),
  })
  expect((await store.head()).sequence).toBe(sequence)
  const third = await made(store, ['superuser'], new Date(Date.now() + 60_000))
  await store.tokens.revoke(second, { by: root })
  await expect(store.tokens.revoke(third, { by: root })).rejects.toMatchObject({ code: 'conflict' })
  await store.tokens.revoke(third, { by: person('nora', { kind: 'break-glass' }) })
})

it('the last token may be revoked where an identity provider lets people in', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database, enforce: await gated(), identityProvider: true })
  await store.tokens.revoke(await made(store, ['superuser']), { by: root })
})

it('a token that has expired is nobody: it does not stand in for the last, and may be revoked itself', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database, enforce: await gated() })
  const last = await made(store, ['superuser'])
  const expired = await made(store, ['superuser'], new Date(Date.now() - 1_000))
  await expect(store.tokens.revoke(last, { by: root })).rejects.toMatchObject({ code: 'conflict' })
  await store.tokens.revoke(expired, { by: root })
})

it('of two servers that revoke the last two tokens at once, one is refused', async () => {
  const database = mongo.database()
  const enforce = await gated()
  const one = await prepared({ uri: mongo.uri, database, enforce })
  const two = await prepared({ uri: mongo.uri, database, enforce })
  for (let round = 0; round < 5; round += 1) {
    const ids = [await made(one, ['superuser']), await made(one, ['superuser'])] as const
    for (const { _id } of await one.tokens.list())
      if (!ids.includes(_id)) await one.tokens.revoke(_id, { by: root }).catch(() => undefined)
    const ends = await Promise.allSettled([
      one.tokens.revoke(ids[0], { by: root }),
      two.tokens.revoke(ids[1], { by: root }),
    ])
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  }
})

it('what is configured once is required for good, and leaves the first token to be made', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await store.tokens.require({ because: 'auth.oidc', from: 'host' })
  const { sequence } = await store.head()
  await store.tokens.require({ because: 'auth.oidc', from: 'host' })
  expect((await store.head()).sequence).toBe(sequence)
  expect(await modeOf(store)).toBe('required')
  const [entry] = await store.audit.list({ limit: 1 })
  expect(entry).toMatchObject({ action: 'auth.require', actor: 'edict', details: { because: 'auth.oidc' } })
  const { db, close } = await databaseOf(database)
  await db.collection('settings').deleteMany({})
  await store.ensureCollections()
  expect(await store.tokens.required()).toMatchObject({ required: true, made: false })
  await close()
  await expect(create(store, ['author'], { onlyAsFirst: true })).rejects.toMatchObject({ code: 'invalid_request' })
  await create(store, ['superuser'], { onlyAsFirst: true })
  expect(await store.tokens.required()).toMatchObject({ made: true })
  await expect(create(store, ['superuser'], { onlyAsFirst: true })).rejects.toMatchObject({ code: 'forbidden' })
})

it('that a token was made is not forgotten when the setting is taken away before a server starts', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await create(store, ['superuser'])
  const { db, close } = await databaseOf(database)
  await db.collection('settings').deleteMany({})
  await store.tokens.require({ because: 'auth.bootstrap', from: null })
  await expect(create(store, ['superuser'], { onlyAsFirst: true })).rejects.toMatchObject({ code: 'forbidden' })
  await close()
})

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
  await create(one, ['superuser'])
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
