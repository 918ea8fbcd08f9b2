import { expect, test } from 'vitest'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import { type ProviderName, providers } from '../providers/index.ts'
import { configured } from '../providers/provider.ts'
import { plan } from './plan.ts'

type Configs = Partial<Record<ProviderName, ProviderConfig>>

const some: Configs = {
  groq: { apiKey: 'k', models: ['llama', 'meta/llama', 'shared', 'openai/gpt-oss'] },
  custom: { baseUrl: 'http://localhost:1/v1', models: ['qwen/small', 'shared'] },
  mistral: { apiKey: 'k' },
}

/** Where a name goes that comes through the door of `vendor`, in words. */
function planned(name: string, configs: Configs = some, vendor: ProviderName = 'openai'): string[] {
  const all = Object.entries(providers).map(
    ([key, provider]) => [key, configured(key, provider, defaultTimeouts, configs[key as ProviderName])] as const,
  )
  return plan(name, { providers: new Map(all), models: new Map() }, vendor).map(
    ({ provider, model, meant }) => `${provider.name}: ${model}${meant ? ` (not ${meant.name})` : ''}`,
  )
}

test.each<[what: string, name: string, targets: readonly string[]]>([
  ['a name that somebody lists goes there', 'llama', ['groq: llama']],
  ['a listed name is taken whole, slashes and all', 'meta/llama', ['groq: meta/llama']],
  ['a listed name goes before a provider of that name', 'openai/gpt-oss', ['groq: openai/gpt-oss']],
  ['a name that two list goes to the first of them', 'shared', ['groq: shared']],
  ['a provider before the slash is asked for the rest', 'custom/phi', ['custom: phi']],
  ['only the first slash divides', 'custom/org/model/v2', ['custom: org/model/v2']],
  ['a provider and a name that it lists', 'custom/qwen/small', ['custom: qwen/small']],
  ['a name that nobody claims goes to the vendor of the door', 'gpt-5', ['openai: gpt-5']],
  ['and so does one whose first part is no provider', 'mistralai/large', ['openai: mistralai/large']],
  ['a server on this machine is there without being configured', 'ollama/qwen3:8b', ['ollama: qwen3:8b']],
  ['a slash in front divides nothing', '/groq', ['openai: /groq']],
  ["the names are providers' exactly", 'Groq/phi', ['openai: Groq/phi']],
  ['a word that every object knows is no provider', 'constructor/x', ['openai: constructor/x']],
  ['the mock is always there', 'mock/anything', ['mock: anything']],
])('%s', (_what, name, targets) => {
  expect(planned(name)).toEqual(targets)
})

test('a provider that is not configured does not divide a name, and is remembered as what may have been meant', () => {
  expect(planned('deepseek/deepseek-chat')).toEqual(['openai: deepseek/deepseek-chat (not deepseek)'])
  expect(planned('custom/phi', {})).toEqual(['openai: custom/phi (not custom)'])
  expect(planned('azure/gpt-5', { azure: { apiKey: 'k' } })).toEqual(['openai: azure/gpt-5 (not azure)'])
  expect(planned('azure/gpt-5', { azure: { apiKey: 'k', address: { resource: 'r' } } })).toEqual(['azure: gpt-5'])
})

test("the door's own vendor is always meant, for its clients may bring a key", () => {
  expect(planned('openai/gpt-5', {})).toEqual(['openai: gpt-5'])
  expect(planned('anthropic/claude-sonnet-5', {}, 'anthropic')).toEqual(['anthropic: claude-sonnet-5'])
  expect(planned('anthropic/claude-sonnet-5', {})).toEqual(['openai: anthropic/claude-sonnet-5 (not anthropic)'])
  expect(planned('claude-sonnet-5', {}, 'anthropic')).toEqual(['anthropic: claude-sonnet-5'])
})

test('a name that somebody has given is looked up first, and goes on under the name that the provider has for it', () => {
  const groq = configured('groq', providers.groq, defaultTimeouts, { apiKey: 'k', models: ['llama'] })
  const models = new Map([
    ['llama', { provider: 'groq', model: 'llama-3' }],
    ['groq/llama', { provider: 'groq', model: 'llama-4' }],
    ['lost', { provider: 'nobody', model: 'x' }],
  ])
  const facts = { providers: new Map([['groq', groq]]), models }
  expect(plan('llama', facts, 'openai')).toEqual([{ provider: groq, model: 'llama-3' }])
  expect(plan('groq/llama', facts, 'openai')).toEqual([{ provider: groq, model: 'llama-4' }])
  expect(() => plan('lost', facts, 'openai')).toThrow(
    'The model "lost" is one of nobody, and there is no such provider.',
  )
})

test('what nobody claims goes to the standard provider in place of the vendor, whose own name still means it', () => {
  const openai = configured('openai', providers.openai, defaultTimeouts)
  const groq = configured('groq', providers.groq, defaultTimeouts)
  const all = new Map([
    ['openai', openai],
    ['groq', groq],
  ])
  const facts = { providers: all, models: new Map(), standard: 'groq' }
  expect(plan('gpt-5', facts, 'openai')).toEqual([{ provider: groq, model: 'gpt-5' }])
  expect(plan('groq/gpt-5', facts, 'openai')).toEqual([{ provider: groq, model: 'gpt-5' }])
  expect(plan('openai/gpt-5', facts, 'openai')).toEqual([{ provider: openai, model: 'gpt-5' }])
  expect(() => plan('gpt-5', { ...facts, standard: 'gone' }, 'openai')).toThrow('gone, the default provider of this')
})
