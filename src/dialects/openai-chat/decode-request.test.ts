import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChatRequest, Message, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { decodeRequest as decode } from './decode-request.ts'

const decodeRequest = (body: unknown): ChatRequest => decode(body, { model: '', stream: false })
const messageOf = (message: object): Message => decodeRequest({ messages: [message] }).messages[0] as Message
const partsOf = (message: object): readonly Part[] => messageOf({ role: 'user', ...message }).parts
const plain = (parts: readonly Part[]): object[] => parts.map(({ extra: _, ...part }) => part)

describe('a request', () => {
  test('has a model, messages and tools, old and new', () => {
    const schema = { type: 'object' }
    const request = decodeRequest({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'Hi', name: 'ann' }],
      tools: [
        { type: 'function', function: { name: 'f', description: 'does', parameters: schema, strict: true } },
        { type: 'custom', custom: { name: 'c', description: 'too' } },
        { type: 'openrouter:web_search', parameters: { max_uses: 1 } },
      ],
      functions: [{ name: 'old', parameters: schema }],
      web_search_options: { search_context_size: 'low' },
    })
    expect(request).toMatchObject({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', name: 'ann', parts: [{ kind: 'text', text: 'Hi' }] }],
      tools: [
        { kind: 'function', name: 'f', description: 'does', schema, strict: true },
        { kind: 'custom', name: 'c', description: 'too' },
        { kind: 'server', name: 'web_search', dialect: 'openai-chat' },
        { kind: 'function', name: 'old', schema },
        { kind: 'server', name: 'web_search', dialect: 'openai-chat' },
      ],
    })
  })

  test.each([
    {},
    { messages: null, tools: null },
    { messages: 'Hi', tools: {}, functions: 3 },
    { messages: [null, 3] },
  ])('such as %j is read as far as it goes', (body) => {
    expect(decodeRequest(body)).toMatchObject({ model: '', stream: false, messages: [], tools: [], settings: {} })
  })

  test.each([null, 'Hi', [], 3])('that is %j is refused', (body) => {
    expect(() => decodeRequest(body)).toThrow(GatewayError)
  })

  test.each([
    ['system', 'system'],
    ['developer', 'developer'],
    ['user', 'user'],
    ['assistant', 'assistant'],
    ['tool', 'tool'],
    ['function', 'tool'],
    ['constructor', 'user'],
    [undefined, 'user'],
  ])('with the role %s has a message of %s', (role, expected) => {
    expect(messageOf({ role, content: 'Hi' }).role).toBe(expected)
  })

  test('has its settings in our words', () => {
    const { settings, format, parallelToolCalls } = decodeRequest({
      max_tokens: 5,
      temperature: 0,
      top_p: 1,
      top_k: 3,
      frequency_penalty: -1,
      presence_penalty: 1,
      random_seed: 7,
      stop: 'x',
      n: 2,
      logprobs: true,
      top_logprobs: 4,
      logit_bias: { '50256': -100 },
      verbosity: 'low',
      modalities: ['TEXT', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
      safety_identifier: 'u',
      metadata: { a: 'b' },
      service_tier: 'flex',
      store: false,
      prompt_cache_key: 'k',
      stream_options: { include_usage: true },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
    })
    expect(settings).toEqual({
      maxTokens: 5,
      temperature: 0,
      topP: 1,
      topK: 3,
      frequencyPenalty: -1,
      presencePenalty: 1,
      seed: 7,
      stop: ['x'],
      choices: 2,
      logprobs: 4,
      logitBias: { '50256': -100 },
      verbosity: 'low',
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
      user: 'u',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      store: false,
      cacheKey: 'k',
      includeUsage: true,
    })
    expect(format).toEqual({ kind: 'schema', name: 's', schema: { type: 'object' }, strict: true })
    expect(parallelToolCalls).toBe(false)
  })

  test('takes the newer of two limits', () => {
    expect(decodeRequest({ max_tokens: 5, max_completion_tokens: 9 }).settings.maxTokens).toBe(9)
  })

  test('keeps what nobody understands, be it a name or a value', () => {
    const fields = { provider: { order: ['a'] }, temperature: 'hot', logit_bias: 3, tool_choice: 'maybe' }
    expect(decodeRequest({ ...fields, seed: null }).extra).toEqual({ dialect: 'openai-chat', fields })
  })

  test.each<[written: unknown, choice: unknown]>([
    ['none', { mode: 'none' }],
    ['auto', { mode: 'auto' }],
    ['required', { mode: 'required' }],
    ['any', { mode: 'required' }],
    [
      { type: 'function', function: { name: 'f' } },
      { mode: 'required', names: ['f'] },
    ],
    [
      { type: 'custom', custom: { name: 'c' } },
      { mode: 'required', names: ['c'] },
    ],
    [{ name: 'old' }, { mode: 'required', names: ['old'] }],
    [
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
      },
      { mode: 'auto', names: ['f'], isList: true },
    ],
    [{ odd: 1 }, undefined],
  ])('with the tool choice %j', (written, choice) => {
    expect(decodeRequest({ tool_choice: written }).toolChoice).toEqual(choice)
  })

  test.each<[fields: object, wish: object]>([
    [{ reasoning_effort: 'high' }, { effort: 'high' }],
    [{ reasoning: { effort: 'low', exclude: true } }, { effort: 'low', shown: false }],
    [{ reasoning: { max_tokens: 2000 } }, { budget: 2000 }],
    [{ reasoning: { enabled: false } }, { mode: 'off' }],
    [{ thinking: { type: 'enabled', budget_tokens: 9 } }, { mode: 'on', budget: 9 }],
    [{ thinking: { type: 'disabled' } }, { mode: 'off' }],
    [
      { enable_thinking: true, thinking_budget: 9 },
      { mode: 'on', budget: 9 },
    ],
    [{ chat_template_kwargs: { enable_thinking: false } }, { mode: 'off' }],
    [{ reasoning_format: 'hidden' }, { shown: false }],
    [
      { extra_body: { google: { thinking_config: { thinking_level: 'low', include_thoughts: true } } } },
      { effort: 'low', shown: true },
    ],
  ])('that wishes %j', (fields, wish) => {
    expect(decodeRequest(fields).reasoning).toMatchObject(wish)
  })
})

