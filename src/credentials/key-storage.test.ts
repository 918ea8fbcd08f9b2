import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configDb, hostileTexts, type TestConfigDb } from '../../test/support/config-db.ts'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import type { Credential } from '../core/credential.ts'
import { CustomProviderStore } from '../store/custom-providers.ts'
import { CredentialRows } from '../store/provider-credentials.ts'
import { KeyStorage, type NewCredential } from './key-storage.ts'
import { MasterKeys } from './master-key.ts'

const canary = 'canary-0f9c2e6b7d5a4813'

const keyFile = JSON.stringify({
  type: 'service_account',
  project_id: 'my-project',
  private_key_id: `${canary}-id`,
  private_key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  client_email: 'robot@my-project.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
  auth_uri: canary,
})

/** One of every kind, and a provider that takes it. */
const everyKind: readonly (readonly [provider: string, Credential])[] = [
  ['openai', { kind: 'api_key', fields: { api_key: `sk-${canary}` } }],
  ['azure', { kind: 'entra_id', fields: { tenant_id: 't', client_id: 'c', client_secret: `es-${canary}` } }],
  ['azure', { kind: 'entra_default', fields: {} }],
  [
    'bedrock',
    {
      kind: 'aws_static',
      fields: { access_key_id: 'AKIA1', secret_access_key: canary, session_token: `st-${canary}` },
    },
  ],
  ['bedrock', { kind: 'aws_profile', fields: { profile: 'work' } }],
  [
    'bedrock',
    { kind: 'aws_role', fields: { role_arn: 'arn:aws:iam::1:role/r', access_key_id: 'A', secret_access_key: canary } },
  ],
  ['bedrock', { kind: 'aws_default', fields: {} }],
  ['vertex', { kind: 'google_service_account', fields: { key_json: keyFile } }],
  ['vertex', { kind: 'google_adc', fields: {} }],
  ['ollama', { kind: 'none', fields: {} }],
]

const key = (api_key: string): Credential => ({ kind: 'api_key', fields: { api_key } })

interface World extends Disposable {
  readonly config: TestConfigDb
  readonly folder: string
  readonly storage: KeyStorage
  readonly providers: CustomProviderStore
  /** The same rows, as a process sees them that starts anew. */
  again(environment?: Record<string, string>): KeyStorage
}

