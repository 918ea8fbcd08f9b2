import { expect, test } from 'vitest'
import { startApi } from '../support/management-api.ts'

const file = `
providers:
  mistral: { api_key: sk-mistral-from-the-file-001 }
  house: { like: vllm, base_url: "http://10.0.0.5:8000/v1", models: [house-model] }
models:
  quick: { provider: mistral, model: mistral-small }
`

const vllm = { name: 'my-vllm', like: 'vllm', base_url: 'https://llm.example.com/v1', models: ['qwen3'] }

test('the list of providers says which can be called, and where their credentials come from', async () => {
  await using api = await startApi({ file, environment: { OPENAI_API_KEY: 'sk-openai-from-the-environment' } })
  await api.ask('POST', '/api/projects/default/providers', vllm)
  await api.ask('POST', '/api/projects/default/credentials', {
    provider: 'groq',
    kind: 'api_key',
    fields: { api_key: 'gsk-0123456789abcdef' },
  })
  const { body } = await api.ask('GET', '/api/projects/default/providers?limit=100')
  const facts = (name: string) => {
    const { origin, is_configured, credential_from } = body.data.find((one: { name: string }) => one.name === name)
    return [origin, is_configured, credential_from]
  }
  expect(facts('openai')).toEqual(['built_in', true, 'environment'])
  expect(facts('mistral')).toEqual(['built_in', true, 'file'])
  expect(facts('groq')).toEqual(['built_in', true, 'project'])
  expect(facts('anthropic')).toEqual(['built_in', false, 'none'])
  expect(facts('mock')).toEqual(['built_in', true, 'none'])
  expect(facts('house')).toEqual(['file', true, 'none'])
  expect(facts('my-vllm')).toEqual(['project', true, 'none'])
  expect(body.data.map(({ name }: { name: string }) => name)).toEqual(
    body.data.map(({ name }: { name: string }) => name).toSorted(),
  )
})

test('a provider says what a form for its credentials asks for', async () => {
  await using api = await startApi()
  const { body } = await api.ask('GET', '/api/projects/default/providers/bedrock')
  expect(body.credential_kinds.map(({ kind }: { kind: string }) => kind)).toEqual(
    expect.arrayContaining(['api_key', 'aws_static', 'aws_default', 'none']),
  )
  const kinds = (await api.ask('GET', '/api/credential-kinds')).body.data
  expect(kinds).toEqual(expect.arrayContaining(body.credential_kinds))
  expect(kinds.find(({ kind }: { kind: string }) => kind === 'aws_static').fields[1]).toEqual({
    name: 'secret_access_key',
    help: 'the secret access key',
    secret: true,
    optional: false,
    json: false,
  })
})

