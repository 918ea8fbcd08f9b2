import { describe, expect, test } from 'vitest'
import { aKey, aProject, completion, reply, startListener, startTestGateway, usualConfig } from '../support/gateway.ts'

const privately = { mayBePrivate: true }
const json = { 'content-type': 'application/json' }

/** Each dialect's door, the header in which its SDK has the key, and how it reads a refusal. */
const doors = [
  {
    sdk: 'OpenAI chat',
    path: '/v1/chat/completions',
    header: (key: string) => ({ authorization: `Bearer ${key}` }),
    body: { model: 'mock/echo', messages: [{ role: 'user', content: 'Hi' }] },
    refusal: { error: { type: 'authentication_error', code: 'invalid_api_key', message: expect.any(String) } },
    forbidden: { error: { type: 'permission_error', code: 'client_key_forbidden', message: expect.any(String) } },
  },
  {
    sdk: 'OpenAI responses',
    path: '/v1/responses',
    header: (key: string) => ({ authorization: `Bearer ${key}` }),
    body: { model: 'mock/echo', input: 'Hi' },
    refusal: { error: { type: 'authentication_error', code: 'invalid_api_key', message: expect.any(String) } },
    forbidden: { error: { type: 'permission_error', code: 'client_key_forbidden', message: expect.any(String) } },
  },
  {
    sdk: 'Anthropic',
    path: '/v1/messages',
    header: (key: string) => ({ 'x-api-key': key }),
    body: { model: 'mock/echo', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
    refusal: { type: 'error', error: { type: 'authentication_error', message: expect.any(String) } },
    forbidden: { type: 'error', error: { type: 'permission_error', message: expect.any(String) } },
  },
  {
    sdk: 'Gemini',
    path: '/gemini/v1beta/models/mock%2Fecho:generateContent',
    header: (key: string) => ({ 'x-goog-api-key': key }),
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    refusal: { error: { code: 401, status: 'UNAUTHENTICATED', message: expect.any(String) } },
    forbidden: { error: { code: 403, status: 'PERMISSION_DENIED', message: expect.any(String) } },
  },
]

describe.each(doors)('with the SDK of $sdk', ({ path, header, body, refusal, forbidden }) => {
  test('a call without a key, with a wrong, revoked or expired one is refused in its own words', async () => {
    const good = aKey()
    const old = aKey({ expiresUs: 1 })
    const wrong = aKey().text
    await using one = await startTestGateway({ keys: [good.key, old.key] })
    const post = (headers: object): Promise<Response> =>
      fetch(`${one.url}${path}`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })

    const look = `${good.text.slice(0, -1)}${good.text.endsWith('A') ? 'B' : 'A'}`
    for (const headers of [{}, header(wrong), header(look), header(old.text), header('sk-vendors-own')]) {
      const refused = await post(headers)
      expect(refused.status).toBe(401)
      const said = await refused.text()
      expect(JSON.parse(said)).toMatchObject(refusal)
      for (const key of [good.text, old.text, wrong, look]) expect(said).not.toContain(key.slice(12))
    }
    expect((await post(header(good.text))).status).toBe(200)
    one.gateway.setKeys([aKey().key])
    expect((await post(header(good.text))).status).toBe(401)
    one.gateway.setKeys([])
    expect((await post({})).status).toBe(200)
  })

  test('a model for which its key is not good is refused by name, and the others are not', async () => {
    const { text, key } = aKey({ models: ['mock/slow', 'gpt-*'] })
    const all = aKey({ models: ['mock/*'] })
    await using one = await startTestGateway({ keys: [key, all.key] })
    const post = (sent: string): Promise<Response> =>
      fetch(`${one.url}${path}`, { method: 'POST', headers: { ...json, ...header(sent) }, body: JSON.stringify(body) })
    const refused = await post(text)
    expect(refused.status).toBe(403)
    const said = await refused.json()
    expect(said).toMatchObject(forbidden)
    expect(JSON.stringify(said)).toContain('mock/echo')
    expect((await post(all.text)).status).toBe(200)
  })
})

test('a key that may use some models sees only those, of its own project', async () => {
  const models = { 'team-fast': { provider: 'mock', model: 'echo' }, other: { provider: 'groq', model: 'x' } }
  const { text, key } = aKey({ models: ['team-*'], projectId: 'p2' })
  const projects = [aProject('default', { isDefault: true }), aProject('p2', { models })]
  await using one = await startTestGateway({ projects, keys: [key] })
  const get = (path: string): Promise<Response> =>
    fetch(`${one.url}${path}`, { headers: { authorization: `Bearer ${text}` } })
  const { data } = (await (await get('/v1/models')).json()) as { data: { id: string }[] }
  expect(data.map(({ id }) => id)).toEqual(['team-fast'])
  expect((await get('/v1/models/team-fast')).status).toBe(200)
  expect((await get('/v1/models/other')).status).toBe(404)
  expect((await fetch(`${one.url}/v1/models`)).status).toBe(401)
})

