/** What somebody might try who has less leave than they want: each test is an attack, and what becomes of it. */
import { describe, expect, test } from 'vitest'
import { startApi, type TestApi, type Told } from '../support/management-api.ts'

interface Secured extends AsyncDisposable {
  readonly api: TestApi
  readonly master: string
  /** Of kind admin, bound to the project `a`. */
  readonly ofA: string
  asMaster(method: string, path: string, body?: unknown): Promise<Told>
  asA(method: string, path: string, body?: unknown): Promise<Told>
  makeKey(body: object): Promise<{ readonly id: string; readonly key: string }>
}

/** Two projects, one key for everything, and one for the first of them. */
async function secured(): Promise<Secured> {
  const api = await startApi()
  for (const name of ['A', 'B']) await api.ask('POST', '/api/projects', { name })
  const { key: master } = (await api.ask('POST', '/api/keys', { name: 'master', kind: 'admin' })).body
  const makeKey: Secured['makeKey'] = async (body) => {
    const made = await api.ask('POST', '/api/keys', body, { key: master })
    expect(made.status, made.text).toBe(201)
    return made.body
  }
  const { key: ofA } = await makeKey({ name: 'of A', kind: 'admin', project: 'a' })
  return {
    api,
    master,
    ofA,
    makeKey,
    asMaster: (method, path, body) => api.ask(method, path, body, { key: master }),
    asA: (method, path, body) => api.ask(method, path, body, { key: ofA }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

const outcome = ({ status, body }: Told): readonly [number, string | undefined] => [status, body?.error?.code]

const aRole = { role_arn: 'arn:aws:iam::123456789012:role/models' }

/** Kinds of which the secret is not in the hands of whoever names it, but this machine's own. */
const ofThisMachine: readonly (readonly [provider: string, kind: string, fields?: object])[] = [
  ['azure', 'entra_default'],
  ['vertex', 'google_adc'],
  ['bedrock', 'aws_default'],
  ['bedrock', 'aws_profile', { profile: 'prod' }],
  ['bedrock', 'aws_role', aRole],
  ['bedrock', 'aws_role', { ...aRole, profile: 'prod' }],
]

describe('the holder of an admin key that is bound to a project', () => {
  test.each(ofThisMachine)('does not call %s as this machine itself: %s %j', async (provider, kind, fields = {}) => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const wanted = { provider, kind, fields }
    const refused = await the.asA('POST', path, wanted)
    expect([...outcome(refused), refused.body.error.param]).toEqual([403, 'client_key_forbidden', 'kind'])
    expect(refused.body.error.message).toContain('this machine')

    const { id } = (await the.asA('POST', path, { provider, kind: 'api_key', fields: { api_key: 'sk-mine-1' } })).body
    expect(outcome(await the.asA('PATCH', `${path}/${id}`, { kind, fields }))).toEqual([403, 'client_key_forbidden'])

    const lent = await the.asMaster('POST', path, wanted)
    expect(lent.status, lent.text).toBe(201)
    for (const change of [{ name: 'mine' }, { address: null }, { headers: { 'x-a': 'b' } }, { fields }]) {
      expect(outcome(await the.asA('PATCH', `${path}/${lent.body.id}`, change))).toEqual([403, 'client_key_forbidden'])
    }
    expect((await the.asMaster('PATCH', `${path}/${lent.body.id}`, { name: 'lent' })).status).toBe(200)
    // Another one of theirs may take its place.
    const own = { kind: 'api_key', fields: { api_key: 'sk-mine-2' } }
    expect((await the.asA('PATCH', `${path}/${lent.body.id}`, own)).status).toBe(403)
    expect((await the.asA('DELETE', `${path}/${lent.body.id}`)).status).toBe(204)
  })

  test('assumes a role with an access key of their own', async () => {
    await using the = await secured()
    const fields = { ...aRole, access_key_id: 'AKIAMINE', secret_access_key: 'mine' }
    const made = await the.asA('POST', '/api/projects/a/credentials', { provider: 'bedrock', kind: 'aws_role', fields })
    expect(made.status, made.text).toBe(201)
    // Without it, it would be this machine's.
    const path = `/api/projects/a/credentials/${made.body.id}`
    expect(outcome(await the.asA('PATCH', path, { fields: aRole }))).toEqual([403, 'client_key_forbidden'])
  })

  test('opens the server to nobody by revoking the last keys, one after the other or at once', async () => {
    for (const atOnce of [false, true]) {
      await using the = await secured()
      const other = await the.makeKey({ name: 'other of A', kind: 'admin', project: 'a' })
      const { data } = (await the.asMaster('GET', '/api/keys')).body
      const idOf = (name: string): string => data.find((one: { name: string }) => one.name === name).id
      expect((await the.asMaster('POST', `/api/keys/${idOf('master')}/revoke?force=true`)).status).toBe(200)
      const revoke = (id: string): Promise<Told> => the.asA('POST', `/api/keys/${id}/revoke?force=true`)
      const told = atOnce
        ? await Promise.all([revoke(other.id), revoke(idOf('of A'))])
        : [await revoke(other.id), await revoke(idOf('of A'))]
      expect(told.map(outcome).toSorted()).toEqual([
        [200, undefined],
        [403, 'client_key_forbidden'],
      ])
      expect((await the.api.ask('GET', '/api/me')).status).toBe(401)
      expect((await the.api.ask('GET', '/api/settings')).status).toBe(401)
    }
  })

  test('has a write-only secret sent to no other host of its vendor than that for which it was given', async () => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const wanted = { provider: 'azure', kind: 'api_key', fields: { api_key: 'azure-key-of-ours' }, address: { resource: 'ours' } }
    const { id } = (await the.asMaster('POST', path, wanted)).body
    const moved = await the.asA('PATCH', `${path}/${id}`, { address: { resource: 'evil' } })
    expect([moved.status, moved.body.needs_secret]).toEqual([200, true])
    expect(await the.api.stores.credentials.open('a')).toEqual([])
  })

  test('does not take the name by which programs call another project', async () => {
    await using the = await secured()
    await the.asMaster('PATCH', '/api/projects/b', { slug: 'b2' })
    expect(outcome(await the.asA('PATCH', '/api/projects/a', { slug: 'b' }))).toEqual([403, 'client_key_forbidden'])
    expect((await the.asA('PATCH', '/api/projects/a', { slug: 'a', name: 'Mine' })).status).toBe(200)
  })

  test('learns nothing of what is wrong elsewhere', async () => {
    await using the = await secured()
    expect((await the.asA('GET', '/api/health')).body.reasons).toEqual([])
  })

  test('gives no other name to a model for which their key is not good', async () => {
    await using the = await secured()
    const { key } = await the.makeKey({ name: 'narrow', kind: 'admin', project: 'a', models: ['openai/gpt-5-*', 'mine-*'] })
    const models = '/api/projects/a/models'
    const ask = (method: string, path: string, body: object): Promise<Told> => the.api.ask(method, path, body, { key })
    const dear = { name: 'mine-1', provider: 'openai', model: 'o3-pro' }
    expect(outcome(await ask('POST', models, dear))).toEqual([403, 'client_key_forbidden'])
    expect((await ask('POST', models, { ...dear, model: 'gpt-5-mini' })).status).toBe(201)
    expect(outcome(await ask('PATCH', `${models}/mine-1`, { model: 'o3-pro' }))).toEqual([403, 'client_key_forbidden'])
    expect(outcome(await ask('PATCH', `${models}/mine-1`, { provider: 'groq' }))).toEqual([403, 'client_key_forbidden'])
    expect((await ask('PATCH', `${models}/mine-1`, { model: 'gpt-5-nano' })).status).toBe(200)
  })

  test('names no address of this machine, of its network or of its cloud, however it is written', async () => {
    await using the = await secured()
    for (const host of [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '127.1',
      '0x7f000001',
      '2130706433',
      '017700000001',
      '0',
      '0.0.0.0',
      '10.1.2.3',
      '169.254.169.254',
      '0xa9fea9fe',
      '①⑥⑨.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      'metadata.google.internal',
      'Metadata.Google.Internal.',
      '[::]',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '[::127.0.0.1]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '[fec0::1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b:1::7f00:1]',
      '[2002:7f00:1::]',
    ]) {
      for (const scheme of ['http', 'https']) {
        const base_url = `${scheme}://${host}/v1`
        const provider = await the.asA('POST', '/api/projects/a/providers', { name: 'inside', like: 'custom', base_url })
        expect([base_url, ...outcome(provider)]).toEqual([base_url, 400, 'bad_request'])
        const fields = { api_key: 'sk-any' }
        const wanted = { provider: 'openai', kind: 'api_key', fields, base_url }
        const credential = await the.asA('POST', '/api/projects/a/credentials', wanted)
        expect([base_url, ...outcome(credential)]).toEqual([base_url, 400, 'bad_request'])
      }
    }
    for (const base_url of ['file:///etc/passwd', 'unix:///run/api.sock', 'http:localhost', 'https://u:p@x.example', 'gopher://x']) {
      const provider = await the.asA('POST', '/api/projects/a/providers', { name: 'inside', like: 'custom', base_url })
      expect([base_url, provider.status]).toEqual([base_url, 400])
    }
  })

  test('has no file and no variable of this machine put into what they store', async () => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const templates = `\${file:/etc/hostname}-\${PATH}`
    const fields = { api_key: templates }
    const wanted = { provider: 'openai', kind: 'api_key', fields, headers: { 'x-a': templates } }
    expect((await the.asA('POST', path, wanted)).status).toBe(201)
    const [opened] = await the.api.stores.credentials.open((await the.asA('GET', '/api/projects/a')).body.id)
    expect([opened?.credential.fields.api_key, opened?.at.headers]).toEqual([templates, { 'x-a': templates }])
  })

  test('stores no more than a project can use', async () => {
    await using the = await secured()
    const { id: project } = (await the.asA('GET', '/api/projects/a')).body
    const credential = { kind: 'api_key', fields: { api_key: 'sk-one-of-many' } }
    for (let made = 0; made < 100; made++) await the.api.stores.credentials.create(project, { provider: 'openai', credential })
    const more = { provider: 'openai', ...credential }
    const refused = await the.asA('POST', '/api/projects/a/credentials', more)
    expect([...outcome(refused), refused.body.error.message]).toEqual([409, 'conflict', expect.stringContaining('100')])
    expect((await the.asA('POST', '/api/projects/a/credentials', { ...more, provider: 'groq' })).status).toBe(201)
  })
})

test('of two who change a project at once, neither undoes unseen what the other has said', async () => {
  await using the = await secured()
  for (let round = 0; round < 5; round++) {
    await the.asMaster('PATCH', '/api/projects/a', { settings: { capture_bodies: true, timeouts: null } })
    const changes = [{ capture_bodies: false }, { timeouts: { idle_ms: 5_000 } }, { default_provider: 'openai' }]
    const told = await Promise.all(changes.map((settings) => the.asMaster('PATCH', '/api/projects/a', { settings })))
    const after = (await the.asMaster('GET', '/api/projects/a')).body.settings
    for (const [index, change] of changes.entries()) {
      if (told[index]?.status === 200) expect(after).toMatchObject(change)
      else expect(outcome(told[index] as Told)).toEqual([412, 'precondition_failed'])
    }
    expect(told.some(({ status }) => status === 200)).toBe(true)
  }
})
