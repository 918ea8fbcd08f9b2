import { describe, expect, test } from 'vitest'
import { abilitiesFor, type ModelAbilities } from './abilities.ts'

interface Asked {
  readonly dialect?: string
  readonly isOff?: boolean
  readonly atHome?: boolean
}

const of = (name: string, model: string, { dialect = 'openai-chat', isOff = false, atHome = true }: Asked = {}) =>
  abilitiesFor({ name, atHome }, model, dialect, isOff)

const claude = (model: string, dialect = 'anthropic-messages'): ModelAbilities => of('anthropic', model, { dialect })
const google = (model: string): ModelAbilities => of('gemini', model, { dialect: 'gemini' })

/** Sampling that models that think refuse as long as they do. */
const chosen = ['temperature', 'topP', 'logprobs']
const biased = ['frequencyPenalty', 'presencePenalty', 'logitBias']

describe("OpenAI's models", () => {
  test.each(['gpt-4o', 'gpt-4.1-nano', 'gpt-3.5-turbo', 'gpt-5-chat-latest', 'chatgpt-4o-latest'])(
    '%s takes what it always took, but no wish to think',
    (model) => {
      const { refuses = [], reasoning, maxTokensField } = of('openai', model)
      expect({ refuses, reasoning, maxTokensField }).toEqual({
        refuses: [],
        reasoning: 'none',
        maxTokensField: undefined,
      })
    },
  )

  test.each(['o1', 'o3-mini', 'o4-mini-2025-04-16', 'gpt-5', 'gpt-5-nano', 'openai/o3'])(
    '%s thinks always, and refuses to have its sampling changed',
    (model) => {
      for (const isOff of [false, true]) {
        const can = of('openai', model, { isOff })
        expect(can.refuses).toEqual(expect.arrayContaining([...chosen, ...biased]))
        expect(can).toMatchObject({ reasoning: 'effort', thinkingCanBeOff: false })
      }
    },
  )

  test.each(['gpt-5.1', 'gpt-5.2-2025-12-11', 'gpt-5.4-mini', 'gpt-5.6-luna', 'gpt-6', 'openai.gpt-5.5'])(
    '%s takes a temperature as long as it does not think',
    (model) => {
      expect(of('openai', model).refuses).toEqual(expect.arrayContaining([...chosen, ...biased]))
      const { refuses, thinkingCanBeOff } = of('openai', model, { isOff: true })
      expect(refuses).toEqual(expect.arrayContaining(biased))
      expect(refuses?.filter((name) => chosen.includes(name))).toEqual([])
      expect(thinkingCanBeOff).toBe(true)
    },
  )

  test.each<[model: string, efforts: readonly string[]]>([
    ['o3', ['low', 'medium', 'high']],
    ['gpt-5-mini', ['minimal', 'low', 'medium', 'high']],
    ['gpt-5-pro', ['high']],
    ['gpt-5.1-codex', ['low', 'medium', 'high']],
    ['gpt-5.2-codex', ['low', 'medium', 'high', 'xhigh']],
    ['gpt-5.1', ['none', 'low', 'medium', 'high']],
    ['gpt-5.4', ['none', 'low', 'medium', 'high', 'xhigh']],
    ['gpt-5.6-sol', ['none', 'low', 'medium', 'high', 'xhigh', 'max']],
  ])('%s has the words %j for effort', (model, efforts) => {
    expect(of('openai', model).efforts).toEqual(efforts)
    expect(of('azure', model, { dialect: 'openai-responses' }).efforts).toEqual(efforts)
  })

  test('stops are refused from o3 on, but not by o3-mini', () => {
    const refusesStop = (model: string): boolean => of('openai', model).refuses?.includes('stop') ?? false
    expect(['gpt-4o', 'o1', 'o3-mini', 'o3', 'o4-mini', 'gpt-5.2'].filter(refusesStop)).toEqual([
      'o3',
      'o4-mini',
      'gpt-5.2',
    ])
  })

  test('tools with a wish to think are for Responses from GPT-5.4 on', () => {
    const bridges = (model: string): boolean => of('openai', model).bridgesTools === 'openai-responses'
    expect(['gpt-4o', 'gpt-5', 'gpt-5.2', 'gpt-5.4', 'gpt-5.6-luna', 'gpt-6'].filter(bridges)).toEqual([
      'gpt-5.4',
      'gpt-5.6-luna',
      'gpt-6',
    ])
    expect(of('openrouter', 'openai/gpt-5.4').bridgesTools).toBeUndefined()
    expect(of('openai', 'gpt-5.4', { dialect: 'openai-responses' }).bridgesTools).toBeUndefined()
  })

  test('on Azure 3.5 is written 35, and is no model of the future', () => {
    expect(of('azure', 'gpt-35-turbo')).toMatchObject({ reasoning: 'none', instructions: 'system' })
  })

  test('a local model under the name of OpenAI is asked as compatible hosts are', () => {
    const compatible = { maxTokensField: 'max_tokens', instructions: 'system' }
    expect(of('openai', 'qwen3:8b', { atHome: false })).toEqual(compatible)
    expect(of('openai', 'gpt-oss:20b', { atHome: false })).toEqual(compatible)
    expect(of('openai', 'gpt-4o', { atHome: false })).not.toMatchObject(compatible)
    expect(of('openai', 'qwen3:8b', { atHome: true })).toEqual({ unknownFields: false })
  })

  test('o1-mini takes instructions from nobody but the user', () => {
    expect(of('openai', 'o1-mini').instructionsField).toBe(false)
    expect(of('openai', 'o1').instructionsField).toBeUndefined()
  })
})

