import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import { endpointFor, pathOf } from './endpoint.ts'
import { type ProviderName, providers } from './index.ts'
import { type ConfiguredProvider, configured, type Operation, type Provider } from './provider.ts'

const at = (name: ProviderName, config: ProviderConfig = {}): ConfiguredProvider =>
  configured(name, providers[name] as Provider, defaultTimeouts, config)

const plain = { hasTools: false, effort: undefined }

interface Asked {
  readonly client?: string
  readonly operation?: Operation
  readonly needs?: typeof plain | { readonly hasTools: boolean; readonly effort: string | undefined }
}

/** Where a chat goes: dialect and address. */
function way(
  provider: ConfiguredProvider,
  model: string,
  { client = 'openai-chat', operation = 'whole', needs = plain }: Asked = {},
): string {
  const endpoint = endpointFor(provider, model, client, () => needs)
  return `${endpoint.dialect.name} ${provider.origin}${pathOf(endpoint, operation, model)}`
}

describe('where each provider is', () => {
  test.each<[name: ProviderName, config: ProviderConfig, model: string, asked: Asked, way: string]>([
    ['openai', {}, 'gpt-4o', {}, 'openai-chat https://api.openai.com/v1/chat/completions'],
    ['openai', {}, 'gpt-4o', { client: 'openai-responses' }, 'openai-responses https://api.openai.com/v1/responses'],
    ['anthropic', {}, 'claude-x', {}, 'anthropic-messages https://api.anthropic.com/v1/messages'],
    [
      'anthropic',
      {},
      'claude-x',
      { client: 'anthropic-messages', operation: 'countTokens' },
      'anthropic-messages https://api.anthropic.com/v1/messages/count_tokens',
    ],
    [
      'gemini',
      {},
      'gemini-3-pro',
      {},
      'gemini https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent',
    ],
    [
      'gemini',
      {},
      'models/gemini-3-pro',
      { operation: 'stream' },
      'gemini https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse',
    ],
    [
      'gemini',
      {},
      'g',
      { operation: 'countTokens' },
      'gemini https://generativelanguage.googleapis.com/v1beta/models/g:countTokens',
    ],
    [
      'vertex',
      {},
      'gemini-3-pro',
      { operation: 'stream' },
      'gemini https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-3-pro:streamGenerateContent?alt=sse',
    ],
    [
      'vertex',
      { baseUrl: 'https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5' },
      'gemini-2.5-pro',
      {},
      'gemini https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/google/models/gemini-2.5-pro:generateContent',
    ],
    [
      'azure',
      { address: { resource: 'mine' } },
      'gpt-4o',
      {},
      'openai-chat https://mine.openai.azure.com/openai/v1/chat/completions',
    ],
    [
      'azure',
      { address: { resource: 'mine', api_version: 'preview' } },
      'gpt-5',
      { client: 'openai-responses' },
      'openai-responses https://mine.openai.azure.com/openai/v1/responses?api-version=preview',
    ],
    [
      'azure',
      { address: { resource: 'mine', api_version: '2024-10-21' } },
      'my deployment',
      { client: 'openai-responses' },
      'openai-chat https://mine.openai.azure.com/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21',
    ],
    [
      'azure',
      { baseUrl: 'https://mine.services.ai.azure.com/openai/v1/' },
      'grok-4',
      {},
      'openai-chat https://mine.services.ai.azure.com/openai/v1/chat/completions',
    ],
    [
      'bedrock',
      {},
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      { operation: 'stream' },
      'bedrock-converse https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream',
    ],
    [
      'bedrock',
      { address: { region: 'eu-west-1' } },
      'arn:aws:bedrock:eu-west-1:1:inference-profile/x',
      {},
      'bedrock-converse https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Fx/converse',
    ],
    [
      'bedrock-mantle',
      {},
      'openai.gpt-oss-20b',
      { client: 'openai-responses' },
      'openai-responses https://bedrock-mantle.us-east-1.api.aws/v1/responses',
    ],
    [
      'bedrock-mantle',
      {},
      'openai.gpt-5.5',
      { client: 'openai-responses' },
      'openai-responses https://bedrock-mantle.us-east-1.api.aws/openai/v1/responses',
    ],
    [
      'bedrock-mantle',
      {},
      'anthropic.claude-sonnet-5',
      {},
      'anthropic-messages https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages',
    ],
    ['groq', {}, 'openai/gpt-oss-120b', {}, 'openai-chat https://api.groq.com/openai/v1/chat/completions'],
    ['deepseek', {}, 'deepseek-chat', {}, 'openai-chat https://api.deepseek.com/chat/completions'],
    [
      'deepseek',
      { baseUrl: 'https://api.deepseek.com/v1' },
      'deepseek-chat',
      { client: 'anthropic-messages' },
      'anthropic-messages https://api.deepseek.com/anthropic/v1/messages',
    ],
    [
      'moonshot',
      {},
      'kimi-k2',
      { client: 'anthropic-messages' },
      'anthropic-messages https://api.moonshot.ai/anthropic/v1/messages',
    ],
    ['xai', {}, 'grok-4', { client: 'openai-responses' }, 'openai-responses https://api.x.ai/v1/responses'],
    ['perplexity', {}, 'sonar', {}, 'openai-chat https://api.perplexity.ai/chat/completions'],
    ['ollama', {}, 'qwen3:8b', {}, 'openai-chat http://127.0.0.1:11434/v1/chat/completions'],
    [
      'ollama',
      { dialects: ['openai-chat', 'anthropic-messages'] },
      'qwen3:8b',
      { client: 'anthropic-messages' },
      'anthropic-messages http://127.0.0.1:11434/v1/messages',
    ],
    ['ollama', { dialects: ['ollama'] }, 'qwen3:8b', {}, 'ollama http://127.0.0.1:11434/api/chat'],
    ['custom', { baseUrl: 'https://h/api/v1?key=1' }, 'm', {}, 'openai-chat https://h/api/v1/chat/completions?key=1'],
    ['custom', { baseUrl: 'https://h/v1/chat/completions' }, 'm', {}, 'openai-chat https://h/v1/chat/completions'],
    ['anthropic', { baseUrl: 'http://localhost:1/v1/' }, 'm', {}, 'anthropic-messages http://localhost:1/v1/messages'],
    ['anthropic', { baseUrl: 'http://localhost:1' }, 'm', {}, 'anthropic-messages http://localhost:1/v1/messages'],
    [
      'gemini',
      { baseUrl: 'http://localhost:1/v1beta/' },
      'm',
      {},
      'gemini http://localhost:1/v1beta/models/m:generateContent',
    ],
  ])('%s %j: %s %j', (name, config, model, asked, expected) => {
    expect(way(at(name, config), model, asked)).toBe(expected)
  })

  test('a name that is no valid text is sent as one that is', () => {
    expect(way(at('gemini'), 'g\ud800/x')).toMatch(/\/models\/g%EF%BF%BD%2Fx:generateContent$/)
  })

  test('who has no address is not asked, and the answer names what to set', () => {
    expect(() => way(at('azure', { apiKey: 'k' }), 'm')).toThrow(
      'Trunkline does not know where azure is. Set providers.azure.resource, or providers.azure.base_url.',
    )
    expect(() => way(at('custom'), 'm')).toThrow(
      'Trunkline does not know where custom is. Set providers.custom.base_url.',
    )
  })
})

