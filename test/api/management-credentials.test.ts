import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { routes } from '../../src/api/routes.ts'
import { credentialKinds } from '../../src/providers/credential-kinds.ts'
import { startApi } from '../support/management-api.ts'

const home = '/api/projects/default/credentials'
const openai = { provider: 'openai', kind: 'api_key', fields: { api_key: 'sk-0123456789-abcd' } }

test('a secret goes in, and its last four characters and a fingerprint come out', async () => {
  await using api = await startApi()
  const made = await api.ask('POST', home, { ...openai, name: 'Team', headers: { 'X-Tenant': 'blue' } })
  expect(made.status, made.text).toBe(201)
  expect(made.body).toMatchObject({
    provider: 'openai',
    name: 'Team',
    kind: 'api_key',
    fields: { api_key: '…abcd' },
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    header_names: ['x-tenant'],
    priority: 1,
    weight: 1,
    needs_secret: false,
  })
  expect((await api.ask('GET', made.headers.get('location') as string)).body).toEqual(made.body)
  const [opened] = await api.stores.credentials.open('default')
  expect(opened).toMatchObject({
    credential: { fields: { api_key: 'sk-0123456789-abcd' } },
    at: { headers: { 'x-tenant': 'blue' } },
  })
  const same = await api.ask('POST', home, openai)
  expect(same.body.fingerprint).toBe(made.body.fingerprint)
})

