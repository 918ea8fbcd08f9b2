import { expect, test } from 'vitest'
import { configDb } from '../../test/support/config-db.ts'
import { SettingStore } from './stored-settings.ts'

test('a setting is kept until it is taken away, and each change counts', async () => {
  using config = await configDb()
  const store = new SettingStore(config.db)
  expect(await store.all()).toEqual({ values: new Map(), version: 1 })
  expect(await store.change({ translation: 'strict', 'timeouts.idle_ms': 5_000 })).toBe(2)
  expect(await store.change({ translation: null, 'responses.retention_days': 7 }, 2)).toBe(3)
  expect(await store.all()).toEqual({
    values: new Map<string, unknown>([
      ['responses.retention_days', 7],
      ['timeouts.idle_ms', 5_000],
    ]),
    version: 3,
  })
})

test('who has seen an older version changes nothing', async () => {
  using config = await configDb()
  const store = new SettingStore(config.db)
  await store.change({ translation: 'strict' })
  await expect(store.change({ translation: 'lenient' }, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  expect((await store.all()).values.get('translation')).toBe('strict')
})

test('values come back as they were, and hostile keys are refused as a whole', async () => {
  using config = await configDb()
  const store = new SettingStore(config.db)
  const odd = { list: ["' OR 1=1 --", '🙂', 'a\u0000b'], truth: false, nothing: '' }
  await store.change({ odd, "' OR 1=1 --": 1 })
  for (const key of ['__proto__', 'constructor', '', 'a\u0000b'])
    await expect(
      store.change(
        Object.fromEntries([
          ['fine', 1],
          [key, 1],
        ]),
      ),
    ).rejects.toMatchObject({ code: 'bad_request' })
  const { values, version } = await store.all()
  expect(version).toBe(2)
  expect([...values]).toEqual([
    ["' OR 1=1 --", 1],
    ['odd', odd],
  ])
})