async function world(): Promise<World> {
  const config = await configDb()
  const folder = temporaryFolder()
  const again = (environment: Record<string, string> = {}): KeyStorage =>
    new KeyStorage({
      rows: new CredentialRows(config.db),
      masterKeys: new MasterKeys({ path: join(folder.path, 'master.key'), environment }),
      nowUs: config.nowUs,
      newId: config.newId,
      likeOf: (name) => (name === 'of-the-file' ? 'openai' : undefined),
    })
  return {
    config,
    folder: folder.path,
    storage: again(),
    providers: new CustomProviderStore(config.db, {
      ...config,
      isBuiltIn: (name) => name === 'openai' || name === 'vertex',
    }),
    again,
    [Symbol.dispose]() {
      config[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

const page = { limit: 100 }

const bytesOf = ({ config }: World): string => Buffer.from(config.database.serialize()).toString('latin1')

test('of every kind nothing secret is shown or lies in the file, and all of it comes back when opened', async () => {
  using the = await world()
  const { storage, config } = the
  const headers = { 'x-team': `header-${canary}` }
  for (const [provider, credential] of everyKind)
    await storage.create(config.a, { provider, credential, name: `${credential.kind} key`, at: { headers } })
  const { items } = await storage.list(config.a, {}, page)
  expect(items).toHaveLength(everyKind.length)
  expect(JSON.stringify(items)).not.toContain(canary)
  expect(JSON.stringify(items)).not.toContain('BEGIN')
  expect(items.every(({ headerNames }) => headerNames.join() === 'x-team')).toBe(true)
  expect(bytesOf(the)).not.toContain(canary)
  const opened = await the.again().open(config.a)
  expect(opened.map(({ credential }) => credential.kind)).toEqual(everyKind.map(([, { kind }]) => kind))
  expect(opened.every(({ at }) => at.headers?.['x-team'] === headers['x-team'])).toBe(true)
  for (const [index, [, credential]] of everyKind.entries()) {
    const { key_json, ...fields } = opened[index]?.credential.fields ?? {}
    const { key_json: wanted, ...others } = credential.fields
    expect(fields).toEqual(others)
    if (wanted === undefined || key_json === undefined) continue
    const { auth_uri: _unused, ...used } = JSON.parse(wanted) as Record<string, string>
    expect(JSON.parse(key_json)).toEqual(used)
  }
})

test('a secret is shown by its last four characters, a short one not at all', async () => {
  using the = await world()
  const { storage, config } = the
  const shown = async (provider: string, credential: Credential): Promise<unknown> =>
    (await storage.create(config.a, { provider, credential })).fields
  expect(await shown('openai', key('sk-0123456789'))).toEqual({ api_key: '…6789' })
  expect(await shown('openai', key('sk-01234567'))).toEqual({ api_key: '…' })
  expect(await shown('vertex', { kind: 'google_service_account', fields: { key_json: keyFile } })).toEqual({
    key_json: '…',
    client_email: 'robot@my-project.iam.gserviceaccount.com',
    project_id: 'my-project',
  })
})

test('equal secrets have equal fingerprints, but not in another installation', async () => {
  using here = await world()
  using there = await world()
  const print = async ({ storage, config }: World, secret: string): Promise<string> =>
    (await storage.create(config.a, { provider: 'openai', credential: key(secret) })).fingerprint
  const first = await print(here, 'sk-one')
  expect(first).toMatch(/^[0-9a-f]{16}$/)
  expect(await print(here, 'sk-one')).toBe(first)
  expect(await print(here, 'sk-two')).not.toBe(first)
  expect(await print(there, 'sk-one')).not.toBe(first)
})

test('a change changes what it names, and only for who has seen the newest version', async () => {
  using the = await world()
  const { storage, config } = the
  const headers = { 'x-team': 'blue' }
  const made = await storage.create(config.a, {
    provider: 'openai',
    credential: key('sk-one'),
    name: 'One',
    at: { headers },
  })
  const changed = await storage.change(config.a, made.id, { name: null, priority: 2, weight: 5 }, 1)
  expect(changed).toMatchObject({ priority: 2, weight: 5, version: 2, fingerprint: made.fingerprint })
  expect(changed).not.toHaveProperty('name')
  await expect(storage.change(config.a, made.id, {}, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  await expect(storage.remove(config.a, made.id, 1)).rejects.toMatchObject({ code: 'precondition_failed' })
  await storage.change(config.a, made.id, { credential: key('sk-two') })
  expect(await storage.open(config.a)).toMatchObject([
    { priority: 2, weight: 5, credential: key('sk-two'), at: { headers } },
  ])
  const without = await storage.change(config.a, made.id, { at: { headers: null } })
  expect(without.headerNames).toEqual([])
  expect((await storage.open(config.a))[0]).toMatchObject({ credential: key('sk-two'), at: {} })
  expect([await storage.remove(config.a, made.id), await storage.remove(config.a, made.id)]).toEqual([true, false])
})

test('another base URL drops the secrets that were given for the old one', async () => {
  using the = await world()
  const { storage, config } = the
  const at = { baseUrl: 'https://one.example/v1', headers: { 'x-team': 'blue' } }
  const { id } = await storage.create(config.a, { provider: 'openai', credential: key(`sk-${canary}`), at })
  const same = await storage.change(config.a, id, { at: { baseUrl: 'https://ONE.example:443/v1' } })
  expect(same).toMatchObject({ needsSecret: false, headerNames: ['x-team'] })
  const moved = await storage.change(config.a, id, { at: { baseUrl: 'https://evil.example/v1' } })
  expect(moved).toMatchObject({ needsSecret: true, fields: {}, headerNames: [], fingerprint: '', kind: 'api_key' })
  expect(await storage.opened(config.a)).toEqual({
    credentials: [],
    unusable: [{ projectId: config.a, provider: 'openai' }],
    problems: [],
  })
  await storage.change(config.a, id, { at: { headers: { 'x-team': 'red' } } })
  await storage.change(config.a, id, { at: { baseUrl: 'https://one.example/v1' } })
  expect(await storage.open(config.a)).toEqual([])
  const mended = await storage.change(config.a, id, { credential: key('sk-new'), at: { baseUrl: null } })
  expect(mended).toMatchObject({ needsSecret: false, headerNames: [] })
  expect(await storage.open(config.a)).toMatchObject([{ credential: key('sk-new'), at: {} }])
})

test('a secret given together with another base URL is kept', async () => {
  using the = await world()
  const { storage, config } = the
  const { id } = await storage.create(config.a, { provider: 'openai', credential: key('sk-old') })
  const moved = await storage.change(config.a, id, { credential: key('sk-new'), at: { baseUrl: 'https://b.example' } })
  expect(moved).toMatchObject({ needsSecret: false, baseUrl: 'https://b.example' })
  expect((await storage.open())[0]?.credential).toEqual(key('sk-new'))
})

test('with another part of its address a credential goes to another host, so its secret stays behind', async () => {
  using the = await world()
  const { storage, config } = the
  const at = { address: { resource: 'ours' }, headers: { 'x-a': 'for-ours' } }
  const { id } = await storage.create(config.a, { provider: 'azure', credential: key('azure-key-1'), at })
  const same = await storage.change(config.a, id, { name: 'Team', at: { address: { resource: 'ours' } } })
  expect(same).toMatchObject({ needsSecret: false, headerNames: ['x-a'] })
  expect((await storage.open()).map(({ credential }) => credential)).toEqual([key('azure-key-1')])
  for (const address of [{ resource: 'evil' }, { resource: 'ours', api_version: '2024-10-21' }, null]) {
    const moved = await storage.change(config.a, id, { at: { address } })
    expect(moved).toMatchObject({ needsSecret: true, headerNames: [], fields: {} })
    expect(await storage.open()).toEqual([])
    await storage.change(config.a, id, { at, credential: key('azure-key-2') })
    expect((await storage.open()).map(({ credential }) => credential)).toEqual([key('azure-key-2')])
  }
  // A base URL says all of where it goes.
  const baseUrl = 'https://models.example/'
  await storage.change(config.a, id, { at: { baseUrl }, credential: key('azure-key-3') })
  const renamed = await storage.change(config.a, id, { at: { address: { resource: 'other' } } })
  expect(renamed).toMatchObject({ needsSecret: false, baseUrl })
})

test('an address is private by an operator’s word only, and that does not go along to another address', async () => {
  using the = await world()
  const { storage, config } = the
  const at = { baseUrl: 'http://127.0.0.1:8000', mayBePrivate: true }
  const { id, mayBePrivate } = await storage.create(config.a, { provider: 'openai', credential: key('sk-1'), at })
  expect(mayBePrivate).toBe(true)
  const moved = await storage.change(config.a, id, { credential: key('sk-2'), at: { baseUrl: 'http://10.0.0.1' } })
  expect(moved.mayBePrivate).toBe(false)
})

test('what this machine is allowed goes to no address but by an operator’s word', async () => {
  using the = await world()
  const { storage, config, providers } = the
  const credential: Credential = { kind: 'google_adc', fields: {} }
  const baseUrl = 'https://evil.example'
  await expect(storage.create(config.a, { provider: 'vertex', credential, at: { baseUrl } })).rejects.toThrow(
    'google_adc is what this machine itself is allowed. Only an operator may have it sent to another address.',
  )
  await providers.create(config.a, { name: 'mine', config: { like: 'vertex', baseUrl } })
  await expect(storage.create(config.a, { provider: 'mine', credential })).rejects.toMatchObject({
    code: 'bad_request',
  })
  const { id } = await storage.create(config.a, { provider: 'vertex', credential })
  await expect(storage.change(config.a, id, { at: { baseUrl } })).rejects.toMatchObject({ code: 'bad_request' })
  const moved = await storage.change(config.a, id, { at: { baseUrl, mayBePrivate: true } })
  expect(moved).toMatchObject({ needsSecret: false, baseUrl })
})

test('a provider of one’s own that moves, comes or goes takes the secrets given for it along', async () => {
  using the = await world()
  const { storage, config, providers } = the
  const mine = { like: 'openai', baseUrl: 'https://one.example' }
  const before = await storage.create(config.a, { provider: 'of-the-file', credential: key('sk-file') })
  await providers.create(config.a, { name: 'of-the-file', config: mine })
  expect(await storage.find(config.a, before.id)).toMatchObject({ needsSecret: true, fingerprint: '' })

  await providers.create(config.a, { name: 'mine', config: mine })
  await providers.create(config.b, { name: 'mine', config: mine })
  const wanted = (secret: string): NewCredential => ({ provider: 'mine', credential: key(secret) })
  const { id } = await storage.create(config.a, wanted('sk-a'))
  await storage.create(config.b, wanted('sk-b'))
  await providers.change(config.a, 'mine', { ...mine, models: ['big'] })
  expect((await storage.open(config.a)).map((one) => one.id)).toEqual([id])
  await providers.change(config.a, 'mine', { ...mine, baseUrl: 'https://evil.example' })
  expect(await storage.open(config.a)).toEqual([])
  expect(await storage.find(config.a, id)).toMatchObject({ needsSecret: true })
  expect((await storage.open(config.b))[0]?.credential).toEqual(key('sk-b'))
  await providers.remove(config.a, 'mine')
  expect(await storage.find(config.a, id)).toBeUndefined()
  expect(await storage.open(config.b)).toHaveLength(1)
})

test.each(['project_id', 'provider', 'id', 'base_url', 'address'])(
  'a row whose %s is changed in the file does not open, and is named',
  async (column) => {
    using the = await world()
    const { storage, config } = the
    const { id } = await storage.create(config.a, { provider: 'openai', credential: key('sk-secret') })
    await storage.create(config.b, { provider: 'openai', credential: key('sk-other') })
    const value = {
      project_id: config.b,
      provider: 'groq',
      id: 'elsewhere',
      base_url: 'https://evil.example',
      address: '{"resource":"evil"}',
    }[column]
    config.database.prepare(`update provider_credentials set ${column} = ? where id = ?`).run(value as string, id)
    const { credentials, problems } = await storage.opened()
    expect(credentials.map(({ credential }) => credential)).toEqual([key('sk-other')])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('cannot be used: it was stored for another place, or is damaged.')
  },
)

test('a ciphertext that is copied to another row does not open there', async () => {
  using the = await world()
  const { storage, config } = the
  await storage.create(config.a, { provider: 'openai', credential: key('sk-victim') })
  const { id } = await storage.create(config.b, { provider: 'openai', credential: key('sk-mine') })
  config.database.exec(
    `update provider_credentials set sealed = (select sealed from provider_credentials where id <> '${id}') where id = '${id}'`,
  )
  expect(await storage.open(config.b)).toEqual([])
})

test('nothing of one project is seen, opened, changed or removed through another', async () => {
  using the = await world()
  const { storage, config } = the
  const ofA = await storage.create(config.a, { provider: 'openai', credential: key('sk-of-a') })
  const ofB = await storage.create(config.b, { provider: 'openai', credential: key('sk-of-b') })
  expect(await storage.find(config.b, ofA.id)).toBeUndefined()
  expect((await storage.list(config.b, {}, page)).items).toEqual([ofB])
  expect((await storage.open(config.b)).map(({ id }) => id)).toEqual([ofB.id])
  await expect(storage.change(config.b, ofA.id, { priority: 9 })).rejects.toMatchObject({ code: 'not_found' })
  expect(await storage.remove(config.b, ofA.id)).toBe(false)
  expect(await storage.find(config.a, ofA.id)).toEqual(ofA)
  await expect(storage.create('nowhere', { provider: 'openai', credential: key('sk-1') })).rejects.toMatchObject({
    code: 'project_not_found',
  })
})

test('a list is handed out in parts and by provider', async () => {
  using the = await world()
  const { storage, config } = the
  for (const provider of ['openai', 'groq', 'openai', 'openai'])
    await storage.create(config.a, { provider, credential: key('sk-1') })
  const first = await storage.list(config.a, { provider: 'openai' }, { limit: 2 })
  const rest = await storage.list(config.a, { provider: 'openai' }, { limit: 2, after: first.next as string })
  expect([first.items.length, rest.items.length, rest.next]).toEqual([2, 1, undefined])
  expect(new Set([...first.items, ...rest.items].map(({ id }) => id)).size).toBe(3)
})

test('hostile ids and names find nothing, and are kept as they are where they may be', async () => {
  using the = await world()
  const { storage, config } = the
  const made = await storage.create(config.a, { provider: 'openai', credential: key('sk-1'), name: "' OR 1=1 -- 🙂" })
  for (const text of hostileTexts) {
    expect(await storage.find(config.a, text)).toBeUndefined()
    expect(await storage.find(text, made.id)).toBeUndefined()
    expect(await storage.remove(config.a, text)).toBe(false)
    expect((await storage.list(config.a, { provider: text }, page)).items).toEqual([])
    await expect(storage.create(config.a, { provider: text, credential: key('sk-1') })).rejects.toMatchObject({
      code: 'bad_request',
    })
  }
  expect(await storage.find(config.a, made.id)).toMatchObject({ name: "' OR 1=1 -- 🙂" })
})

test('without its master key the rest goes on, and it is said which credentials are meant and what to do', async () => {
  using the = await world()
  const { storage, config, folder } = the
  const { id } = await storage.create(config.a, { provider: 'openai', credential: key('sk-1') })
  const none = await storage.create(config.a, { provider: 'ollama', credential: { kind: 'none', fields: {} } })
  const path = join(folder, 'master.key')
  rmSync(path)
  const { credentials, problems } = await storage.opened()
  expect(credentials.map((one) => one.id)).toEqual([none.id])
  expect(problems[0]).toMatch(
    /^credential .+ \(openai, project default\) cannot be used: the master key [0-9a-f]{16} is/,
  )
  expect(problems[0]).toContain(id)
  expect(problems[0]).toContain(
    `Put it back as TRUNKLINE_MASTER_KEY or ${path}, or remove what is stored under it and add it again.`,
  )

  await expect(storage.create(config.a, { provider: 'groq', credential: key('sk-2') })).rejects.toThrow(
    `The master key is missing under which credential ${id} (openai, project default) is stored.`,
  )
  expect(existsSync(path)).toBe(false)
  await expect(storage.rotate()).rejects.toMatchObject({ code: 'conflict' })
  await expect(storage.change(config.a, id, { at: { headers: { 'x-a': 'b' } } })).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(await storage.change(config.a, id, { priority: 3 })).toMatchObject({ priority: 3, needsSecret: false })
  expect(existsSync(path)).toBe(false)

  await storage.remove(config.a, id)
  await storage.create(config.a, { provider: 'groq', credential: key('sk-2') })
  expect(await storage.open()).toHaveLength(2)
})

test('a lost master key is made anew with the last secret that was under it', async () => {
  using the = await world()
  const { storage, config, folder } = the
  const one = await storage.create(config.a, { provider: 'openai', credential: key('sk-1') })
  const two = await storage.create(config.b, { provider: 'openai', credential: key('sk-2') })
  rmSync(join(folder, 'master.key'))
  await expect(storage.change(config.a, one.id, { credential: key('sk-3') })).rejects.toThrow(two.id)
  await storage.remove(config.b, two.id)
  await storage.change(config.a, one.id, { credential: key('sk-3') })
  expect(await storage.open()).toMatchObject([{ id: one.id, credential: key('sk-3') }])
})

test('a file of keys that cannot be used is no crash, and nothing is stored meanwhile', async ({ skip }) => {
  if (process.platform === 'win32') skip('Windows has no such rights')
  using the = await world()
  const { storage, config, folder } = the
  const wanted: NewCredential = { provider: 'openai', credential: key('sk-1') }
  await storage.create(config.a, wanted)
  const path = join(folder, 'master.key')
  chmodSync(path, 0o644)
  expect((await storage.opened()).problems[0]).toContain(`Close it: chmod 600 ${path}`)
  await expect(storage.create(config.a, wanted)).rejects.toMatchObject({ code: 'conflict' })
  writeFileSync(path, '{}')
  chmodSync(path, 0o600)
  expect((await storage.opened()).problems[0]).toContain('is no file of master keys')
  await expect(storage.create(config.a, wanted)).rejects.toMatchObject({ code: 'conflict' })
})

test('another key in the environment opens nothing of the old, and says so', async () => {
  using the = await world()
  await the.storage.create(the.config.a, { provider: 'openai', credential: key('sk-1') })
  rmSync(join(the.folder, 'master.key'))
  const { credentials, problems } = await the.again({ TRUNKLINE_MASTER_KEY: '0'.repeat(64) }).opened()
  expect(credentials).toEqual([])
  expect(problems[0]).toContain('Put it back as TRUNKLINE_MASTER_KEY_PREVIOUS or')
})
