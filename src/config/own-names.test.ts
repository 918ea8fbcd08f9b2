// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type Given, load, problemsOf } from '../../test/support/loading.ts'

describe('a provider of your own', () => {
  test('has the settings of the one that it is like', () => {
    const yaml = `
providers:
  house:
    like: azure
    base_url: http://10.0.0.7/openai
    api_key: sk-house
    resource: mine
    api_version: preview
    models: [house-model]
    headers: { X-Team: rail }
    timeouts: { idle_ms: 5 }
`
    expect(load({ yaml }).providers.house).toEqual({
      like: 'azure',
      baseUrl: 'http://10.0.0.7/openai',
      mayBePrivate: true,
      apiKey: 'sk-house',
      address: { resource: 'mine', api_version: 'preview' },
      models: ['house-model'],
      headers: { 'x-team': 'rail' },
      timeouts: { idleMs: 5 },
    })
  })

  test("has variables of its own, and none of the vendor's", () => {
    const environment = {
      TRUNKLINE_MY_HOUSE_API_KEY: 'sk-mine',
      TRUNKLINE_MY_HOUSE_BASE_URL: 'https://there/v1',
      OPENAI_API_KEY: 'sk-openai',
      VLLORA_MY_HOUSE_API_KEY: 'sk-other',
    }
    const yaml = 'providers: { my-house: { like: openai }, bare: { like: openai, base_url: "https://h/v1" } }'
    const { 'my-house': mine, bare } = load({ yaml, environment }).providers
    expect(mine).toMatchObject({ apiKey: 'sk-mine', baseUrl: 'https://there/v1' })
    expect(bare).not.toHaveProperty('apiKey')
  })

  test.each<[what: string, yaml: string, problem: string]>([
    [
      'without an address',
      'providers: { own: { like: openai } }',
      'FILE:1:21: providers.own is your own and needs a base_url.',
    ],
    [
      'like nobody',
      'providers: { own: { like: opnai, base_url: "http://h" } }',
      'FILE:1:27: providers.own.like is "opnai", and nothing can be like that. Did you mean openai?',
    ],
    [
      'like the mock, which has no address',
      'providers: { own: { like: mock, base_url: "http://h" } }',
      'FILE:1:27: providers.own.like is "mock", and nothing can be like that.',
    ],
    [
      'without saying like whom',
      'providers: { groc: { base_url: "http://h" } }',
      'FILE:1:14: there is no setting providers.groc. Did you mean providers.groq? A provider of your own has like and base_url.',
    ],
    [
      'with a name that has a slash',
      'providers: { "a/b": { like: openai, base_url: "http://h" } }',
      'FILE:1:14: providers.a/b: a name must be made of small letters, digits and dashes, begin with one of the first two and have at most 63 of them.',
    ],
    [
      'with a setting that the other does not have',
      'providers: { own: { like: anthropic, base_url: "http://h", regoin: x } }',
      'FILE:1:60: there is no setting providers.own.regoin. Here may stand: like, api_key, credential, base_url, models, headers, timeouts.',
    ],
    [
      'with the name of one that there is',
      'providers: { openai: { like: groq } }',
      'FILE:1:24: there is no setting providers.openai.like. Here may stand: api_key, credential, base_url, models, dialects, headers, stream_usage, timeouts.',
    ],
  ])('%s is refused', (_what, yaml, problem) => {
    expect(problemsOf({ yaml })).toEqual([problem])
  })
})

describe('a model of your own', () => {
  test('has a provider and the name there', () => {
    const yaml = `
providers: { house: { like: vllm, base_url: 'http://h/v1' } }
models:
  fast: { provider: house, model: qwen3:8b }
  gpt-4.1/best: { provider: openai, model: gpt-4.1 }
  a: { provider: mock, model: echo }
  a.provider: { provider: groq, model: x }
`
    expect(load({ yaml }).models).toEqual({
      fast: { provider: 'house', model: 'qwen3:8b' },
      'gpt-4.1/best': { provider: 'openai', model: 'gpt-4.1' },
      a: { provider: 'mock', model: 'echo' },
      'a.provider': { provider: 'groq', model: 'x' },
    })
    expect(load({ yaml: 'models:\n' }).models).toEqual({})
  })

  test.each<[what: string, yaml: string, problem: string]>([
    ['without both', 'models: { m: {} }', 'FILE:1:11: models.m needs provider and model.'],
    ['without its name there', 'models: { m: { provider: groq } }', 'FILE:1:11: models.m needs model.'],
    [
      'with a provider that there is not',
      'models: { m: { provider: opnai, model: x } }',
      'FILE:1:16: models.m.provider is "opnai", and there is no such provider. Did you mean openai?',
    ],
    [
      'with more than that',
      'models: { m: { provider: groq, model: x, modle: y } }',
      'FILE:1:42: there is no setting models.m.modle. Did you mean models.m.model?',
    ],
    [
      'with a space in its name',
      'models: { "a b": { provider: groq, model: x } }',
      'FILE:1:11: models: the name of a model must be without spaces and control characters.',
    ],
    [
      'with a name of every object',
      'models: { __proto__: { provider: groq, model: x } }',
      'FILE:1:11: models: the name of a model cannot be __proto__.',
    ],
    ['as a word', 'models: { m: groq }', 'FILE:1:11: models.m must be a map with provider, model.'],
    ['in a list', 'models: [m]', 'FILE:1:1: models must be a map.'],
  ])('%s is refused', (_what, yaml, problem) => {
    expect(problemsOf({ yaml })).toContain(problem)
  })
})

test('whatever the file says, it is a configuration or a list of problems', () => {
  const name = fc.constantFrom(
    'server',
    'port',
    'providers',
    'openai',
    'own',
    'like',
    'models',
    'credential',
    'kind',
    'api_key',
    'base_url',
    'headers',
    '__proto__',
    'constructor',
    '1',
    'm',
  )
  const leaf = fc.oneof(
    fc.constantFrom('openai', '${HOME}', '${file:x}', '${', 'aws_static', 'http://h', null, true, 1, ''),
    fc.string(),
  )
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(name, tie('node'), { maxKeys: 4 }),
    ),
  })).node
  const given: Omit<Given, 'yaml'> = { environment: { HOME: '/home' } }
  fc.assert(
    fc.property(fc.dictionary(name, tree, { maxKeys: 4 }), (value) => {
      expect(Array.isArray(problemsOf({ ...given, yaml: stringify(value) }))).toBe(true)
    }),
    { numRuns: 150 },
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:&*!|>-\n #"\'ab${'), maxLength: 40 }), (yaml) => {
      expect(Array.isArray(problemsOf({ ...given, yaml }))).toBe(true)
    }),
    { numRuns: 200 },
  )
  expect(Object.keys(Object.prototype)).toEqual([])
})
