import { expect, test } from 'vitest'
import { defaultTimeouts } from '../core/config.ts'
import { openai } from '../providers/openai.ts'
import { type ConfiguredProvider, configured } from '../providers/provider.ts'
import { plan } from './plan.ts'

const door = configured('openai', openai, defaultTimeouts)
const groq = configured('groq', openai, defaultTimeouts, {
  models: ['llama', 'meta/llama', 'shared', 'openai/gpt-oss'],
})
const local = configured('local', openai, defaultTimeouts, { models: ['qwen/small', 'shared'] })

function planned(name: string, others: readonly ConfiguredProvider[] = [groq, local]): string[] {
  const providers = new Map([door, ...others].map((provider) => [provider.name, provider]))
  return plan(name, { providers, defaultProvider: door }).map(({ provider, model }) => `${provider.name}: ${model}`)
}

test.each<[what: string, name: string, targets: readonly string[]]>([
  ['a name that somebody lists goes there', 'llama', ['groq: llama']],
  ['a listed name is taken whole, slashes and all', 'meta/llama', ['groq: meta/llama']],
  ['a listed name goes before a provider of that name', 'openai/gpt-oss', ['groq: openai/gpt-oss']],
  ['a name that two list goes to the first of them', 'shared', ['groq: shared']],
  ['a provider before the slash is asked for the rest', 'local/phi', ['local: phi']],
  ['only the first slash divides', 'local/org/model/v2', ['local: org/model/v2']],
  ['a provider and a name that it lists', 'local/qwen/small', ['local: qwen/small']],
  ['a name that nobody claims goes to the vendor of the door', 'gpt-5', ['openai: gpt-5']],
  ['and so does one whose first part is no provider', 'mistral/large', ['openai: mistral/large']],
  ['a slash in front divides nothing', '/local', ['openai: /local']],
  ["the names are providers' exactly", 'Local/phi', ['openai: Local/phi']],
  ['a word that every object knows is no provider', 'constructor/x', ['openai: constructor/x']],
])('%s', (_what, name, targets) => {
  expect(planned(name)).toEqual(targets)
})

test('without other providers everything goes to the vendor of the door', () => {
  expect(planned('openai/gpt-5', [])).toEqual(['openai: gpt-5'])
  expect(planned('local/phi', [])).toEqual(['openai: local/phi'])
})
