import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { configDb, hostileTexts, startUs } from '../../test/support/config-db.ts'
import { admit, isClientKey } from '../http/caller.ts'
import { ClientKeyStore } from './client-keys.ts'

const dayUs = 86_400e6

test('a key is shown once, and what is stored of it opens nothing', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  const { key, view } = await store.create({ name: 'Laptop', kind: 'inference' })
  expect(isClientKey(key)).toBe(true)
  expect(view).toMatchObject({ id: key.slice(3, 11), name: 'Laptop', kind: 'inference', lastFour: key.slice(-4) })
  expect(Buffer.from(key.slice(12), 'base64url')).toHaveLength(32)
  expect(await store.unrevoked()).toEqual([{ id: view.id, kind: 'inference', hash: hash('sha256', key) }])
  const stored = JSON.stringify(config.database.prepare('select * from api_keys').all())
  expect(stored).not.toContain(key.slice(12))
  expect(JSON.stringify(await store.list({}, { limit: 10 }))).not.toContain(hash('sha256', key))
  expect(JSON.stringify(await store.list({}, { limit: 10 }))).not.toContain(key)
})

test('what a key is good for is what was asked for it, and it is let in', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  const expiresUs = startUs + dayUs
  const wanted = {
    name: 'CI',
    kind: 'admin',
    projectId: config.b,
    models: ['gpt-*', 'gpt-*', 'claude-sonnet-5'],
    expiresUs,
    createdBy: 'abcd1234',
  } as const
  const { key, view } = await store.create(wanted)
  expect(view).toMatchObject({
    projectId: config.b,
    models: ['gpt-*', 'claude-sonnet-5'],
    expiresUs,
    createdBy: 'abcd1234',
  })
  expect(await store.find(view.id)).toEqual(view)
  const keys = new Map((await store.unrevoked()).map((one) => [one.id, one]))
  const caller = admit(
    { headers: { authorization: `Bearer ${key}` }, query: '' },
    'admin',
    { keys, mayBeOpen: true },
    startUs,
  )
  expect(caller.key).toMatchObject({ id: view.id, projectId: config.b, models: ['gpt-*', 'claude-sonnet-5'] })
})

test('a key that is revoked stays so from the first time, and is no longer handed out', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  const { view } = await store.create({ name: 'Old', kind: 'inference' })
  const kept = await store.create({ name: 'New', kind: 'inference' })
  const revoked = await store.revoke(view.id)
  expect(revoked?.revokedUs).toBeGreaterThan(view.createdUs)
  expect(await store.revoke(view.id)).toEqual(revoked)
  expect(await store.revoke('nobody00')).toBeUndefined()
  expect((await store.unrevoked()).map(({ id }) => id)).toEqual([kept.view.id])
  const ids = async (isRevoked: boolean): Promise<string[]> =>
    (await store.list({ revoked: isRevoked }, { limit: 10 })).items.map(({ id }) => id)
  expect([await ids(true), await ids(false)]).toEqual([[view.id], [kept.view.id]])
})

test('the keys of a project are listed without those of others, in parts', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  for (const name of ['b1', 'b2', 'b3']) await store.create({ name, kind: 'inference', projectId: config.b })
  await store.create({ name: 'a1', kind: 'inference', projectId: config.a })
  await store.create({ name: 'all', kind: 'admin' })
  const first = await store.list({ projectId: config.b }, { limit: 2 })
  const rest = await store.list({ projectId: config.b }, { limit: 2, after: first.next as string })
  expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['b1', 'b2', 'b3'])
  expect(rest.next).toBeUndefined()
  expect((await store.list({ projectId: config.a }, { limit: 9 })).items.map(({ name }) => name)).toEqual(['a1'])
  expect((await store.list({}, { limit: 9 })).items).toHaveLength(5)
})

test('what cannot be is refused', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  const good = { name: 'Key', kind: 'inference' } as const
  for (const [wanted, code] of [
    [{ ...good, name: '' }, 'bad_request'],
    [{ ...good, name: 'a\nb' }, 'bad_request'],
    [{ ...good, kind: 'root' as 'admin' }, 'bad_request'],
    [{ ...good, projectId: 'nowhere' }, 'project_not_found'],
    [{ ...good, projectId: 'beta' }, 'project_not_found'],
    [{ ...good, expiresUs: startUs }, 'bad_request'],
    [{ ...good, expiresUs: Number.NaN }, 'bad_request'],
    [{ ...good, models: [] }, 'bad_request'],
    [{ ...good, models: [''] }, 'bad_request'],
    [{ ...good, models: Array.from({ length: 101 }, (_, index) => `m${index}`) }, 'bad_request'],
  ] as const)
    await expect(store.create(wanted)).rejects.toMatchObject({ code })
  expect(await store.unrevoked()).toEqual([])
  const { view } = await store.create({ ...good, name: "' OR 1=1 -- 🙂" })
  for (const text of hostileTexts) {
    expect(await store.find(text)).toBeUndefined()
    expect(await store.revoke(text)).toBeUndefined()
    expect((await store.list({ projectId: text }, { limit: 9 })).items).toEqual([])
  }
  expect(await store.find(view.id)).toEqual(view)
})

test('no two keys are alike', async () => {
  using config = await configDb()
  const store = new ClientKeyStore(config.db, config.nowUs)
  const made = await Promise.all(
    Array.from({ length: 50 }, (_, index) => store.create({ name: `k${index}`, kind: 'inference' })),
  )
  expect(new Set(made.map(({ key }) => key.slice(12))).size).toBe(50)
  expect(new Set(made.map(({ view }) => view.id)).size).toBe(50)
})
