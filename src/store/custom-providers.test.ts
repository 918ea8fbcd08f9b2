import { expect, test } from 'vitest'
import { configDb, hostileTexts, type TestConfigDb } from '../../test/support/config-db.ts'
import { CustomProviderStore } from './custom-providers.ts'

const open = (config: TestConfigDb) =>
  new CustomProviderStore(config.db, { ...config, isBuiltIn: (name) => ['openai', 'anthropic'].includes(name) })

const config = { like: 'openai', baseUrl: 'https://llm.example/v1', models: ['big'] }

test('a provider of one’s own can be made, changed and removed', async () => {
  using db = await configDb()
  const store = open(db)
  const made = await store.create(db.a, { name: 'mine', config })
  expect(made).toMatchObject({ name: 'mine', projectId: db.a, like: 'openai', config, version: 1 })
  await expect(store.create(db.a, { name: 'mine', config })).rejects.toMatchObject({ code: 'conflict' })
  const other = { ...config, baseUrl: 'http://127.0.0.1:8000', mayBePrivate: true, timeouts: { idleMs: 1_000 } }
  const changed = await store.change(db.a, 'mine', other, 1)
  expect(changed).toMatchObject({ config: other, version: 2 })
  expect(await store.find(db.a, 'mine')).toEqual(changed)
  await expect(store.change(db.a, 'mine', config, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  await expect(store.remove(db.a, 'mine', 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  expect([await store.remove(db.a, 'mine', 2), await store.remove(db.a, 'mine')]).toEqual([true, false])
})

test.each([
  ['a name that everybody has', { name: 'openai', config }, 'openai is a provider that everybody has'],
  ['a name with a slash', { name: 'a/b', config }, 'name must be made of small letters, digits and dashes'],
  ['nothing that it is like', { name: 'x', config: { baseUrl: 'https://a.example' } }, 'like must name a provider'],
  ['another own one that it is like', { name: 'x', config: { ...config, like: 'mine' } }, 'like must name a provider'],
  ['no address', { name: 'x', config: { like: 'openai' } }, 'base_url must say where the provider is.'],
  ['a file as address', { name: 'x', config: { ...config, baseUrl: 'file:///etc' } }, 'base_url must be an http'],
  ['a password in it', { name: 'x', config: { ...config, baseUrl: 'https://u:p@a.example' } }, 'must not have a user'],
  [
    'a line break in it',
    { name: 'x', config: { ...config, baseUrl: 'https://a.exa\nmple' } },
    'must be an http or https',
  ],
  ['a key', { name: 'x', config: { ...config, apiKey: 'sk-canary' } }, 'A credential is stored by itself'],
  ['headers', { name: 'x', config: { ...config, headers: { 'x-team': 'canary' } } }, 'Headers may be secrets'],
])('%s is refused', async (_what, wanted, message) => {
  using db = await configDb()
  const refused = open(db).create(db.a, wanted)
  await expect(refused).rejects.toMatchObject({ code: 'bad_request' })
  await expect(refused).rejects.toThrow(message)
  await expect(refused).rejects.not.toThrow('canary')
})

test('nothing of one project is seen, changed or removed through another', async () => {
  using db = await configDb()
  const store = open(db)
  const ofA = await store.create(db.a, { name: 'mine', config })
  expect(await store.find(db.b, 'mine')).toBeUndefined()
  expect((await store.list(db.b, { limit: 10 })).items).toEqual([])
  await expect(store.change(db.b, 'mine', config)).rejects.toMatchObject({ code: 'not_found' })
  expect(await store.remove(db.b, 'mine')).toBe(false)
  await store.create(db.b, { name: 'mine', config: { ...config, baseUrl: 'https://b.example' } })
  expect(await store.remove(db.b, 'mine')).toBe(true)
  expect(await store.find(db.a, 'mine')).toEqual(ofA)
  await expect(store.create('nowhere', { name: 'mine', config })).rejects.toMatchObject({ code: 'project_not_found' })
})

test('hostile names find nothing and are refused', async () => {
  using db = await configDb()
  const store = open(db)
  const ofA = await store.create(db.a, { name: 'mine', config })
  for (const name of hostileTexts) {
    expect(await store.find(db.a, name)).toBeUndefined()
    expect(await store.remove(db.a, name)).toBe(false)
    await expect(store.create(db.a, { name, config })).rejects.toMatchObject({ code: 'bad_request' })
  }
  await store.create(db.a, { name: 'alpha', config })
  await store.create(db.a, { name: 'zeta', config })
  const first = await store.list(db.a, { limit: 2 })
  const rest = await store.list(db.a, { limit: 2, after: first.next as string })
  expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['alpha', 'mine', 'zeta'])
  expect(await store.find(db.a, 'mine')).toEqual(ofA)
})
