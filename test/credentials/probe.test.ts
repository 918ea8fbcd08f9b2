import { afterEach, describe, expect, test } from 'vitest'
import { defaultTimeouts, type ProviderConfig } from '../../src/core/config.ts'
import type { Credential, Token } from '../../src/core/credential.ts'
import { type ProbeResult, probe } from '../../src/credentials/probe.ts'
import { upstreams } from '../../src/http/upstream.ts'
import { type ProviderName, providers } from '../../src/providers/index.ts'
import { configured, type Provider } from '../../src/providers/provider.ts'
import { signedMs, wrongSignature } from './aws-signature.ts'
import { type Answer, type Asked, startCloud } from './support.ts'

const way = upstreams()
afterEach(() => way.close())

const key = 'sk-canary-0123456789'
const apiKey: Credential = { kind: 'api_key', fields: { api_key: key } }

interface Tried {
  readonly credential?: Credential
  readonly token?: Token
  readonly config?: ProviderConfig
}

/** At the vendor's own address, which the test has moved to this machine. */
function tryAt(
  name: ProviderName,
  url: string,
  { credential = apiKey, token, config = {} }: Tried = {},
): Promise<ProbeResult> {
  const provider = configured(name, providers[name] as Provider, defaultTimeouts, config, credential)
  return probe(
    { provider, credential, ...(token && { token }) },
    (request, listener) => way.send({ ...request, origin: url, mayBePrivate: true }, listener),
    Date.now,
  )
}

const keyOf = ({ headers }: Asked): string =>
  String(
    headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers['api-key'] ?? headers.authorization ?? '',
  ).replace('Bearer ', '')

const refused: Answer = {
  status: 401,
  body: { error: { message: `Incorrect API key provided: ${key}.`, code: 'invalid_api_key' } },
}

/** Lists models for whoever has the key. */
const lister = (list: object) => startCloud((asked) => (keyOf(asked) === key ? { body: list } : refused))

