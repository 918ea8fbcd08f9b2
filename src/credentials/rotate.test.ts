import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configDb, type TestConfigDb } from '../../test/support/config-db.ts'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { CredentialRows } from '../store/provider-credentials.ts'
import { type KeyFiles, keyFiles } from './key-files.ts'
import { KeyStorage } from './key-storage.ts'
import { MasterKeys } from './master-key.ts'

interface World extends Disposable {
  readonly config: TestConfigDb
  readonly path: string
  storage(environment?: Record<string, string>, files?: KeyFiles): KeyStorage
  keyIds(): readonly string[]
}

async function world(): Promise<World> {
  const config = await configDb()
  const folder = temporaryFolder()
  const path = join(folder.path, 'master.key')
  return {
    config,
    path,
    storage: (environment = {}, files = keyFiles) =>
      new KeyStorage({
        rows: new CredentialRows(config.db),
        masterKeys: new MasterKeys({ path, environment, files }),
        nowUs: config.nowUs,
        newId: config.newId,
        likeOf: () => undefined,
      }),
    keyIds: () =>
      config.database
        .prepare('select distinct sealed from provider_credentials')
        .all()
        .map(({ sealed }) => String(sealed).split('.')[1] as string),
    [Symbol.dispose]() {
      config[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

const wanted = (api_key: string) => ({ provider: 'openai', credential: { kind: 'api_key', fields: { api_key } } })

async function filled(the: World, environment?: Record<string, string>): Promise<void> {
  const storage = the.storage(environment)
  for (const project of [the.config.a, the.config.b])
    for (const secret of ['sk-one', 'sk-two', 'sk-three']) await storage.create(project, wanted(secret))
}

const secretsIn = async (storage: KeyStorage): Promise<readonly unknown[]> =>
  (await storage.open()).map(({ credential }) => credential.fields.api_key)

const all = ['sk-one', 'sk-two', 'sk-three', 'sk-one', 'sk-two', 'sk-three']

const variable = (bytes = randomBytes(32)): string => bytes.toString('base64')

test('every credential is under a new key, which is the only one left', async () => {
  using the = await world()
  await filled(the)
  const before = readFileSync(the.path, 'utf8')
  const sealed = the.config.database.prepare('select sealed from provider_credentials').all()
  const { credentials, keyId } = await the.storage().rotate()
  expect(credentials).toBe(6)
  expect(new Set(the.keyIds())).toEqual(new Set([keyId]))
  const { active, keys } = JSON.parse(readFileSync(the.path, 'utf8')) as { active: string; keys: object }
  expect([active, Object.keys(keys)]).toEqual([keyId, [keyId]])
  expect(before).not.toContain(keyId)
  expect(await secretsIn(the.storage())).toEqual(all)
  expect(the.config.database.prepare('select sealed from provider_credentials').all()).not.toEqual(sealed)
})

test('who has the old key and the new file opens nothing', async () => {
  using the = await world()
  await filled(the)
  const old = readFileSync(the.path, 'utf8')
  await the.storage().rotate()
  keyFiles.write(the.path, old)
  expect(await secretsIn(the.storage())).toEqual([])
})

test('a folder without credentials gets a key, and its next credentials are under it', async () => {
  using the = await world()
  const { credentials, keyId } = await the.storage().rotate()
  expect(credentials).toBe(0)
  await filled(the)
  expect(new Set(the.keyIds())).toEqual(new Set([keyId]))
})

test('a key from the environment follows the one before it', async () => {
  using the = await world()
  const [first, second] = [variable(), variable()]
  await filled(the, { TRUNKLINE_MASTER_KEY: first })
  await expect(the.storage({ TRUNKLINE_MASTER_KEY: first }).rotate()).rejects.toThrow(
    'To change it, set TRUNKLINE_MASTER_KEY to a new key and TRUNKLINE_MASTER_KEY_PREVIOUS to the old one',
  )
  const both = { TRUNKLINE_MASTER_KEY: second, TRUNKLINE_MASTER_KEY_PREVIOUS: first }
  expect(await secretsIn(the.storage(both))).toEqual(all)
  expect(await the.storage(both).rotate()).toMatchObject({ credentials: 6 })
  expect(await secretsIn(the.storage({ TRUNKLINE_MASTER_KEY: second }))).toEqual(all)
  expect(await secretsIn(the.storage({ TRUNKLINE_MASTER_KEY: first }))).toEqual([])
})

test('a key from the environment takes the place of the file, which is then gone', async () => {
  using the = await world()
  await filled(the)
  const environment = { TRUNKLINE_MASTER_KEY: variable() }
  expect(await secretsIn(the.storage(environment))).toEqual(all)
  await the.storage(environment).rotate()
  expect(() => readFileSync(the.path)).toThrow('ENOENT')
  expect(await secretsIn(the.storage(environment))).toEqual(all)
})

test('a credential that cannot be opened keeps everything as it is, and is named', async () => {
  using the = await world()
  await filled(the)
  const { database } = the.config
  database.exec("update provider_credentials set provider = 'groq' where rowid = 4")
  const before = [readFileSync(the.path, 'utf8'), database.prepare('select * from provider_credentials').all()]
  await expect(the.storage().rotate()).rejects.toThrow(/^Nothing has been changed, because credential .+ \(groq, /)
  expect([readFileSync(the.path, 'utf8'), database.prepare('select * from provider_credentials').all()]).toEqual(before)
})

/** A file that fails at one of its writings, before it is written or after, as when the process is killed there. */
function cut(at: number, when: 'before' | 'after'): KeyFiles {
  let count = 0
  const step = (work: () => void): void => {
    const isLast = ++count === at
    if (isLast && when === 'before') throw new Error('The power is gone.')
    work()
    if (isLast) throw new Error('The power is gone.')
  }
  return {
    read: keyFiles.read,
    write: (path, text) => step(() => keyFiles.write(path, text)),
    remove: (path) => step(() => keyFiles.remove(path)),
  }
}

test.each([
  [1, 'before'],
  [1, 'after'],
  [2, 'before'],
  [2, 'after'],
] as const)(
  'cut off at writing %i of the file, %s it, everything still opens, and it can be done again',
  async (at, when) => {
    using the = await world()
    await filled(the)
    await expect(the.storage({}, cut(at, when)).rotate()).rejects.toThrow('The power is gone.')
    expect(await secretsIn(the.storage())).toEqual(all)
    const { keyId } = await the.storage().rotate()
    expect(await secretsIn(the.storage())).toEqual(all)
    expect(Object.keys((JSON.parse(readFileSync(the.path, 'utf8')) as { keys: object }).keys)).toEqual([keyId])
  },
)

test.each([1, 2, 3, 4, 5, 6])('cut off at row %i, no row is changed, and everything still opens', async (row) => {
  using the = await world()
  await filled(the)
  const { database } = the.config
  const before = database.prepare('select * from provider_credentials').all()
  database.exec(
    `create trigger cut before update on provider_credentials when old.rowid = ${row} begin select raise(abort, 'The power is gone.'); end`,
  )
  await expect(the.storage().rotate()).rejects.toThrow('The power is gone.')
  expect(database.prepare('select * from provider_credentials').all()).toEqual(before)
  expect(await secretsIn(the.storage())).toEqual(all)
  await the.storage().create(the.config.a, wanted('sk-four'))
  database.exec('drop trigger cut')
  expect((await the.storage().rotate()).credentials).toBe(7)
  expect((await secretsIn(the.storage())).toSorted()).toEqual([...all, 'sk-four'].toSorted())
})

test('credentials that are made meanwhile are never left under a key that is forgotten', async () => {
  using the = await world()
  await filled(the)
  const storage = the.storage()
  const [{ credentials: first }] = await Promise.all([
    storage.rotate(),
    ...Array.from({ length: 20 }, (_, index) => storage.create(the.config.a, wanted(`sk-${index}`))),
    storage.rotate(),
  ])
  expect(first).toBeGreaterThanOrEqual(6)
  expect(await secretsIn(the.storage())).toHaveLength(26)
})
