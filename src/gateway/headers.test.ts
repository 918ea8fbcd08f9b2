import { describe, expect, test } from 'vitest'
import { credentialHeaders } from '../core/access.ts'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import { dialects } from '../dialects/index.ts'
import { type ProviderName, providers } from '../providers/index.ts'
import { type ConfiguredProvider, configured, type Provider } from '../providers/provider.ts'
import { paid } from './credential.ts'
import { upstreamHeaders, withKeyOfQuery } from './headers.ts'

type Headers = Readonly<Record<string, string>>

const at = (name: ProviderName, config: ProviderConfig = {}): ConfiguredProvider =>
  configured(name, providers[name] as Provider, defaultTimeouts, config)

/** A dialect of which only the name and the headers matter here. */
const speaking = (name: string, requestHeaders: readonly string[] = []) => ({
  ...dialects['openai-chat'],
  name,
  requestHeaders,
})

const openaiClient = speaking('openai-chat', ['openai-beta', 'accept'])
const anthropicClient = speaking('anthropic-messages', ['anthropic-version', 'anthropic-beta', 'accept'])
const geminiClient = speaking('gemini', [])

interface Sent {
  readonly client?: typeof openaiClient
  /** The provider's dialect and what it wants to hear with each request; the client's own when absent. */
  readonly endpoint?: { readonly dialect: typeof openaiClient; readonly headers: Headers }
}

const sent = (
  provider: ConfiguredProvider,
  headers: Headers,
  { client = openaiClient, endpoint }: Sent = {},
): Headers =>
  upstreamHeaders(
    { dialect: client, headers },
    paid({ dialect: client, headers }, { provider, model: 'm' }, open)[0]?.credential.header,
    endpoint ?? { dialect: client, headers: {} },
  )

/** A gateway without client keys. */
const open = { isOpen: true, random: () => 0 }

/** The keys among what was sent. */
const keysIn = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => credentialHeaders.includes(name)))

const everyKey: Headers = {
  authorization: 'Bearer client',
  'x-api-key': 'client',
  'x-goog-api-key': 'client',
  'api-key': 'client',
  bearer: 'client',
}

describe("a client's key", () => {
  test.each<[name: ProviderName, client: typeof openaiClient, key: Headers, goesUpAs: Headers]>([
    ['openai', openaiClient, everyKey, { authorization: 'Bearer client' }],
    ['openai', speaking('openai-responses'), everyKey, { authorization: 'Bearer client' }],
    ['anthropic', anthropicClient, everyKey, { 'x-api-key': 'client' }],
    ['anthropic', anthropicClient, { authorization: 'Bearer client' }, { authorization: 'Bearer client' }],
    ['gemini', geminiClient, everyKey, { 'x-goog-api-key': 'client' }],
    ['gemini', geminiClient, { authorization: 'Bearer client' }, { 'x-goog-api-key': 'client' }],
    ['gemini', geminiClient, { authorization: 'Bearer ya29.token' }, { authorization: 'Bearer ya29.token' }],
  ])('goes to its own vendor: %s', (name, client, key, goesUpAs) => {
    expect(keysIn(sent(at(name), key, { client }))).toEqual(goesUpAs)
  })

  test('goes nowhere else, whatever the client speaks', () => {
    for (const client of [openaiClient, speaking('openai-responses'), anthropicClient, geminiClient]) {
      for (const [name, provider] of Object.entries(providers) as [ProviderName, Provider][]) {
        const configs: ProviderConfig[] = [{ apiKey: 'ours' }, { baseUrl: 'http://localhost:1/v1' }]
        if (!provider.clients?.some((one) => one === client.name)) configs.push({ address: { resource: 'r' } })
        for (const config of configs) {
          let headers: Headers = {}
          try {
            headers = sent(at(name, config), everyKey, { client })
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'no_credential' })
          }
          expect(JSON.stringify(headers)).not.toContain('client')
        }
      }
    }
  })

  test('is not looked at where there is a configured one', () => {
    expect(keysIn(sent(at('openai', { apiKey: 'ours' }), everyKey))).toEqual({ authorization: 'Bearer ours' })
    expect(keysIn(sent(at('anthropic', { apiKey: 'ours' }), everyKey, { client: anthropicClient }))).toEqual({
      'x-api-key': 'ours',
    })
  })

  test('goes nowhere once client keys are asked for, nor does one of ours ever', () => {
    const ours = `tl_abcd1234_${'x'.repeat(43)}`
    const client = { dialect: openaiClient, headers: everyKey }
    const target = { provider: at('openai'), model: 'm' }
    expect(() => paid(client, target, { ...open, isOpen: false })).toThrow('There is no credential for openai.')
    expect(() => paid({ ...client, headers: { authorization: `Bearer ${ours}` } }, target, open)).toThrow(
      'There is no credential for openai.',
    )
    const gemini = { dialect: geminiClient, headers: { 'x-goog-api-key': ours } }
    expect(() => paid(gemini, { provider: at('gemini'), model: 'm' }, open)).toThrow('There is no credential')
  })

  test('may stand in the address, as some clients of Gemini have it', () => {
    expect(withKeyOfQuery({}, 'alt=sse&key=client')).toEqual({ 'x-goog-api-key': 'client' })
    expect(withKeyOfQuery({ 'x-goog-api-key': 'first' }, 'key=client')).toEqual({ 'x-goog-api-key': 'first' })
    const without = {}
    for (const query of ['', 'alt=sse', 'key=', 'key=%0d%0ax', 'monkey=1']) {
      expect(withKeyOfQuery(without, query)).toBe(without)
    }
  })
})