describe('which dialect a provider is asked in', () => {
  const openai = at('openai')

  test.each(['gpt-5', 'gpt-5.4-mini', 'o4-mini', 'ft:gpt-5-mini:org', 'gpt-6', 'gpt-12.5'])(
    "a foreign client's chat with %s, which thinks, goes to Responses",
    (model) => {
      expect(way(openai, model, { client: 'anthropic-messages' })).toMatch(/^openai-responses /)
      expect(way(openai, model)).toMatch(/^openai-chat /)
    },
  )

  test.each(['gpt-4o', 'gpt-4.1', 'gpt-35-turbo', 'gpt-5-chat-latest', 'chatgpt-4o-latest', 'gpt-oss:20b', 'llama3'])(
    "a foreign client's chat with %s goes to chat completions",
    (model) => {
      expect(way(openai, model, { client: 'gemini' })).toMatch(/^openai-chat /)
    },
  )

  test.each([
    'o1-pro',
    'o3-pro-2025-06-10',
    'gpt-5-pro',
    'gpt-5.2-pro',
    'gpt-5.1-codex-max',
    'o4-mini-deep-research',
    'computer-use-preview',
  ])('%s is behind Responses only', (model) => {
    expect(way(openai, model)).toMatch(/^openai-responses /)
  })

  test('tools with a wish to think go to Responses on models that refuse them together', () => {
    const needs = { hasTools: true, effort: 'high' }
    expect(way(openai, 'gpt-5.6-luna', { needs })).toMatch(/^openai-responses /)
    expect(way(openai, 'gpt-5.2', { needs })).toMatch(/^openai-chat /)
    expect(way(openai, 'gpt-5.6-luna', { needs: { hasTools: false, effort: 'high' } })).toMatch(/^openai-chat /)
    expect(way(openai, 'gpt-5.6-luna', { needs: { hasTools: true, effort: 'none' } })).toMatch(/^openai-chat /)
    expect(way(openai, 'gpt-5.6-luna', { needs: { hasTools: true, effort: undefined } })).toMatch(/^openai-chat /)
    const dated = at('azure', { address: { resource: 'r', api_version: '2024-10-21' } })
    expect(way(dated, 'gpt-5.6-luna', { needs })).toMatch(/^openai-chat /)
  })

  test('what is needed is asked only where it may matter', () => {
    const never = (): never => {
      throw new Error('asked')
    }
    expect(endpointFor(openai, 'gpt-4o', 'openai-chat', never).dialect.name).toBe('openai-chat')
    expect(endpointFor(openai, 'gpt-5.6', 'openai-responses', never).dialect.name).toBe('openai-responses')
  })

  test('a name without end is not looked at to its end', () => {
    const endless = 'gpt-5'.repeat(1_000_000)
    expect(endpointFor(openai, endless, 'gemini', () => plain).dialect.name).toBe('openai-responses')
  })

  test("on the clouds Claude is asked in Anthropic's words by Anthropic's clients", () => {
    const claude = 'us.anthropic.claude-sonnet-5'
    expect(way(at('bedrock'), claude, { client: 'anthropic-messages' })).toMatch(/^bedrock-invoke .*\/invoke$/)
    expect(way(at('bedrock'), claude, { client: 'anthropic-messages', operation: 'stream' })).toMatch(
      /\/invoke-with-response-stream$/,
    )
    expect(way(at('bedrock'), 'us.amazon.nova-lite-v1:0', { client: 'anthropic-messages' })).toMatch(
      /^bedrock-converse /,
    )
    expect(way(at('vertex'), 'claude-sonnet-4-5@20250929')).toMatch(
      /^vertex-anthropic .*\/publishers\/anthropic\/models\/claude-sonnet-4-5%4020250929:rawPredict$/,
    )
  })

  test('the operator says what a host speaks', () => {
    const host = at('custom', { baseUrl: 'http://h/v1', dialects: ['anthropic-messages'] })
    expect(way(host, 'm')).toBe('anthropic-messages http://h/v1/messages')
    expect(
      way(at('openai', { baseUrl: 'http://h/v1', dialects: ['openai-chat'] }), 'gpt-5', { client: 'openai-responses' }),
    ).toBe('openai-chat http://h/v1/chat/completions')
  })
})