test('a count of tokens asks for the same leave as a call', async () => {
  const { text, key } = aKey({ models: ['mock/echo'], projectId: 'default' })
  await using one = await startTestGateway({ keys: [key], ask: async () => 3 })
  const count = (headers: object, model = 'mock/echo'): Promise<Response> =>
    fetch(`${one.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
    })
  const mine = { 'x-api-key': text }
  expect((await count(mine)).status).toBe(200)
  expect((await count({})).status).toBe(401)
  expect((await count(mine, 'mock/other')).status).toBe(403)
  expect((await count({ ...mine, 'x-project-id': 'p2' })).status).toBe(403)
})

test('a client key never goes up to a provider, and neither does a key of the client once there are client keys', async () => {
  await using provider = await startListener((_heard, response) => reply(response, 200, completion('ok')))
  const { text, key } = aKey()
  const providers = {
    ollama: { baseUrl: provider.url, ...privately },
    groq: { baseUrl: provider.url, apiKey: 'ours', ...privately },
  }
  await using one = await startTestGateway({ keys: [key], config: { providers } })
  const authorization = `Bearer ${text}`
  const everywhere = { authorization, 'x-api-key': text, 'api-key': 'vendors-own-key', 'x-goog-api-key': text }
  for (const model of ['ollama/m', 'groq/m']) expect((await one.chat(everywhere, { model })).status).toBe(200)
  expect(provider.heard.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer ours'])
  expect(JSON.stringify(provider.heard)).not.toContain(text)
  expect(JSON.stringify(provider.heard)).not.toContain('vendors-own-key')
  // The vendor is at its built-in address, where nothing may be sent from here without a key.
  const refused = await one.chat({ authorization, 'x-api-key': text }, { model: 'openai/gpt' })
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('no credential for openai')])
})

test('a client key in the address of an answer that the vendor keeps does not go on to the vendor', async () => {
  await using vendor = await startListener((_heard, response) => reply(response, 200, '{"id":"resp_abc"}'))
  const { text, key } = aKey()
  const openai = { baseUrl: vendor.url, apiKey: 'ours', ...privately }
  await using one = await startTestGateway({ keys: [key], config: { providers: { openai } } })
  for (const written of [text, text.replace('_', '%5F')]) {
    const query = `include[]=a&key=${written}&stream=false`
    expect((await fetch(`${one.url}/v1/responses/resp_abc?${query}`)).status).toBe(200)
  }
  expect(vendor.heard.map(({ path }) => path)).toEqual(Array(2).fill('/v1/responses/resp_abc?include[]=a&stream=false'))
})

test('a key that is good for models of other providers only does not reach what the vendor keeps', async () => {
  await using vendor = await startListener((_heard, response) => reply(response, 200, '{"id":"resp_abc"}'))
  const [others, own, any] = [
    aKey({ models: ['mock/*', 'groq/llama'] }),
    aKey({ models: ['openai/o3'] }),
    aKey({ models: ['gpt-*'] }),
  ]
  const openai = { baseUrl: vendor.url, apiKey: 'ours', ...privately }
  const keys = [others.key, own.key, any.key]
  await using one = await startTestGateway({ keys, config: { providers: { openai } } })
  const ask = async (text: string, method: string, below = ''): Promise<number> => {
    const headers = { authorization: `Bearer ${text}` }
    return (await fetch(`${one.url}/v1/responses/resp_abc${below}`, { method, headers })).status
  }
  expect([await ask(others.text, 'GET'), await ask(others.text, 'DELETE')]).toEqual([403, 403])
  expect(await ask(others.text, 'POST', '/cancel')).toBe(403)
  expect(vendor.heard).toEqual([])
  expect([await ask(own.text, 'GET'), await ask(any.text, 'DELETE')]).toEqual([200, 200])
})

test('what does not work is told to those only who may manage', async () => {
  const admin = aKey({ kind: 'admin' })
  const user = aKey()
  const problems = ['The disk is full.']
  await using one = await startTestGateway({ health: () => ({ phase: 'running', problems }) })
  const ready = async (text?: string): Promise<unknown> =>
    (
      await fetch(`${one.url}/health/ready`, text === undefined ? {} : { headers: { authorization: `Bearer ${text}` } })
    ).json()
  expect(await ready()).toEqual({ status: 'degraded', reasons: problems })
  one.gateway.setKeys([admin.key, user.key])
  expect(await ready()).toEqual({ status: 'degraded' })
  expect(await ready(user.text)).toEqual({ status: 'degraded' })
  expect(await ready(admin.text)).toEqual({ status: 'degraded', reasons: problems })
  expect((await fetch(`${one.url}/health/live`)).status).toBe(200)
})

test('a gateway that other machines can reach is open to nobody when its last key has gone', async () => {
  const server = { ...usualConfig.server, host: '0.0.0.0' }
  const { text, key } = aKey()
  await using one = await startTestGateway({ keys: [key], config: { server } })
  expect((await one.chat({ authorization: `Bearer ${text}` })).status).toBe(200)
  one.gateway.setKeys([])
  for (const headers of [{}, { authorization: `Bearer ${text}` }, { 'x-api-key': 'sk-vendors-own' }])
    expect((await one.chat(headers)).status).toBe(401)
  expect((await fetch(`${one.url}/health/live`)).status).toBe(200)
})