describe('hosts that are compatible with OpenAI', () => {
  test.each(['groq', 'mistral', 'deepseek', 'ollama', 'custom'])('%s is told a limit as max_tokens', (name) => {
    expect(of(name, 'm')).toMatchObject({ maxTokensField: 'max_tokens', instructions: 'system' })
  })

  test.each<[name: string, model: string, can: ModelAbilities]>([
    ['groq', 'llama-3.3-70b', { reasoning: 'none', refuses: ['choices', 'logprobs', 'logitBias'] }],
    ['groq', 'openai/gpt-oss-120b', { reasoning: 'effort', efforts: ['low', 'medium', 'high'] }],
    ['groq', 'qwen/qwen3-32b', { reasoning: 'effort', efforts: ['none', 'default'] }],
    [
      'mistral',
      'mistral-large-latest',
      { callIds: 'nine', requiredWord: 'any', seedField: 'random_seed', unknownFields: false, reasoning: 'none' },
    ],
    ['mistral', 'mistral-small-latest', { reasoning: 'effort', efforts: ['none', 'high'] }],
    ['deepseek', 'deepseek-v4-pro', { wantsThoughts: true, thoughtsField: 'reasoning_content', schema: 'none' }],
    ['deepseek', 'deepseek-chat', { thinkingField: 'thinking', reasoning: 'effort' }],
    ['alibaba', 'qwen3-max', { thinkingField: 'enable_thinking' }],
    ['openrouter', 'openai/gpt-5', { thinkingField: 'reasoning', seals: 'openai' }],
    ['openrouter', 'anthropic/claude-haiku-4.5', { seals: 'anthropic' }],
    ['openrouter', 'google/gemini-3-pro-preview', { seals: 'gemini' }],
    ['openrouter', 'x-ai/grok-4.1-fast', { seals: 'openrouter' }],
    [
      'moonshot',
      'kimi-k2-thinking',
      { thinkingField: 'thinking', wantsThoughts: true, thoughtsField: 'reasoning_content' },
    ],
    ['zai', 'glm-5.2', { wantsThoughts: true, thoughtsField: 'reasoning_content' }],
    ['openrouter', 'anthropic/claude-sonnet-4.6', { wantsThoughts: true, thoughtsField: 'reasoning_details' }],
    ['xai', 'grok-4-fast', { reasoning: 'none', refuses: ['frequencyPenalty', 'presencePenalty', 'stop'] }],
    ['xai', 'grok-3-mini', { reasoning: 'effort', efforts: ['low', 'high'] }],
    ['xai', 'grok-4.3', { reasoning: 'effort' }],
    ['azure', 'grok-4', { refuses: ['frequencyPenalty', 'presencePenalty', 'stop'] }],
    ['cerebras', 'zai-glm-4.7', { refuses: ['frequencyPenalty', 'presencePenalty', 'logitBias', 'serviceTier'] }],
    ['perplexity', 'sonar', { tools: false }],
  ])('%s %s', (name, model, can) => {
    expect(of(name, model)).toMatchObject(can)
  })

  test('models of xAI that do not think take penalties', () => {
    expect(of('azure', 'grok-4-1-fast-non-reasoning').refuses).toBeUndefined()
    expect(of('xai', 'grok-3').refuses).toBeUndefined()
  })

  test("a vendor's Anthropic endpoint knows nothing of its chat endpoint's rules", () => {
    expect(of('deepseek', 'deepseek-chat', { dialect: 'anthropic-messages' })).toEqual({
      defaultMaxTokens: 8_192,
      reasoning: 'budget',
      schema: 'tool',
    })
  })
})

