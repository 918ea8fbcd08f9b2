import { expect, test } from 'vitest'
import { configDb } from '../../test/support/config-db.ts'
import { ClientKeyStore } from './client-keys.ts'
import { CustomModelStore } from './custom-models.ts'
import { CustomProviderStore } from './custom-providers.ts'

/** Rows with the numbers from 1 on in their names. */
const numbers = (most: number): string =>
  `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${most})`

test('a project has so many providers and models and no more, whatever another one has', async () => {
  using config = await configDb()
  const { a, b, database, db } = config
  const providers = new CustomProviderStore(db, { ...config, isBuiltIn: (name) => name === 'openai' })
  const models = new CustomModelStore(db, { ...config, isProvider: () => true })
  database.exec(
    `${numbers(199)} insert into providers (project_id, name, config, created_us, updated_us, version)
       select '${a}', 'p-' || n, '{"like":"openai"}', 0, 0, 1 from numbers`,
  )
  database.exec(
    `${numbers(4_999)} insert into models (project_id, name, provider, model, created_us, updated_us, version)
       select '${a}', 'm-' || n, 'openai', 'x', 0, 0, 1 from numbers`,
  )
  const provider = (name: string) => ({ name, config: { like: 'openai', baseUrl: 'https://llm.example' } })
  const model = (name: string) => ({ name, provider: 'openai', model: 'x' })
  await providers.create(a, provider('last'))
  await models.create(a, model('last'))
  for (const one of [providers.create(a, provider('more')), models.create(a, model('more'))])
    await expect(one).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('as many as') })
  await providers.create(b, provider('more'))
  await models.create(b, model('more'))
  await models.remove(a, 'last')
  await models.create(a, model('more'))
})

test('a project has so many client keys that are good, and those that are revoked do not count', async () => {
  using config = await configDb()
  const { a, database, db, nowUs } = config
  const keys = new ClientKeyStore(db, nowUs)
  database.exec(
    `${numbers(9_999)} insert into api_keys (id, hash, last_four, name, kind, project_id, revoked_us, created_us)
       select 'k-' || n, 'h-' || n, '', '', 'inference', '${a}', iif(n = 1, 1, null), 0 from numbers`,
  )
  const make = () => keys.create({ name: 'x', kind: 'inference', projectId: a })
  await make()
  const { view } = await make()
  await expect(make()).rejects.toMatchObject({ code: 'conflict' })
  await keys.create({ name: 'x', kind: 'inference' })
  await keys.revoke(view.id)
  await make()
})

test('a key is neither made nor revoked when what else there is speaks against it', async () => {
  using config = await configDb()
  const keys = new ClientKeyStore(config.db, config.nowUs)
  const refuse = (): never => {
    throw new Error('no')
  }
  await expect(keys.create({ name: 'x', kind: 'admin' }, refuse)).rejects.toThrow('no')
  expect(await keys.unrevoked()).toEqual([])
  const { view } = await keys.create({ name: 'x', kind: 'admin' }, (others) => expect(others).toEqual([]))
  await expect(keys.revoke(view.id, refuse)).rejects.toThrow('no')
  expect((await keys.unrevoked()).map(({ id }) => id)).toEqual([view.id])
  expect(await keys.revoke(view.id, (those) => expect(those).toHaveLength(1))).toMatchObject({ id: view.id })
  // Once it is revoked there is nothing to be asked.
  expect((await keys.revoke(view.id, refuse))?.revokedUs).toBeDefined()
})
