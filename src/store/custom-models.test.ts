import { expect, test } from 'vitest'
import { configDb, hostileTexts, type TestConfigDb } from '../../test/support/config-db.ts'
import { CustomModelStore } from './custom-models.ts'
import { CustomProviderStore } from './custom-providers.ts'

const models = (config: TestConfigDb) =>
  new CustomModelStore(config.db, { ...config, isProvider: (name) => name === 'openai' })
const fast = { name: 'fast', provider: 'openai', model: 'gpt-5-mini' }

test('a model under a name of one’s own can be made, changed and removed', async () => {
  using config = await configDb()
  const store = models(config)
  const made = await store.create(config.a, fast)
  expect(made).toMatchObject({ ...fast, projectId: config.a, version: 1 })
  await expect(store.create(config.a, fast)).rejects.toMatchObject({ code: 'conflict' })
  const changed = await store.change(config.a, 'fast', { model: 'gpt-5-nano' }, 1)
  expect(changed).toMatchObject({ provider: 'openai', model: 'gpt-5-nano', version: 2 })
  expect(await store.find(config.a, 'fast')).toEqual(changed)
  await expect(store.change(config.a, 'fast', {}, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  await expect(store.remove(config.a, 'fast', 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  expect(await store.remove(config.a, 'fast', 2)).toBe(true)
  expect(await store.remove(config.a, 'fast', 2)).toBe(false)
})

test('its provider must be one that the project has', async () => {
  using config = await configDb()
  const store = models(config)
  const own = new CustomProviderStore(config.db, { ...config, isBuiltIn: (name) => name === 'openai' })
  await own.create(config.a, { name: 'mine', config: { like: 'openai', baseUrl: 'https://llm.example' } })
  await expect(store.create(config.b, { ...fast, provider: 'mine' })).rejects.toThrow('There is no provider "mine".')
  await expect(store.create('nowhere', fast)).rejects.toMatchObject({ code: 'project_not_found' })
  await store.create(config.a, { ...fast, provider: 'mine' })
  await expect(store.change(config.a, 'fast', { provider: 'nobody' })).rejects.toMatchObject({ code: 'bad_request' })
})

test('nothing of one project is seen, changed or removed through another', async () => {
  using config = await configDb()
  const store = models(config)
  const ofA = await store.create(config.a, fast)
  expect(await store.find(config.b, 'fast')).toBeUndefined()
  expect((await store.list(config.b, { limit: 10 })).items).toEqual([])
  await expect(store.change(config.b, 'fast', { model: 'x' })).rejects.toMatchObject({ code: 'not_found' })
  expect(await store.remove(config.b, 'fast')).toBe(false)
  const ofB = await store.create(config.b, { ...fast, model: 'other' })
  expect(await store.remove(config.b, 'fast')).toBe(true)
  expect(ofB.model).toBe('other')
  expect(await store.find(config.a, 'fast')).toEqual(ofA)
})

test('hostile names are looked up as they are, or refused', async () => {
  using config = await configDb()
  const store = models(config)
  const before = await store.create(config.a, fast)
  for (const name of hostileTexts) {
    expect(await store.find(config.a, name)).toBeUndefined()
    expect(await store.remove(config.a, name)).toBe(false)
  }
  for (const name of ['__proto__', 'constructor', 'a\u0000b', '\ud800', '', ' x', 'x'.repeat(201)])
    await expect(store.create(config.a, { ...fast, name })).rejects.toMatchObject({ code: 'bad_request' })
  await store.create(config.a, { ...fast, name: "' OR 1=1 --" })
  await store.create(config.a, { ...fast, name: '🙂/%_' })
  const first = await store.list(config.a, { limit: 2 })
  const rest = await store.list(config.a, { limit: 2, after: first.next as string })
  expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(["' OR 1=1 --", 'fast', '🙂/%_'])
  expect(await store.find(config.a, 'fast')).toEqual(before)
})