test('a provider of the project is made, changed where it is said, and removed', async () => {
  await using api = await startApi()
  const made = await api.ask('POST', '/api/projects/default/providers', {
    ...vllm,
    timeouts: { idle_ms: 500, total_ms: 900 },
  })
  expect(made.status, made.text).toBe(201)
  const path = '/api/projects/default/providers/my-vllm'
  expect(made.headers.get('location')).toBe(path)
  const changed = await api.ask('PATCH', path, { stream_usage: false, models: null, timeouts: { idle_ms: null } })
  expect(changed.body).toMatchObject({
    like: 'vllm',
    base_url: vllm.base_url,
    stream_usage: false,
    models: [],
    timeouts: { total_ms: 900 },
    version: 2,
  })
  expect((await api.ask('PATCH', path, { stream_usage: null })).body).not.toHaveProperty('stream_usage')
  expect((await api.ask('PATCH', path, {}, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  expect((await api.ask('DELETE', path, undefined, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  expect((await api.ask('DELETE', path)).status).toBe(204)
  expect((await api.ask('DELETE', path)).status).toBe(204)
  expect((await api.ask('GET', path)).status).toBe(404)
})

test('what is wrong with a provider is said', async () => {
  await using api = await startApi({ file })
  const cases: readonly (readonly [object, number, string, string])[] = [
    [{ ...vllm, like: 'vlm' }, 400, 'like', 'perhaps "vllm"'],
    [{ ...vllm, like: 'mock' }, 400, 'like', 'must name a provider'],
    [{ ...vllm, like: '__proto__' }, 400, 'like', 'must name a provider'],
    [{ ...vllm, name: 'openai' }, 409, 'provider', 'a provider that Trunkline knows'],
    [{ ...vllm, name: 'a/b' }, 400, 'name', 'a to z'],
    [{ ...vllm, base_url: 'ftp://x' }, 400, 'base_url', 'http or https'],
    [{ ...vllm, base_url: 'https://user:pass@x.example' }, 400, 'base_url', 'user or password'],
    [{ ...vllm, base_url: 'http://169.254.169.254/latest' }, 400, 'base_url', 'nothing is ever sent'],
    [{ ...vllm, base_url: 'http://[fe80::1]/' }, 400, 'base_url', 'nothing is ever sent'],
    [{ ...vllm, base_url: 'http://metadata.google.internal/' }, 400, 'base_url', 'nothing is ever sent'],
    [{ ...vllm, dialects: ['anthropic'] }, 400, 'dialects', 'openai-chat'],
    [{ ...vllm, address: { region: 'eu' } }, 400, 'address.region', 'has no setting "region"'],
    [{ ...vllm, headers: { 'x-a': 'b' } }, 400, 'headers', 'no field "headers"'],
    [{ ...vllm, api_key: 'sk-not-to-be-repeated' }, 400, 'api_key', 'no field "api_key"'],
  ]
  for (const [body, status, param, message] of cases) {
    const told = await api.ask('POST', '/api/projects/default/providers', body)
    expect([body, told.status, told.body.error.param]).toEqual([body, status, param])
    expect(told.body.error.message).toContain(message)
    expect(told.text).not.toContain('sk-not-to-be-repeated')
  }
  expect((await api.ask('PATCH', '/api/projects/default/providers/openai', {})).status).toBe(409)
  expect((await api.ask('PATCH', '/api/projects/default/providers/house', {})).body.error.message).toContain(
    'configuration file',
  )
  expect((await api.ask('DELETE', '/api/projects/default/providers/openai')).status).toBe(409)
  expect(api.faults).toEqual([])
})

test('only who manages everything names an address of this machine or of a private network', async () => {
  await using api = await startApi()
  const { key: master } = (await api.ask('POST', '/api/keys', { name: 'm', kind: 'admin' })).body
  const bound = await api.ask('POST', '/api/keys', { name: 'b', kind: 'admin', project: 'default' }, { key: master })
  const { key } = bound.body
  const locals = [
    'http://127.0.0.1:8000',
    'http://localhost:8000',
    'http://10.1.2.3',
    'http://[::1]/',
    'http://0x7f000001/',
    'http://[::ffff:10.0.0.1]/',
    'http://2130706433/',
  ]
  for (const [at, base_url] of locals.entries()) {
    const own = { ...vllm, name: `v-${at}`, base_url }
    const refused = await api.ask('POST', '/api/projects/default/providers', own, { key })
    expect([base_url, refused.status, refused.body.error?.param]).toEqual([base_url, 400, 'base_url'])
    const credential = { provider: 'openai', kind: 'api_key', fields: { api_key: 'sk-0123456789abcdef' }, base_url }
    expect((await api.ask('POST', '/api/projects/default/credentials', credential, { key })).status).toBe(400)
    const taken = await api.ask('POST', '/api/projects/default/providers', own, { key: master })
    expect(taken).toMatchObject({ status: 201, body: { may_be_private: true } })
  }
  const moved = await api.ask(
    'PATCH',
    '/api/projects/default/providers/v-0',
    { base_url: 'https://a.example' },
    { key },
  )
  expect(moved.body).toMatchObject({ may_be_private: false })
  const back = await api.ask('PATCH', '/api/projects/default/providers/v-0', { base_url: 'http://127.0.0.1' }, { key })
  expect(back.status).toBe(400)
})

test('a secret of a URL is not taken, since it would be stored as it is, and one of the file is not shown', async () => {
  const base = 'https://llm.example.com/v1'
  await using api = await startApi({
    file: `providers: { house: { like: vllm, base_url: "${base}?code=CANARY-QUERY" } }`,
  })
  const withSecret = { ...vllm, base_url: `${base}?code=CANARY-QUERY` }
  const refused = await api.ask('POST', '/api/projects/default/providers', withSecret)
  expect([refused.status, refused.body.error.param]).toEqual([400, 'base_url'])
  expect(refused.text).not.toContain('CANARY-QUERY')
  const withVersion = { ...vllm, base_url: `${base}?api-version=2025-01-01` }
  await api.ask('POST', '/api/projects/default/providers', withVersion)
  const { text, body } = await api.ask('GET', '/api/projects/default/providers?limit=100')
  expect(text).not.toContain('CANARY-QUERY')
  const shown = (name: string) => body.data.find((one: { name: string }) => one.name === name).base_url
  expect([shown('house'), shown('my-vllm')]).toEqual([`${base}?…`, `${base}?api-version=2025-01-01`])
})

test('with another address a provider’s credentials lose their secrets', async () => {
  await using api = await startApi()
  await api.ask('POST', '/api/projects/default/providers', vllm)
  const credential = {
    provider: 'my-vllm',
    kind: 'api_key',
    fields: { api_key: 'sk-for-the-old-address' },
    headers: { 'x-tenant': 'CANARY' },
  }
  const { body, headers } = await api.ask('POST', '/api/projects/default/credentials', credential)
  expect(body).toMatchObject({ needs_secret: false, header_names: ['x-tenant'] })
  const path = headers.get('location') as string
  await api.ask('PATCH', '/api/projects/default/providers/my-vllm', { stream_usage: true })
  expect((await api.ask('GET', path)).body.needs_secret).toBe(false)
  await api.ask('PATCH', '/api/projects/default/providers/my-vllm', { base_url: 'https://elsewhere.example/v1' })
  expect((await api.ask('GET', path)).body).toMatchObject({ needs_secret: true, fields: {}, header_names: [] })
  expect(await api.stores.credentials.open()).toEqual([])
  expect((await api.ask('POST', `${path}/test`)).body.error.message).toContain('Give it anew')
})

test('a removed provider takes its credentials along, so that no other of its name gets them', async () => {
  await using api = await startApi()
  await api.ask('POST', '/api/projects/default/providers', vllm)
  await api.ask('POST', '/api/projects/default/credentials', {
    provider: 'my-vllm',
    kind: 'api_key',
    fields: { api_key: 'sk-0123456789abcdef' },
  })
  await api.ask('POST', '/api/projects/default/models', { name: 'mine', provider: 'my-vllm', model: 'qwen3' })
  const busy = await api.ask('DELETE', '/api/projects/default/providers/my-vllm')
  expect(busy).toMatchObject({ status: 409 })
  expect(busy.body.error.message).toContain('"mine"')
  await api.ask('DELETE', '/api/projects/default/models/mine')
  expect((await api.ask('DELETE', '/api/projects/default/providers/my-vllm')).status).toBe(204)
  expect((await api.ask('GET', '/api/projects/default/credentials')).body.data).toEqual([])
})

test('the list of models has those of providers, of the file and of the project, and says whose they are', async () => {
  await using api = await startApi({ file })
  await api.ask('POST', '/api/projects', { name: 'Other' })
  await api.ask('POST', '/api/projects/default/models', { name: 'quick', provider: 'openai', model: 'gpt-5-mini' })
  const made = await api.ask('POST', '/api/projects/default/models', {
    name: 'team/best',
    provider: 'house',
    model: 'house-model',
  })
  expect(made.headers.get('location')).toBe('/api/projects/default/models/team%2Fbest')
  const origins = async (project: string): Promise<Record<string, string>> => {
    const { body } = await api.ask('GET', `/api/projects/${project}/models?limit=100`)
    return Object.fromEntries(
      body.data.map(({ name, origin, provider }: Record<string, string>) => [name, `${origin}: ${provider}`]),
    )
  }
  expect(await origins('default')).toMatchObject({
    quick: 'project: openai',
    'house-model': 'provider: house',
    'team/best': 'project: house',
  })
  expect(await origins('other')).toMatchObject({ quick: 'file: mistral' })
  expect(await origins('other')).not.toHaveProperty('team/best')

  const path = '/api/projects/default/models/team%2Fbest'
  expect((await api.ask('PATCH', path, { model: 'other-model' })).body).toMatchObject({
    provider: 'house',
    model: 'other-model',
    version: 2,
  })
  expect((await api.ask('PATCH', path, { provider: 'hous' })).body.error.message).toContain('perhaps "house"')
  expect((await api.ask('GET', path)).headers.get('etag')).toBe('"2"')
  expect((await api.ask('PATCH', '/api/projects/other/models/team%2Fbest', {})).status).toBe(404)
  expect((await api.ask('PATCH', '/api/projects/default/models/house-model', {})).body.error.message).toContain(
    'listed by its provider',
  )
  expect((await api.ask('DELETE', path)).status).toBe(204)
  expect((await api.ask('DELETE', path)).status).toBe(204)
  expect((await api.ask('GET', path)).status).toBe(404)
})