describe('who can be called by name', () => {
  test.each<[what: string, name: ProviderName, config: ProviderConfig, can: boolean]>([
    ['a vendor with a key', 'groq', { apiKey: 'k' }, true],
    ['a vendor without one', 'groq', {}, false],
    ['a vendor at another address', 'groq', { baseUrl: 'http://h' }, true],
    ['a server on this machine', 'lmstudio', {}, true],
    ['a host of one’s own without its address', 'custom', {}, false],
    ['a host of one’s own', 'custom', { baseUrl: 'http://h' }, true],
    ['Azure with a key and no resource', 'azure', { apiKey: 'k' }, false],
    ['Azure with a resource and no key', 'azure', { address: { resource: 'r' } }, false],
    ['Azure with both', 'azure', { apiKey: 'k', address: { resource: 'r' } }, true],
    ['the mock', 'mock', {}, true],
  ])('%s: %s %j', (_what, name, config, can) => {
    expect(at(name, config).isConfigured).toBe(can)
  })
})

describe('where a key goes', () => {
  test.each<[what: string, name: ProviderName, config: ProviderConfig, sent: readonly string[] | undefined]>([
    ['as a bearer token', 'groq', { apiKey: 'k' }, ['authorization', 'Bearer k']],
    ['as Anthropic reads it', 'anthropic', { apiKey: 'k' }, ['x-api-key', 'k']],
    ['as Google reads it', 'gemini', { apiKey: 'k' }, ['x-goog-api-key', 'k']],
    ['as Azure reads it', 'azure', { apiKey: 'k', address: { resource: 'r' } }, ['api-key', 'k']],
    [
      'found in the environment: to the vendor',
      'groq',
      { apiKey: 'k', keyIsAmbient: true },
      ['authorization', 'Bearer k'],
    ],
    [
      'found in the environment: not to another host',
      'groq',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'https://h/v1' },
      undefined,
    ],
    [
      'written for Trunkline: to the host that is named with it',
      'groq',
      { apiKey: 'k', baseUrl: 'https://h/v1' },
      ['authorization', 'Bearer k'],
    ],
    [
      "found in the environment: to the vendor's host, written out",
      'groq',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'https://api.groq.com/openai/v1' },
      ['authorization', 'Bearer k'],
    ],
    [
      'found in the environment: not in the clear',
      'groq',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'http://api.groq.com/openai/v1' },
      undefined,
    ],
    [
      'found in the environment: to a host of Azure',
      'azure',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'https://r.services.ai.azure.com' },
      ['api-key', 'k'],
    ],
    [
      'found in the environment: not to a host that only ends like one',
      'azure',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'https://openai.azure.com.evil.example' },
      undefined,
    ],
    [
      'found in the environment: to a region of Bedrock',
      'bedrock',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com' },
      ['authorization', 'Bearer k'],
    ],
    [
      'OpenAI’s goes to whom the base URL names, as it always did',
      'openai',
      { apiKey: 'k', keyIsAmbient: true, baseUrl: 'http://h/v1' },
      ['authorization', 'Bearer k'],
    ],
  ])('%s', (_what, name, config, sent) => {
    expect(at(name, config).standing?.header).toEqual(sent)
  })
})