describe('Claude', () => {
  test.each<[model: string, thinks: ModelAbilities['reasoning'], most: number]>([
    ['claude-3-opus-20240229', 'none', 4_096],
    ['claude-3-5-sonnet-20240620', 'none', 8_192],
    ['claude-3-7-sonnet-20250219', 'budget', 64_000],
    ['claude-opus-4-20250514', 'budget', 32_000],
    ['claude-opus-4-0', 'budget', 32_000],
    ['claude-opus-4-1-20250805', 'budget', 32_000],
    ['claude-sonnet-4-20250514', 'budget', 64_000],
    ['claude-sonnet-4-5', 'budget', 64_000],
    ['claude-opus-4-5-20251101', 'budget', 64_000],
    ['claude-haiku-4-5-20251001', 'budget', 64_000],
    ['claude-sonnet-4-6', 'adaptive', 64_000],
    ['claude-opus-4-6', 'adaptive', 128_000],
    ['claude-opus-4-7', 'adaptive', 128_000],
    ['claude-opus-4-8', 'adaptive', 128_000],
    ['claude-sonnet-5', 'adaptive', 64_000],
    ['claude-fable-5', 'adaptive', 64_000],
    ['claude-opus-12', 'adaptive', 64_000],
  ])('%s thinks by %s and writes at most %d tokens unless told otherwise', (model, reasoning, defaultMaxTokens) => {
    expect(claude(model)).toMatchObject({ reasoning, defaultMaxTokens })
  })

  test('takes no beginning of its answer from 4.6 on, and no sampling from 4.7 on', () => {
    const models = ['claude-sonnet-4-5', 'claude-sonnet-4-6', 'claude-opus-4-7', 'claude-sonnet-5', 'claude-fable-5']
    expect(models.filter((model) => claude(model).prefill === false)).toEqual(models.slice(1))
    expect(models.filter((model) => claude(model).refuses?.includes('temperature'))).toEqual(models.slice(2))
    expect(models.filter((model) => claude(model).efforts?.includes('xhigh'))).toEqual(models.slice(2))
  })

  test('knows schemas for its answer since Opus 4.1 and since 4.5', () => {
    const models = [
      'claude-3-7-sonnet-latest',
      'claude-sonnet-4-0',
      'claude-opus-4-1',
      'claude-haiku-4-5',
      'claude-sonnet-5',
    ]
    expect(models.map((model) => claude(model).schema)).toEqual(['tool', 'tool', 'native', 'native', 'native'])
  })

  test('takes a temperature or a top_p where it refuses both', () => {
    const models = [
      'claude-3-7-sonnet-latest',
      'claude-sonnet-4-0',
      'claude-opus-4-1',
      'claude-haiku-4-5',
      'claude-opus-4-6',
    ]
    expect(models.filter((model) => claude(model).temperatureOrTopP)).toEqual(models.slice(2))
  })

  test('is the same wherever it is, under whatever name, and takes back its own thoughts only', () => {
    const names = ['us.anthropic.claude-opus-4-7-v1:0', 'claude-opus-4-7@20260101', 'Claude-Opus-4.7']
    for (const name of names) {
      const can = claude(name, 'bedrock-converse')
      expect(can).toMatchObject({ reasoning: 'adaptive', prefill: false, seals: 'anthropic' })
      expect(can.refuses).toEqual(['temperature', 'topP', 'topK'])
    }
  })

  test('says its version in the body on the clouds, and fetches nothing', () => {
    expect(claude('claude-sonnet-4-5', 'bedrock-invoke')).toMatchObject({
      bodyVersion: 'bedrock-2023-05-31',
      urls: false,
    })
    expect(claude('claude-sonnet-4-5', 'vertex-anthropic')).toMatchObject({
      bodyVersion: 'vertex-2023-10-16',
      urls: false,
    })
    expect(claude('claude-sonnet-4-5')).not.toHaveProperty('bodyVersion')
  })
})

