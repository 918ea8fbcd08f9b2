import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { startUs } from '../../test/support/config-db.ts'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { configMigrations } from '../store/migrations/config.ts'
import { migrate } from '../store/migrations/migrate.ts'
import { kyselyOn } from '../store/sqlite/open.ts'
import { type ControlStores, masterKeyPath, openControlStores } from './control-stores.ts'

const canary = 'sk-canary-8d1f0a7c'

function clock(): () => number {
  let seconds = 0
  return () => startUs + ++seconds * 1_000_000
}

const open = (dataDir: string, environment: Record<string, string> = {}): Promise<ControlStores> =>
  openControlStores(dataDir, environment, clock(), (name) => (name === 'of-the-file' ? 'openai' : undefined))

const key = { kind: 'api_key', fields: { api_key: canary } }

test('a new folder has one project, and nothing else', async () => {
  using folder = temporaryFolder()
  const stores = await open(folder.path)
  expect(await stores.state()).toEqual({
    projects: [
      {
        id: 'default',
        slug: 'default',
        name: 'Default',
        isDefault: true,
        isArchived: false,
        settings: { captureBodies: true },
        providers: {},
        models: {},
        credentials: [],
      },
    ],
    keys: [],
  })
  expect(stores.problems()).toEqual([])
  expect(existsSync(masterKeyPath(folder.path))).toBe(false)
  stores.close()
})

test('what is stored comes back in another process, each thing in its project', async () => {
  using folder = temporaryFolder()
  const stores = await open(folder.path)
  const beta = await stores.projects.create({ name: 'Beta', settings: { captureBodies: false } })
  const mine = { like: 'openai', baseUrl: 'https://llm.example/v1' }
  await stores.providers.create('default', { name: 'mine', config: mine })
  await stores.models.create(beta.id, { name: 'fast', provider: 'of-the-file', model: 'gpt-5-mini' })
  await stores.credentials.create('default', { provider: 'mine', credential: key })
  const low = await stores.credentials.create(beta.id, { provider: 'openai', credential: key, priority: 9, weight: 3 })
  const high = await stores.credentials.create(beta.id, { provider: 'openai', credential: key })
  const { view } = await stores.clientKeys.create({ name: 'CI', kind: 'inference', projectId: beta.id })
  await stores.settings.change({ translation: 'strict' })
  await stores.projects.makeDefault(beta.id)
  await stores.projects.archive('default')
  const state = await stores.state()
  stores.close()

  const again = await open(folder.path)
  expect(await again.state()).toEqual(state)
  expect((await again.settings.all()).values.get('translation')).toBe('strict')
  again.close()
  const [first, second] = state.projects
  expect(first).toMatchObject({
    slug: 'beta',
    isDefault: true,
    settings: { captureBodies: false },
    providers: {},
    models: { fast: { provider: 'of-the-file', model: 'gpt-5-mini' } },
    credentials: [
      { id: high.id, priority: 1, weight: 1, credential: key, at: {} },
      { id: low.id, priority: 9, weight: 3 },
    ],
  })
  expect(second).toMatchObject({ slug: 'default', isArchived: true, providers: { mine }, models: {} })
  expect(second?.credentials.map(({ provider }) => provider)).toEqual(['mine'])
  expect(JSON.stringify(state.projects)).not.toContain('projectId')
  expect(state.keys).toEqual([{ id: view.id, kind: 'inference', projectId: beta.id, hash: expect.any(String) }])
})

test('no secret is in any file of the folder but that of the keys, and nobody else can read those', async () => {
  using folder = temporaryFolder()
  const stores = await open(folder.path)
  await stores.credentials.create('default', {
    provider: 'openai',
    credential: key,
    at: { headers: { 'x-a': canary } },
  })
  const made = await stores.clientKeys.create({ name: 'CI', kind: 'admin' })
  for (const name of readdirSync(folder.path)) {
    const path = join(folder.path, name)
    if (!statSync(path).isFile()) continue
    const bytes = readFileSync(path, 'latin1')
    expect(bytes).not.toContain(canary)
    expect(bytes).not.toContain(made.key.slice(12))
    if (process.platform !== 'win32') expect([name, statSync(path).mode & 0o077]).toEqual([name, 0])
  }
  stores.close()
})

test('a folder of the version before keeps its project', async () => {
  using folder = temporaryFolder()
  const database = new DatabaseSync(join(folder.path, 'config.db'))
  const { '0001_projects': first } = configMigrations
  await migrate(kyselyOn(database), { '0001_projects': first })
  database.exec(
    "insert into projects (id, name, is_default, created_us) values ('default', 'Default', 1, 1700000000000000)",
  )
  database.close()
  const stores = await open(folder.path)
  expect(await stores.projects.find('default')).toEqual({
    id: 'default',
    slug: 'default',
    name: 'Default',
    isDefault: true,
    isArchived: false,
    settings: { captureBodies: true },
    createdUs: 1_700_000_000_000_000,
    updatedUs: 1_700_000_000_000_000,
    version: 1,
  })
  stores.close()
})

test('with the key file gone the rest starts, and the problem is told until the file is back', async () => {
  using folder = temporaryFolder()
  const path = masterKeyPath(folder.path)
  const stores = await open(folder.path)
  const { id } = await stores.credentials.create('default', { provider: 'openai', credential: key })
  const saved = readFileSync(path, 'utf8')
  rmSync(path)
  const { projects } = await stores.state()
  expect(projects[0]?.credentials).toEqual([])
  expect(stores.problems()[0]).toContain(`credential ${id} (openai, project default) cannot be used: the master key`)
  writeFileSync(path, saved, { mode: 0o600 })
  chmodSync(path, 0o600)
  expect((await stores.state()).projects[0]?.credentials).toMatchObject([{ id, credential: key }])
  expect(stores.problems()).toEqual([])
  stores.close()
})

test('a master key that is none keeps it from starting, before anything is made', async () => {
  using folder = temporaryFolder()
  await expect(open(folder.path, { TRUNKLINE_MASTER_KEY: 'short' })).rejects.toThrow(
    'TRUNKLINE_MASTER_KEY is not 32 bytes',
  )
  expect(readdirSync(folder.path)).toEqual([])
})

test('changes that come at once are each whole', async () => {
  using folder = temporaryFolder()
  const stores = await open(folder.path)
  const made = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => stores.projects.create({ name: `P ${index % 10}` })),
  )
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  const defaults = await Promise.all((await stores.projects.all()).map(({ id }) => stores.projects.makeDefault(id)))
  expect(defaults).toHaveLength(11)
  expect((await stores.projects.all()).filter(({ isDefault }) => isDefault)).toHaveLength(1)
  stores.close()
})