test('what the operator wants in every request stands beside what the dialect needs', () => {
  const [endpoint] = at('anthropic', { headers: { 'x-team': 'rail' } }).endpoints
  expect(endpoint?.headers).toEqual({ 'anthropic-version': '2023-06-01', 'x-team': 'rail' })
})

describe('every row', () => {
  const guide = readFileSync(resolve(import.meta.dirname, '../../docs/providers.md'), 'utf8')

  const rows = Object.entries(providers) as [ProviderName, Provider][]

  test.each(rows)('%s can be called once it is configured', (name, row) => {
    const address = { resource: 'r', region: 'eu-west-1' }
    const provider = at(name, { apiKey: 'k', address, ...(!row.baseUrl && { baseUrl: 'http://h/v1' }) })
    expect(provider.isConfigured).toBe(true)
    expect(provider.origin).not.toBe('')
    for (const model of ['a', 'claude-x', 'anthropic.claude-x', 'gpt-5', 'o1-pro']) {
      for (const client of ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']) {
        expect(way(provider, model, { client })).toMatch(/^[a-z-]+ (https?:\/\/[\w.:-]+|null)\/\S+$/)
      }
    }
  })

  test.each(rows.filter(([, { send }]) => !send))(
    '%s is in the guide',
    (name, { label, keyVariables = [], baseUrl, endpoints }) => {
      const all = typeof endpoints === 'function' ? endpoints({}) : endpoints
      const spoken = new Set(all.filter(({ optional }) => !optional).map(({ dialect }) => dialect))
      const keys = keyVariables.map((variable) => `\`${variable}\``).join(', ')
      expect(guide).toContain(
        `| \`${name}\` | ${label} | ${keys} | ${baseUrl ? `\`${baseUrl}\`` : '–'} | ${[...spoken].join(', ')} |`,
      )
    },
  )

  test.each(rows.filter(([, { send, keyless }]) => !send && !keyless))(
    '%s is reached encrypted, and has a variable for its key',
    (_name, row) => {
      expect(row.baseUrl).toMatch(/^https:/)
      expect(row.keyVariables?.[0]).toMatch(/^[A-Z][A-Z0-9_]+$/)
    },
  )
})