describe('testing a credential', () => {
  test.each<[name: ProviderName, list: object, config: ProviderConfig, path: string]>([
    ['openai', { data: [{ id: 'b' }, { id: 'a' }, { id: 'b' }] }, {}, '/v1/models'],
    ['anthropic', { data: [{ type: 'model', id: 'a' }, { id: 'b' }], has_more: false }, {}, '/v1/models?limit=1000'],
    [
      'gemini',
      { models: [{ name: 'models/a', displayName: 'A' }, { name: 'models/b' }] },
      {},
      '/v1beta/models?pageSize=1000',
    ],
    ['azure', { data: [{ id: 'a' }, { id: 'b' }] }, { address: { resource: 'mine' } }, '/openai/v1/models'],
    ['bedrock', { modelSummaries: [{ modelId: 'a', modelName: 'A' }, { modelId: 'b' }] }, {}, '/foundation-models'],
    ['bedrock-mantle', { data: [{ id: 'a' }, { id: 'b' }] }, {}, '/v1/models'],
    ['togetherai', [{ id: 'a' }, { id: 'b' }], {}, '/v1/models'],
  ])('lists the models of %s', async (name, list, config, path) => {
    await using host = await lister(list)
    const result = await tryAt(name, host.url, { config })
    expect(result).toEqual({ ok: true, status: 200, latencyMs: expect.any(Number), models: ['a', 'b'] })
    expect(host.asked[0]).toMatchObject({ method: 'GET', path })
  })

  test('of a cloud shows its token', async () => {
    await using host = await startCloud(({ headers }) =>
      headers.authorization === 'Bearer ya29.token'
        ? { body: { publisherModels: [{ name: 'publishers/google/models/gemini-x' }] } }
        : { status: 401, body: {} },
    )
    const token: Token = { kind: 'bearer', token: 'ya29.token', expiresMs: Date.now() + 1_000 }
    const credential = { kind: 'google_service_account', fields: { key_json: '{"project_id":"mine"}' } }
    expect(await tryAt('vertex', host.url, { credential, token })).toMatchObject({ ok: true, models: ['gemini-x'] })
    expect(host.asked[0]?.path).toBe('/v1beta1/publishers/google/models')
  })

  test('of a cloud that has no token tells why', async () => {
    const token: Token = { kind: 'failed', reason: 'Google gives no token.' }
    const credential = { kind: 'google_service_account', fields: { key_json: '{"project_id":"mine"}' } }
    expect(await tryAt('vertex', 'http://127.0.0.1:1', { credential, token })).toEqual({
      ok: false,
      latencyMs: 0,
      error: { code: 'no_credential', message: 'Google gives no token.' },
    })
  })

  test('of Google without a project says what to set', async () => {
    const token: Token = { kind: 'bearer', token: 't', expiresMs: 0 }
    const credential = { kind: 'google_adc', fields: {} }
    const { error } = await tryAt('vertex', 'http://127.0.0.1:1', { credential, token })
    expect(error?.message).toContain('Set providers.vertex.project')
  })

  test('of AWS asks whose key it is', async () => {
    await using sts = await startCloud((asked) => {
      const wrong = wrongSignature(asked, { AKIAONE: 'secret-access-key' })
      const xml = (body: string) => ({ type: 'text/xml', body })
      return wrong
        ? { status: 403, ...xml(`<ErrorResponse><Error><Code>${wrong}</Code></Error></ErrorResponse>`) }
        : xml('<GetCallerIdentityResponse/>')
    })
    // The signature is for AWS's own host, whatever the address to which it is sent here.
    const credential: Credential = { kind: 'aws_static', fields: {} }
    const token = {
      kind: 'aws',
      accessKeyId: 'AKIAONE',
      secretAccessKey: 'secret-access-key',
      sessionToken: 's',
    } as const
    const config = { address: { region: 'eu-west-1' }, headers: { 'x-of-the-host': 'secret' } }
    expect(await tryAt('bedrock', sts.url, { credential, token, config })).toMatchObject({ ok: true, status: 200 })
    expect(sts.asked[0]?.headers).toMatchObject({ host: 'sts.eu-west-1.amazonaws.com', 'x-amz-security-token': 's' })
    expect(sts.asked[0]?.headers).not.toHaveProperty('x-of-the-host')
    const wrong = { ...token, secretAccessKey: 'another-access-key' }
    expect(await tryAt('bedrock', sts.url, { credential, token: wrong, config })).toMatchObject({
      ok: false,
      status: 403,
      error: { code: 'unauthorized', message: 'AWS does not know this key, or refuses it (SignatureDoesNotMatch).' },
    })
  })

  test('of AWS is not refused because our clock is wrong', async () => {
    await using sts = await startCloud((asked, nowMs) => {
      const wrong = wrongSignature(asked, { AKIAONE: 'secret-access-key' })
      const isLate = Math.abs(signedMs(asked) - nowMs) > 5 * 60_000
      return wrong || isLate ? { status: 403, body: '<Code>SignatureDoesNotMatch</Code>' } : { body: '<Ok/>' }
    })
    sts.aheadMs = 7 * 3_600_000
    const credential: Credential = { kind: 'aws_static', fields: {} }
    const token = { kind: 'aws', accessKeyId: 'AKIAONE', secretAccessKey: 'secret-access-key' } as const
    expect(await tryAt('bedrock', sts.url, { credential, token })).toMatchObject({ ok: true, status: 200 })
    expect(sts.asked).toHaveLength(2)
  })

  test('that is refused tells the reason, and not the key that the provider says back', async () => {
    await using host = await startCloud(() => refused)
    expect(await tryAt('openai', host.url)).toEqual({
      ok: false,
      status: 401,
      latencyMs: expect.any(Number),
      error: { code: 'unauthorized', message: 'Incorrect API key provided: [key].' },
    })
  })

  test('is not fooled by a list that is shown to everybody', async () => {
    await using host = await startCloud((asked) => {
      if (asked.method === 'GET') return { body: { data: [{ id: 'a' }] } }
      return keyOf(asked) === key ? { status: 404, body: { error: { message: 'No such model.' } } } : refused
    })
    expect(await tryAt('openrouter', host.url)).toMatchObject({ ok: true, status: 200, models: ['a'] })
    const credential: Credential = { kind: 'api_key', fields: { api_key: 'sk-another-0123456789' } }
    expect(await tryAt('openrouter', host.url, { credential })).toMatchObject({
      ok: false,
      status: 401,
      error: { code: 'unauthorized' },
    })
  })

  test('asks a model for a short answer where nothing is listed', async () => {
    await using host = await startCloud((asked) =>
      asked.method === 'POST' && keyOf(asked) === key ? { body: { choices: [] } } : { status: 404, body: '' },
    )
    expect(await tryAt('openai', host.url, { config: { models: ['gpt-x'] } })).toMatchObject({ ok: true, status: 200 })
    expect(JSON.parse((host.asked[1] as Asked).body)).toMatchObject({ model: 'gpt-x', messages: [{ role: 'user' }] })
  })

  test('counts tokens, which costs nothing, where nothing is listed and one can', async () => {
    await using host = await startCloud(({ path }) =>
      path.endsWith(':countTokens') ? { body: { totalTokens: 1 } } : { status: 404, body: '' },
    )
    expect(await tryAt('vertex', host.url, { config: { models: ['gemini-x'] } })).toMatchObject({
      ok: true,
      status: 200,
    })
    expect(host.asked.map(({ path }) => path)).toEqual(['/v1/publishers/google/models/gemini-x:countTokens'])
  })

  test('says what to do where nothing is listed and no model is known', async () => {
    await using host = await startCloud(() => ({ status: 404, body: '' }))
    const { ok, error } = await tryAt('openai', host.url)
    expect(ok).toBe(false)
    expect(error?.message).toBe(
      'openai at /v1/models lists no models. Name one in providers.openai.models, and it is asked for an answer.',
    )
  })

  test.each<[what: string, answer: Answer, code: string]>([
    ['leads elsewhere', { status: 302, body: '' }, 'upstream_invalid'],
    ['is a page', { type: 'text/html', body: '<html>' }, 'upstream_invalid'],
    ['is some other JSON', { body: { hello: 'world' } }, 'upstream_invalid'],
    ['is a fault', { status: 500, body: 'oops' }, 'upstream_error'],
    ['is a limit', { status: 429, body: { error: { message: 'Slow down.' } } }, 'rate_limited'],
  ])('does not take an answer for good that %s', async (_what, answer, code) => {
    await using host = await startCloud(() => answer)
    expect(await tryAt('openai', host.url)).toMatchObject({ ok: false, error: { code } })
  })

  test('keeps at most a thousand names', async () => {
    await using host = await lister({ data: Array.from({ length: 3_000 }, (_, index) => ({ id: `m${index}` })) })
    expect((await tryAt('openai', host.url)).models).toHaveLength(1_000)
  })

  test('says that nobody is there', async () => {
    const { ok, error } = await tryAt('openai', 'http://127.0.0.1:1')
    expect({ ok, code: error?.code }).toEqual({ ok: false, code: 'upstream_unreachable' })
  })

  test('does not go to a private address without leave', async () => {
    await using host = await lister({ data: [] })
    const provider = configured('openai', providers.openai, defaultTimeouts, { baseUrl: `${host.url}/v1` })
    const result = await probe({ provider, credential: apiKey }, way.send, Date.now)
    expect(result).toMatchObject({ ok: false, error: { code: 'egress_refused' } })
    expect(host.asked).toEqual([])
  })

  test('does not lend what is of this machine to a host that is not the vendor', async () => {
    const credential: Credential = { kind: 'google_adc', fields: {} }
    const token: Token = { kind: 'bearer', token: 'ya29.token', expiresMs: 0 }
    const config: ProviderConfig = { baseUrl: 'https://evil.example/projects/p/locations/l' }
    expect(await tryAt('vertex', 'http://127.0.0.1:1', { credential, token, config })).toMatchObject({
      ok: false,
      error: { code: 'egress_refused' },
    })
  })

  test('of the built-in mock asks nobody', async () => {
    const result = await tryAt('mock', 'http://127.0.0.1:1', { credential: { kind: 'none', fields: {} } })
    expect(result).toMatchObject({ ok: true, models: expect.arrayContaining(['mock/echo']) })
  })
})