test("no dialect's own headers are those of keys", () => {
  const all = Object.values(dialects).flatMap(({ requestHeaders }) => requestHeaders)
  expect(all.filter((name) => credentialHeaders.includes(name) || name === 'cookie')).toEqual([])
})

describe('without a key', () => {
  const refusal = (provider: ConfiguredProvider, sentBy: Sent = {}, meant?: ConfiguredProvider): string => {
    const { client = openaiClient } = sentBy
    const target = { provider, model: 'm', ...(meant && { meant }) }
    try {
      paid({ dialect: client, headers: {} }, target, open)
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(GatewayError)
      expect((thrown as GatewayError).status).toBe(401)
      return (thrown as GatewayError).message
    }
    return ''
  }

  test('a call is refused with what would help', () => {
    expect(refusal(at('openai'))).toBe(
      'There is no credential for openai. Add one with `trunkline credentials add openai`, set OPENAI_API_KEY before you ' +
        'start Trunkline, send your OpenAI key as the bearer token, ' +
        'or call the built-in model "mock/echo", which needs none.',
    )
    expect(refusal(at('anthropic'), { client: anthropicClient })).toContain(
      'set ANTHROPIC_API_KEY before you start Trunkline, send your Anthropic key as x-api-key or as the bearer token, or',
    )
    expect(refusal(at('anthropic'))).toContain('set ANTHROPIC_API_KEY before you start Trunkline, or call')
    expect(refusal(at('groq'))).toContain('set GROQ_API_KEY before you start Trunkline, or call')
  })

  test('a provider that was probably meant is named with its variable', () => {
    expect(refusal(at('openai'), {}, at('groq'))).toMatch(
      /^A model groq\/… goes to Groq only once there is a key for it: set GROQ_API_KEY\. Until then it goes to openai\. There is no /,
    )
    expect(refusal(at('openai'), {}, at('custom'))).toMatch(
      /^A model custom\/… goes to a host of your own only once it is configured: set providers\.custom\.base_url\. Until/,
    )
    expect(refusal(at('openai'), {}, at('azure'))).toContain('once it is configured: set providers.azure.resource.')
  })

  test('servers on this machine, and hosts that the operator names, are called all the same', () => {
    expect(keysIn(sent(at('ollama'), {}))).toEqual({})
    expect(keysIn(sent(at('groq', { baseUrl: 'http://localhost:1/v1' }), {}))).toEqual({})
    expect(keysIn(sent(at('mock'), {}))).toEqual({})
  })
})

describe('what goes up beside the key', () => {
  const said: Headers = {
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'b',
    'openai-beta': 'o',
    accept: 'text/event-stream',
    cookie: 'c',
    'x-forwarded-for': '203.0.113.9',
  }
  const pinned: Headers = { 'anthropic-version': '2023-06-01', 'x-team': 'rail' }

  test("a client's headers go to a provider who speaks the same, before what is always said", () => {
    const headers = sent(at('anthropic', { apiKey: 'k' }), said, {
      client: anthropicClient,
      endpoint: { dialect: anthropicClient, headers: pinned },
    })
    expect(headers).toMatchObject({ 'anthropic-version': '2026-10-21', 'anthropic-beta': 'b', 'x-team': 'rail' })
    expect(headers).not.toHaveProperty('cookie')
    expect(headers).not.toHaveProperty('x-forwarded-for')
    expect(headers).not.toHaveProperty('openai-beta')
  })

  test('which account pays is said by whoever set it for the provider, and else by the client', () => {
    const account: Headers = { 'openai-organization': 'org-mine', 'openai-project': 'proj-mine' }
    const client = dialects['openai-chat']
    const ask = (headers: Headers): Headers =>
      sent(at('openai', { apiKey: 'k' }), account, { client, endpoint: { dialect: client, headers } })
    expect(ask({})).toMatchObject(account)
    expect(ask({ 'openai-project': 'proj-team' })).toMatchObject({ ...account, 'openai-project': 'proj-team' })
  })

  test('and to another only those that both dialects know', () => {
    const headers = sent(at('anthropic', { apiKey: 'k' }), said, {
      client: openaiClient,
      endpoint: { dialect: anthropicClient, headers: pinned },
    })
    expect(headers).toMatchObject({ 'anthropic-version': '2023-06-01', accept: 'text/event-stream' })
    expect(headers).not.toHaveProperty('openai-beta')
    expect(headers).not.toHaveProperty('anthropic-beta')
  })
})