describe('a message', () => {
  const png = 'iVBORw0KGgo='
  test.each<[what: string, wire: unknown, part: object]>([
    ['text', { type: 'text', text: 'a' }, { kind: 'text', text: 'a' }],
    ['a bare text', 'a', { kind: 'text', text: 'a' }],
    ['a refusal', { type: 'refusal', refusal: 'no' }, { kind: 'refusal', text: 'no' }],
    [
      'a marked text',
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
      { kind: 'text', text: 'a', cache: { ttl: '1h' } },
    ],
    [
      "a text with OpenAI's mark",
      { type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } },
      { kind: 'text', text: 'a', cache: {} },
    ],
    [
      'an image',
      { type: 'image_url', image_url: { url: 'u', detail: 'low' } },
      { kind: 'image', source: { kind: 'url', url: 'u' }, detail: 'low' },
    ],
    [
      'an image as data that is called something else',
      { type: 'image_url', image_url: { url: `DATA:image/jpg;base64,${png}` } },
      { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: png } },
    ],
    [
      'an image that is only its address',
      { type: 'image_url', image_url: 'u' },
      { kind: 'image', source: { kind: 'url', url: 'u' } },
    ],
    ['an image without one', { type: 'image_url' }, { kind: 'image', source: { kind: 'url', url: '' } }],
    [
      'audio',
      { type: 'input_audio', input_audio: { data: 'dA==', format: 'mp3' } },
      { kind: 'audio', source: { kind: 'data', mediaType: 'audio/mpeg', data: 'dA==' } },
    ],
    [
      'audio by its address',
      { type: 'input_audio', input_audio: 'https://a/b.mp3' },
      { kind: 'audio', source: { kind: 'url', url: 'https://a/b.mp3' } },
    ],
    [
      'a video',
      { type: 'video_url', video_url: { url: 'https://a/b' } },
      { kind: 'video', source: { kind: 'url', url: 'https://a/b' } },
    ],
    [
      'a file with bare data',
      { type: 'file', file: { file_data: 'dA==', filename: 'f.txt' } },
      { kind: 'document', source: { kind: 'data', mediaType: 'text/plain', data: 'dA==' }, title: 'f.txt' },
    ],
    [
      'a file by its id',
      { type: 'file', file: { file_id: 'i' } },
      { kind: 'document', source: { kind: 'file', dialect: 'openai-chat', id: 'i' } },
    ],
    [
      'what nobody knows',
      { type: 'odd', odd: 'v' },
      { kind: 'opaque', dialect: 'openai-chat', value: { type: 'odd', odd: 'v' } },
    ],
  ])('of %s', (_what, wire, part) => {
    expect(plain(partsOf({ content: [wire] }))).toEqual([part])
  })

  test.each([null, undefined, '', []])('of %j is empty', (content) => {
    for (const role of ['user', 'system', 'assistant']) expect(partsOf({ role, content })).toEqual([])
  })

  test('of the assistant has its reasoning, its words and its calls, in this order', () => {
    const message = {
      role: 'assistant',
      tool_calls: [
        { id: 'a', function: { name: 'f', arguments: '{' } },
        { id: 'b', type: 'custom', custom: { name: 'c', input: 'x' } },
      ],
      refusal: 'no',
      reasoning_content: 'hm',
    }
    const parts = [
      { kind: 'reasoning', text: 'hm' },
      { kind: 'text', text: 'Hi' },
      { kind: 'refusal', text: 'no' },
      { kind: 'tool-call', id: 'a', name: 'f', arguments: '{' },
      { kind: 'tool-call', id: 'b', name: 'c', arguments: 'x', custom: true },
    ]
    expect(plain(partsOf({ ...message, content: 'Hi' }))).toEqual(parts)
    expect(plain(partsOf({ ...message, content: [{ type: 'text', text: 'Hi' }] }))).toEqual(parts)
  })

  test('of the assistant with what it said aloud refers to it', () => {
    expect(partsOf({ role: 'assistant', audio: { id: 'audio_1' } })).toEqual([
      { kind: 'audio', source: { kind: 'file', dialect: 'openai-chat', id: 'audio_1' } },
    ])
  })

  test('of the time before tools has its call, and the result under the same id', () => {
    const { messages } = decodeRequest({
      messages: [
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: '7' },
      ],
    })
    const [[call], [result]] = messages.map(({ parts }) => parts) as [[Part], [Part]]
    expect(call).toMatchObject({ kind: 'tool-call', name: 'f', arguments: '{}' })
    expect(result).toMatchObject({ kind: 'tool-result', name: 'f', parts: [{ kind: 'text', text: '7' }] })
    expect(call.kind === 'tool-call' && result.kind === 'tool-result' && result.callId === call.id).toBe(true)
  })

  test('with the result of a tool says whose it is', () => {
    expect(partsOf({ role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: '7' }] })).toEqual([
      { kind: 'tool-result', callId: 'a', parts: [{ kind: 'text', text: '7' }] },
    ])
  })

  test('that is marked as a whole is marked at its end', () => {
    const mark = { cache_control: { type: 'ephemeral' } }
    expect(
      partsOf({
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        ...mark,
      }),
    ).toMatchObject([{ text: 'a' }, { text: 'b', cache: {} }])
    const calls = [{ id: 'a', function: { name: 'f', arguments: '{}' }, ...mark }]
    expect(partsOf({ role: 'assistant', tool_calls: calls })).toMatchObject([{ kind: 'tool-call', cache: {} }])
  })

  test('whose arguments are an object shows them as they were written', () => {
    const calls = [{ id: 1, function: { name: 'f', arguments: { a: 1 } } }]
    expect(partsOf({ role: 'assistant', tool_calls: calls })).toEqual([
      { kind: 'tool-call', id: '1', name: 'f', arguments: '{"a":1}' },
    ])
  })
})

test('whatever a client sends, it is read or refused, and no prototype is touched', () => {
  const json = fc.json({ maxDepth: 6 }).map((text) => JSON.parse(text) as unknown)
  const names = [
    'role',
    'content',
    'tool_calls',
    'function_call',
    'reasoning_details',
    'audio',
    'cache_control',
    '__proto__',
  ]
  const message = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(json, fc.constantFrom('assistant', 'tool', 'function')),
  )
  const near = fc.record(
    {
      messages: fc.array(message),
      tools: fc.array(json),
      stop: json,
      reasoning: json,
      tool_choice: json,
      metadata: json,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(json, near), (body) => {
      try {
        decodeRequest(body)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GatewayError)
      }
      expect(Object.keys(Object.prototype)).toEqual([])
    }),
    { numRuns: 500 },
  )
})