describe('the others on Bedrock', () => {
  test.each<[model: string, can: ModelAbilities]>([
    ['us.amazon.nova-lite-v1:0', { urls: false, reasoning: 'none', schema: 'tool' }],
    ['openai.gpt-oss-120b-1:0', { reasoning: 'effort', mediaInResults: false }],
    ['us.amazon.nova-2-lite-v1:0', { reasoning: 'effort', schema: 'tool' }],
    ['mistral.mistral-large-2407-v1:0', { callIds: 'nine', mediaInResults: false }],
    ['amazon.titan-text-express-v1', { instructionsField: false, tools: false }],
    ['meta.llama3-70b-instruct-v1:0', { tools: false }],
  ])('%s', (model, can) => {
    expect(of('bedrock', model, { dialect: 'bedrock-converse' })).toMatchObject(can)
  })

  test('newer models of Llama take tools', () => {
    expect(of('bedrock', 'us.meta.llama3-3-70b-instruct-v1:0', { dialect: 'bedrock-converse' }).tools).toBeUndefined()
  })
})

describe('Gemini', () => {
  test.each<[model: string, can: ModelAbilities]>([
    ['gemini-1.5-pro', { thinkingLevels: false, reasoning: 'none', jsonSchema: false, thinkingCanBeOff: true }],
    ['gemini-2.0-flash', { thinkingLevels: false, reasoning: 'none', jsonSchema: false, thinkingCanBeOff: true }],
    ['gemini-2.5-flash', { thinkingLevels: false, reasoning: 'budget' }],
    ['gemini-2.5-pro', { thinkingLevels: false, reasoning: 'budget', thinkingCanBeOff: false }],
    ['gemini-3-pro-preview', { thinkingLevels: true, reasoning: 'effort', efforts: ['low', 'high'] }],
    ['gemini-3.1-pro', { thinkingLevels: true, efforts: ['low', 'medium', 'high'] }],
    ['gemini-3.6-flash', { thinkingLevels: true, reasoning: 'effort' }],
    ['gemini-flash-latest', { thinkingLevels: true, reasoning: 'effort' }],
    ['gemma-3-27b-it', { instructionsField: false, reasoning: 'none', thinkingLevels: false }],
  ])('%s', (model, can) => {
    expect(google(model)).toMatchObject(can)
    expect(of('vertex', model, { dialect: 'gemini' })).toMatchObject(can)
  })

  test('2.5 and Flash can be told not to think, Pro cannot', () => {
    const models = ['gemini-2.5-pro', 'gemini-3-pro-preview', 'gemini-3.1-pro', 'gemini-2.5-flash', 'gemini-3.6-flash']
    expect(models.filter((model) => google(model).thinkingCanBeOff === false)).toEqual(models.slice(0, 3))
  })

  test('labels and log probabilities are refused but by Vertex', () => {
    expect(google('gemini-3-pro').refuses).toEqual(['metadata', 'logprobs'])
    expect(of('vertex', 'gemini-3-pro', { dialect: 'gemini' }).refuses).toBeUndefined()
  })
})

describe('names that clients make up', () => {
  test('are looked up once', () => {
    expect(of('openai', 'gpt-5')).toBe(of('openai', 'gpt-5'))
  })

  test('without end, and endless ones, cost no memory', () => {
    for (let number = 0; number < 5_000; number++) of('openai', `made-up-${number}`)
    expect(of('openai', 'gpt-5'.repeat(1_000_000)).reasoning).toBe('effort')
    expect(of('openai', 'gpt-5').reasoning).toBe('effort')
  })
})