test('a change keeps what it does not name', async () => {
  await using api = await startApi()
  const path = (await api.ask('POST', home, { ...openai, name: 'Team', headers: { 'x-a': '1' } })).headers.get(
    'location',
  ) as string
  expect((await api.ask('PATCH', path, { priority: 5, weight: 10, name: null })).body).toMatchObject({
    priority: 5,
    weight: 10,
    fields: { api_key: '…abcd' },
    version: 2,
  })
  expect((await api.ask('GET', path)).body).not.toHaveProperty('name')
  expect((await api.ask('PATCH', path, { headers: null })).body).toMatchObject({
    header_names: [],
    needs_secret: false,
  })
  await api.ask('PATCH', path, { fields: { api_key: 'sk-another-key-wxyz' } })
  expect((await api.stores.credentials.open('default'))[0]?.credential.fields).toEqual({
    api_key: 'sk-another-key-wxyz',
  })
  expect((await api.ask('PATCH', path, { priority: 1 }, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  expect((await api.ask('DELETE', path, undefined, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  expect((await api.ask('DELETE', path)).status).toBe(204)
  expect((await api.ask('DELETE', path)).status).toBe(204)
})

test('with another base URL the secret is dropped, unless it is given anew', async () => {
  await using api = await startApi()
  const path = (await api.ask('POST', home, { ...openai, headers: { 'x-a': '1' } })).headers.get('location') as string
  const moved = await api.ask('PATCH', path, { base_url: 'https://elsewhere.example/v1' })
  expect(moved.body).toMatchObject({
    needs_secret: true,
    fields: {},
    header_names: [],
    base_url: 'https://elsewhere.example/v1',
  })
  expect(await api.stores.credentials.open('default')).toEqual([])
  const given = await api.ask('PATCH', path, { base_url: 'https://third.example/v1', fields: openai.fields })
  expect(given.body).toMatchObject({ needs_secret: false, fields: { api_key: '…abcd' } })
  expect((await api.ask('PATCH', path, { base_url: null })).body).toMatchObject({ needs_secret: true })
})

test('a test of a credential says what came of it', async () => {
  await using api = await startApi({
    probe: ({ credential }) =>
      credential.fields.api_key === openai.fields.api_key
        ? { ok: true, status: 200, latencyMs: 21.5, models: ['gpt-5'] }
        : {
            ok: false,
            status: 401,
            latencyMs: 8,
            error: { code: 'unauthorized', message: 'The provider refused the key.' },
          },
  })
  const good = (await api.ask('POST', home, openai)).headers.get('location')
  const bad = (await api.ask('POST', home, { ...openai, fields: { api_key: 'sk-wrong-0123456' } })).headers.get(
    'location',
  )
  expect((await api.ask('POST', `${good}/test`)).body).toEqual({
    ok: true,
    status: 200,
    latency_ms: 21.5,
    models: ['gpt-5'],
  })
  expect((await api.ask('POST', `${bad}/test`)).body).toMatchObject({
    ok: false,
    status: 401,
    error: { code: 'unauthorized' },
  })
  expect(api.tried.map(({ credential }) => credential.fields.api_key)).toEqual([
    'sk-0123456789-abcd',
    'sk-wrong-0123456',
  ])
  expect((await api.ask('POST', `${home}/nothing/test`)).status).toBe(404)
})

test('what is wrong with a credential is said without its secret', async () => {
  await using api = await startApi()
  const secret = 'CANARY-in-what-was-wrong'
  const cases: readonly (readonly [object, string])[] = [
    [{ ...openai, provider: 'openia', fields: { api_key: secret } }, 'provider'],
    [{ ...openai, kind: 'aws_static', fields: { secret_access_key: secret } }, 'kind'],
    [{ ...openai, kind: 'constructor', fields: { api_key: secret } }, 'kind'],
    [{ ...openai, fields: { apikey: secret } }, 'fields.apikey'],
    [{ ...openai, fields: { api_key: `${secret}\n${secret}` } }, 'fields.api_key'],
    [{ ...openai, fields: { api_key: '' } }, 'fields.api_key'],
    [{ ...openai, fields: {} }, 'fields.api_key'],
    [{ ...openai, fields: { api_key: { [secret]: secret } } }, 'fields.api_key'],
    [{ ...openai, fields: { api_key: [secret] } }, 'fields.api_key'],
    [{ ...openai, headers: { authorization: secret } }, 'headers'],
    [{ ...openai, headers: { host: secret } }, 'headers'],
    [{ ...openai, headers: { 'x-a': `${secret}\r\nx-b: 1` } }, 'headers'],
    [{ ...openai, headers: { 'x a': secret } }, 'headers'],
    [{ ...openai, base_url: `https://u:${secret}@x.example` }, 'base_url'],
    [{ ...openai, priority: 101 }, 'priority'],
    [{ ...openai, weight: 0 }, 'weight'],
    [
      { provider: 'vertex', kind: 'google_service_account', fields: { key_json: `{"private_key":"${secret}"` } },
      'fields.key_json',
    ],
  ]
  for (const [body, param] of cases) {
    const told = await api.ask('POST', home, body)
    expect([body, told.status, told.body.error.param]).toEqual([body, 400, param])
    expect(told.text).not.toContain(secret)
  }
  expect(api.faults).toEqual([])
})

/** A credential of each kind, whose secrets all have the word in them. */
function canaries(
  word: string,
): readonly { readonly provider: string; readonly kind: string; readonly fields: object }[] {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const keyFile = {
    type: 'service_account',
    project_id: 'p',
    private_key_id: `${word}-private-key-id`,
    private_key: privateKey,
    client_email: 'a@p.iam.gserviceaccount.com',
    token_uri: 'https://oauth2.googleapis.com/token',
  }
  return [
    { provider: 'openai', kind: 'api_key', fields: { api_key: `${word}-api-key-0001` } },
    {
      provider: 'azure',
      kind: 'entra_id',
      fields: { tenant_id: 't', client_id: 'c', client_secret: `${word}-client-secret-0002` },
    },
    { provider: 'azure', kind: 'entra_default', fields: {} },
    {
      provider: 'bedrock',
      kind: 'aws_static',
      fields: {
        access_key_id: 'AKIDEXAMPLE',
        secret_access_key: `${word}-secret-access-0003`,
        session_token: `${word}-session-0004`,
      },
    },
    { provider: 'bedrock', kind: 'aws_profile', fields: { profile: 'work' } },
    {
      provider: 'bedrock',
      kind: 'aws_role',
      fields: { role_arn: 'arn:aws:iam::1:role/r', access_key_id: 'AKID', secret_access_key: `${word}-assume-0005` },
    },
    { provider: 'bedrock', kind: 'aws_default', fields: {} },
    { provider: 'vertex', kind: 'google_service_account', fields: { key_json: keyFile } },
    { provider: 'vertex', kind: 'google_adc', fields: {} },
    { provider: 'openai', kind: 'none', fields: {} },
  ]
}

test('no route tells a secret of any kind of credential, and neither does the database', async () => {
  const word = 'CANARY-7f3a'
  await using api = await startApi({
    file: `providers: { mistral: { api_key: ${word}-of-the-file, headers: { x-extra: ${word}-header } } }`,
    environment: { GROQ_API_KEY: `${word}-of-the-environment` },
    probe: () => ({ ok: false, latencyMs: 1, error: { code: 'unauthorized', message: 'Refused.' } }),
  })
  const all = canaries(word)
  expect(all.map(({ kind }) => kind).sort()).toEqual(Object.keys(credentialKinds).sort())
  const told: string[] = []
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await api.ask(method, path, body)
    told.push(answer.text, JSON.stringify([...answer.headers]))
    return answer.headers.get('location') ?? ''
  }
  const ids: string[] = []
  for (const credential of all) {
    const path = await ask('POST', home, { ...credential, headers: { 'x-secret': `${word}-header-0006` } })
    expect(path, `${credential.kind}: ${told.at(-2)}`).not.toBe('')
    ids.push(path.slice(path.lastIndexOf('/') + 1))
  }
  const { key } = (await api.ask('POST', '/api/keys', { name: 'k', kind: 'admin' })).body
  let asked = 0
  for (const { method, path, bodyExample } of routes) {
    for (const id of method === 'delete' ? ids.slice(0, 1) : ids) {
      const real = path
        .replace('{project}', 'default')
        .replace('{provider}', 'mistral')
        .replace('{credential}', id)
        .replace('{key}', 'nothing')
        .replace('{model}', 'nothing')
      for (const asker of [{ key }, {}]) {
        const answer = await api.ask(method.toUpperCase(), real, bodyExample, asker)
        told.push(answer.text, JSON.stringify([...answer.headers]))
        asked++
      }
    }
  }
  expect(asked).toBeGreaterThan(300)
  for (const text of told) {
    expect(text).not.toContain(word)
    expect(text).not.toContain('PRIVATE KEY')
  }
  const secret = key.slice(12)
  for (const name of readdirSync(api.dataDir).filter((file) => file.startsWith('config.db'))) {
    const bytes = readFileSync(join(api.dataDir, name))
    expect([name, bytes.includes(word), bytes.includes('PRIVATE KEY'), bytes.includes(secret)]).toEqual([
      name,
      false,
      false,
      false,
    ])
  }
  expect(api.faults).toEqual([])
})
