import { describe, expect, test } from 'vitest'
import type { ChatRequest, Message, Part, ReasoningWish } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { countTokensRequest } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

const text = (value: string): Part => ({ kind: 'text', text: value })
const user = (value: string): Message => ({ role: 'user', parts: [text(value)] })
const call = (id: string, name = 'weather', args = '{"city":"Rome"}'): Part => ({
  kind: 'tool-call',
  id,
  name,
  arguments: args,
})
const result = (callId: string, value = 'Sunny'): Part => ({ kind: 'tool-result', callId, parts: [text(value)] })
const weather = { kind: 'function', name: 'weather', schema: { type: 'object', properties: {} } } as const

const chat = (request: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'claude',
  stream: false,
  messages: [user('Hello')],
  tools: [],
  settings: {},
  ...request,
})

const sent = (request: Partial<ChatRequest>, abilities: Abilities = {}) => encodeRequest(chat(request), abilities)
const messages = (list: readonly Message[], abilities: Abilities = {}) =>
  sent({ messages: list }, abilities).body.messages
const wire = (body: Record<string, unknown>) => decodeRequest(body, { model: 'claude', stream: false })

describe('turns', () => {
  test('results of tools stand in one message directly after their calls, before what the user says', () => {
    expect(
      messages([
        user('Where?'),
        { role: 'assistant', parts: [call('a'), call('b')] },
        { role: 'tool', parts: [result('b', 'Rain')] },
        user('And tomorrow?'),
        { role: 'tool', parts: [result('a')] },
      ]),
    ).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Where?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Rome' } },
          { type: 'tool_use', id: 'b', name: 'weather', input: { city: 'Rome' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'Rain' }] },
          { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'Sunny' }] },
          { type: 'text', text: 'And tomorrow?' },
        ],
      },
    ])
  })

  test('a call without a result gets one that says so, and a result without its call becomes text', () => {
    const [, , third] = messages([
      user('Where?'),
      { role: 'assistant', parts: [call('a')] },
      { role: 'tool', parts: [result('gone', 'Late')] },
    ]) as { content: Record<string, unknown>[] }[]
    expect(third?.content).toMatchObject([
      { type: 'tool_result', tool_use_id: 'a', is_error: true },
      { type: 'text', text: 'Result of an earlier call:' },
      { type: 'text', text: 'Late' },
    ])
  })

  test('ids that Claude refuses, that are missing or come again are mapped in call and result alike', () => {
    const list = messages([
      user('Where?'),
      { role: 'assistant', parts: [call('functions.weather:0')] },
      { role: 'tool', parts: [result('functions.weather:0')] },
      { role: 'assistant', parts: [call('functions.weather:0')] },
      { role: 'tool', parts: [result('functions.weather:0')] },
      { role: 'assistant', parts: [call('')] },
      { role: 'tool', parts: [{ ...result(''), name: 'weather' } as Part] },
    ]) as { content: { id?: string; tool_use_id?: string; is_error?: boolean }[] }[]
    const ids = list.flatMap(({ content }) => content.flatMap(({ id }) => id ?? []))
    const answered = list.flatMap(({ content }) => content.flatMap(({ tool_use_id }) => tool_use_id ?? []))
    expect(ids).toEqual(answered)
    expect(new Set(ids).size).toBe(3)
    expect(ids.every((id) => /^[a-zA-Z0-9_-]{1,64}$/.test(id))).toBe(true)
    expect(list.flatMap(({ content }) => content).some(({ is_error }) => is_error)).toBe(false)
  })

  test('arguments become an object whatever they were', () => {
    const inputs = ['', '{}', '{"a":1}', '[1]', 'oops'].map((args) => {
      const [, turn] = messages([user('x'), { role: 'assistant', parts: [call('a', 'weather', args)] }]) as {
        content: { input: unknown }[]
      }[]
      return turn?.content[0]?.input
    })
    expect(inputs).toEqual([{}, {}, { a: 1 }, { input: [1] }, { input: 'oops' }])
  })

  test('empty and blank texts are left out, their cache marks kept, and turns of one role joined', () => {
    expect(
      messages([
        { role: 'user', parts: [text('One'), { kind: 'text', text: ' \n', cache: {} }] },
        { role: 'assistant', parts: [text('')] },
        { role: 'user', parts: [text('Two')] },
      ]),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One', cache_control: { type: 'ephemeral' } },
          { type: 'text', text: 'Two' },
        ],
      },
    ])
  })

  test('instructions come first; in mid-conversation they stay where they are if the model takes them there', () => {
    const list: readonly Message[] = [
      { role: 'system', parts: [text('Be brief.')] },
      { role: 'developer', parts: [text('Be kind.')] },
      user('Hello'),
      { role: 'assistant', parts: [text('Hi')] },
      { role: 'system', parts: [text('Be sad.')] },
      user('Bye'),
    ]
    const { body } = sent({ messages: list })
    expect(body.system).toEqual([
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ])
    expect((body.messages as Message[]).map(({ role }) => role)).toEqual(['user', 'assistant', 'system', 'user'])
    const [, , last] = messages(list, { systemMidway: false }) as { content: unknown }[]
    expect(last?.content).toEqual([
      { type: 'text', text: '<system>\nBe sad.\n</system>' },
      { type: 'text', text: 'Bye' },
    ])
  })

  test('a conversation of nothing but instructions, or one that the assistant begins, gets a turn of the user', () => {
    expect(messages([{ role: 'system', parts: [text('Be brief.')] }])).toMatchObject([{ role: 'user' }])
    expect(messages([{ role: 'assistant', parts: [text('Hi')] }, user('Hello')])).toMatchObject([
      { role: 'user' },
      { role: 'assistant' },
      { role: 'user' },
    ])
  })

  test('the beginning of an answer loses its blanks, and where it is refused the user asks to go on', () => {
    const list: readonly Message[] = [user('Count'), { role: 'assistant', parts: [text('One, two, \n')] }]
    expect(messages(list)).toMatchObject([{}, { content: [{ text: 'One, two,' }] }])
    const { body, dropped } = sent({ messages: list }, { prefill: false })
    expect(body.messages).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'user' }])
    expect(dropped).toEqual(['prefill'])
  })

  test('what Claude has no place for is named', () => {
    const { dropped } = sent({
      messages: [
        {
          role: 'user',
          name: 'Ann',
          parts: [
            { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'AAAA' } },
            { kind: 'image', source: { kind: 'url', url: 'https://x/y.png' }, detail: 'high' },
            { kind: 'image', source: { kind: 'file', dialect: 'openai-chat', id: 'file_1' } },
            { kind: 'opaque', dialect: 'gemini', value: {} },
            text('Hello'),
          ],
          extra: { dialect: 'openai-chat', fields: { mood: 'good' }, echo: { id: 'x' } },
        },
      ],
      settings: { seed: 1, choices: 2, logitBias: {}, frequencyPenalty: 0, temperature: 1.5, serviceTier: 'flex' },
    })
    expect([...dropped].sort()).toEqual(
      [
        'messages[0].name',
        'messages[0].audio',
        'messages[0].image.detail',
        'messages[0].image',
        'messages[0].opaque',
        'mood',
        'seed',
        'choices',
        'temperature',
        'serviceTier',
      ].sort(),
    )
  })

  test('pictures in results stand there, or behind them where results are only text', () => {
    const list: readonly Message[] = [
      user('Look'),
      { role: 'assistant', parts: [call('a')] },
      {
        role: 'tool',
        parts: [
          {
            kind: 'tool-result',
            callId: 'a',
            parts: [text('Here'), { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'iVBO' } }],
          },
        ],
      },
    ]
    expect(messages(list)).toMatchObject([{}, {}, { content: [{ content: [{ type: 'text' }, { type: 'image' }] }] }])
    expect(messages(list, { mediaInResults: false })).toMatchObject([
      {},
      {},
      { content: [{ content: [{ type: 'text' }] }, { type: 'image' }] },
    ])
  })

  test('of too many cache marks the earliest go', () => {
    const parts = Array.from({ length: 6 }, (_, index): Part => ({ kind: 'text', text: `${index}`, cache: {} }))
    const [turn] = messages([{ role: 'user', parts }]) as { content: { cache_control?: unknown }[] }[]
    expect(turn?.content.map(({ cache_control }) => cache_control !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ])
  })
})

describe('thoughts', () => {
  const sealed: Part = { kind: 'reasoning', text: 'Hm.', seal: { by: 'anthropic', value: 'sig' } }
  const hidden: Part = { kind: 'reasoning', text: '', seal: { by: 'anthropic', value: 'sig2' } }
  const redacted: Part = { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'enc' } }
  const foreign: Part = { kind: 'reasoning', text: 'Hm.', seal: { by: 'openai', value: 'enc' } }
  const turn = (...parts: Part[]): readonly Message[] => [
    user('Where?'),
    { role: 'assistant', parts: [...parts, call('a')] },
    { role: 'tool', parts: [result('a')] },
  ]
  const thinking: ReasoningWish = { mode: 'on', budget: 2000 }

  test('Claude gets its own back, those without words and hidden ones too, in their order', () => {
    const { body, dropped } = sent(
      { messages: turn(sealed, hidden, redacted), reasoning: thinking },
      { reasoning: 'budget' },
    )
    expect(body.messages).toMatchObject([
      {},
      {
        content: [
          { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
          { type: 'thinking', thinking: '', signature: 'sig2' },
          { type: 'redacted_thinking', data: 'enc' },
          { type: 'tool_use' },
        ],
      },
      {},
    ])
    expect(body.thinking).toEqual({ type: 'enabled', budget_tokens: 2000 })
    expect(dropped).toEqual([])
  })

  test('those of others are never sent, and Claude cannot think in a turn whose thoughts are missing', () => {
    const { body, dropped } = sent({ messages: turn(foreign), reasoning: thinking }, { reasoning: 'budget' })
    expect(JSON.stringify(body)).not.toContain('enc')
    expect(body.thinking).toEqual({ type: 'disabled' })
    expect(dropped).toEqual(['messages[1].reasoning', 'reasoning'])
    const thinkingAfter = (...more: readonly Message[]) =>
      sent({ messages: [...turn(foreign), ...more], reasoning: thinking }, { reasoning: 'budget' }).body.thinking
    // Words beside the results need not begin another turn.
    expect(thinkingAfter(user('And?'))).toEqual({ type: 'disabled' })
    expect(thinkingAfter({ role: 'assistant', parts: [{ kind: 'text', text: 'Done.' }] }, user('And?'))).toEqual({
      type: 'enabled',
      budget_tokens: 2000,
    })
  })

  test('a host that wants thoughts back gets them without a seal', () => {
    const list = messages(turn({ kind: 'reasoning', text: 'Hm.' }), { wantsThoughts: true })
    expect(list).toMatchObject([{}, { content: [{ type: 'thinking', thinking: 'Hm.', signature: '' }, {}] }, {}])
  })

  test.each<[ReasoningWish, Abilities, Record<string, unknown>]>([
    [{ effort: 'high' }, {}, { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }],
    [{ effort: 'minimal' }, {}, { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }],
    [
      { effort: 'low' },
      { reasoning: 'budget' },
      { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 9216 - 1024 },
    ],
    [
      { effort: 'high' },
      { reasoning: 'budget' },
      { thinking: { type: 'enabled', budget_tokens: 16_384 }, max_tokens: 16_384 + 8192 },
    ],
    [{ budget: 100 }, { reasoning: 'budget' }, { thinking: { type: 'enabled', budget_tokens: 1024 } }],
    [
      { budget: 20_000 },
      { reasoning: 'adaptive' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    ],
    [{ budget: -1 }, { reasoning: 'adaptive' }, { thinking: { type: 'adaptive' }, output_config: undefined }],
    [{ effort: 'none' }, {}, { thinking: { type: 'disabled' } }],
    [{ budget: 0 }, { thinkingCanBeOff: false }, { thinking: undefined, output_config: { effort: 'low' } }],
    [{ effort: 'high' }, { reasoning: 'none' }, { thinking: undefined, output_config: undefined }],
    [{ effort: 'low', summary: 'auto' }, {}, { thinking: { type: 'adaptive', display: 'summarized' } }],
    [{ effort: 'medium' }, { reasoning: 'effort' }, { thinking: undefined, output_config: { effort: 'medium' } }],
  ])('%j for a model of %j', (reasoning, abilities, expected) => {
    const { body } = sent({ reasoning }, abilities)
    expect({ ...body, thinking: body.thinking, output_config: body.output_config }).toMatchObject(expected)
  })

  test('a limit that the model has is kept when thoughts need room', () => {
    const { body } = sent(
      { reasoning: { effort: 'max' }, settings: { maxTokens: 1000 } },
      { reasoning: 'budget', defaultMaxTokens: 32_000 },
    )
    expect(body).toMatchObject({ max_tokens: 32_000, thinking: { budget_tokens: 16_000 } })
  })

  test('who thinks has no say in sampling, nor has to call a tool', () => {
    const { body, dropped } = sent(
      { reasoning: { effort: 'low' }, settings: { temperature: 0.2, topK: 5, topP: 0.5 } },
      {},
    )
    expect(body).not.toHaveProperty('temperature')
    expect(body).not.toHaveProperty('top_k')
    expect(body).not.toHaveProperty('top_p')
    expect(dropped).toEqual(['temperature', 'topP', 'topK'])
    const forced = sent(
      { reasoning: thinking, tools: [weather], toolChoice: { mode: 'required' } },
      { reasoning: 'budget' },
    )
    expect(forced.body).toMatchObject({ thinking: { type: 'disabled' }, tool_choice: { type: 'any' } })
    expect(forced.dropped).toEqual(['reasoning'])
  })
})

describe('tools', () => {
  test('no parameters are an empty object, a root of alternatives becomes one, strict schemas are closed', () => {
    const { body, dropped } = sent({
      tools: [
        { kind: 'function', name: 'now' },
        {
          kind: 'function',
          name: 'either',
          schema: {
            anyOf: [
              { type: 'object', properties: { a: { type: 'string' }, c: {} }, required: ['a', 'c'] },
              { type: 'object', properties: { b: { type: 'string' }, c: {} }, required: ['b', 'c'] },
            ],
          },
        },
        {
          kind: 'function',
          name: 'strict',
          strict: true,
          schema: { type: 'object', properties: { n: { type: 'integer', minimum: 1, description: 'How many' } } },
        },
      ],
    })
    expect(body.tools).toEqual([
      { name: 'now', input_schema: { type: 'object', properties: {} } },
      {
        name: 'either',
        input_schema: {
          type: 'object',
          properties: { a: { type: 'string' }, b: { type: 'string' }, c: {} },
          required: ['c'],
        },
      },
      {
        name: 'strict',
        strict: true,
        input_schema: {
          type: 'object',
          properties: { n: { type: 'integer', description: 'How many (minimum: 1)' } },
          additionalProperties: false,
        },
      },
    ])
    expect(dropped).toEqual([])
  })

  test('a name that Claude refuses is refused with the rule', () => {
    expect(() => sent({ tools: [{ kind: 'function', name: 'files.read' }] })).toThrow(/files\.read/)
  })

  test.each<[Partial<ChatRequest>, unknown]>([
    [{ toolChoice: { mode: 'none' } }, { type: 'none' }],
    [{ toolChoice: { mode: 'required' } }, { type: 'any' }],
    [{ toolChoice: { mode: 'required', names: ['weather'] } }, { type: 'tool', name: 'weather' }],
    [{ parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { toolChoice: { mode: 'required' }, parallelToolCalls: false },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{}, undefined],
  ])('%j is told as %j', (choice, expected) => {
    expect(sent({ tools: [weather], ...choice }).body.tool_choice).toEqual(expected)
    expect(sent(choice).body).not.toHaveProperty('tool_choice')
  })

  test('a choice among some tools leaves out the others', () => {
    const { body } = sent({
      tools: [weather, { kind: 'function', name: 'time' }],
      toolChoice: { mode: 'auto', names: ['time'], isList: true },
    })
    expect(body).toMatchObject({ tools: [{ name: 'time' }], tool_choice: { type: 'auto' } })
  })

  test('the search of others is told as that of Claude; what it has not is named', () => {
    const { body, dropped } = sent({
      tools: [
        {
          kind: 'server',
          name: 'web_search',
          dialect: 'openai-responses',
          value: {
            type: 'web_search',
            filters: { allowed_domains: ['a.org'] },
            user_location: { type: 'approximate', city: 'Rome' },
          },
        },
        { kind: 'server', name: 'file_search', dialect: 'openai-responses', value: {} },
      ],
    })
    expect(body.tools).toEqual([
      {
        type: 'web_search_20250305',
        name: 'web_search',
        allowed_domains: ['a.org'],
        user_location: { type: 'approximate', city: 'Rome' },
      },
    ])
    expect(dropped).toEqual(['tools[1].file_search'])
  })
})

describe('the form of the answer', () => {
  const format = {
    kind: 'schema',
    name: 'city',
    schema: { type: 'object', properties: { name: { type: 'string' } } },
  } as const

  test('is told in its own field, as a tool that has to be called, or in words', () => {
    expect(sent({ format }).body.output_config).toEqual({
      format: {
        type: 'json_schema',
        schema: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
      },
    })
    expect(sent({ format }, { schema: 'tool' }).body).toMatchObject({
      tools: [{ name: 'trunkline_answer', input_schema: format.schema }],
      tool_choice: { type: 'tool', name: 'trunkline_answer' },
    })
    expect(sent({ format, tools: [weather] }, { schema: 'tool' }).body.tool_choice).toEqual({ type: 'any' })
    const told = sent({ format }, { schema: 'none' })
    expect(told.body.system).toContain('"name"')
    expect(told.dropped).toEqual(['format'])
    expect(sent({ format: { kind: 'json' } }).body.system).toContain('JSON')
  })

  test('a list as the answer becomes a member of the input', () => {
    const { body } = sent({ format: { kind: 'schema', schema: { type: 'array' } } }, { schema: 'tool' })
    expect(body.tools).toMatchObject([{ name: 'trunkline_wrapped_answer', input_schema: { required: ['answer'] } }])
  })
})

describe('the body', () => {
  test('has a limit, no empty fields, and no more', () => {
    expect(sent({ settings: { stop: ['', ' '] } })).toEqual({
      body: {
        model: 'claude',
        max_tokens: 8192,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
      },
      dropped: ['stop'],
    })
    expect(sent({}, { defaultMaxTokens: 64_000 }).body.max_tokens).toBe(64_000)
    expect(sent({ settings: { maxTokens: 0 } }).body.max_tokens).toBe(0)
  })

  test('says its version inside on the clouds, and the model in the address', () => {
    const { body } = sent({ stream: true }, { bodyVersion: 'bedrock-2023-05-31' })
    expect(body).toMatchObject({ anthropic_version: 'bedrock-2023-05-31' })
    expect(body).not.toHaveProperty('model')
    expect(body).not.toHaveProperty('stream')
    expect(sent({ stream: true }, { bodyVersion: 'vertex-2023-10-16' }).body.stream).toBe(true)
  })

  test('leaves out what the model refuses', () => {
    const { body, dropped } = sent({ settings: { temperature: 0.5, topK: 3 } }, { refuses: ['temperature', 'topK'] })
    expect(body).not.toHaveProperty('temperature')
    expect(dropped).toEqual(['temperature', 'topK'])
  })

  test('to be counted is the same without what counts nothing', () => {
    const { body } = countTokensRequest(
      chat({ stream: true, settings: { temperature: 1, stop: ['x'] }, tools: [weather] }),
      {},
    )
    expect(Object.keys(body).sort()).toEqual(['messages', 'model', 'tools'])
  })

  test('of a client that speaks this dialect is the same again', () => {
    const body = {
      model: 'claude',
      max_tokens: 4096,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
            {
              type: 'document',
              source: { type: 'content', content: [{ type: 'text', text: 'A' }] },
              title: 'T',
              context: 'C',
              citations: { enabled: true },
            },
            {
              type: 'search_result',
              source: 'https://x',
              title: 'X',
              content: [{ type: 'text', text: 'Found' }],
              citations: { enabled: false },
            },
            { type: 'container_upload', file_id: 'file_1' },
            { type: 'tomorrows_block', with: { fields: [1] } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: '', signature: 'sig' },
            { type: 'redacted_thinking', data: 'enc' },
            { type: 'server_tool_use', id: 'srv', name: 'web_search', input: { query: 'x' } },
            { type: 'web_search_tool_result', tool_use_id: 'srv', content: [] },
            { type: 'text', text: 'Hi', citations: [{ type: 'char_location', cited_text: 'A', document_index: 0 }] },
            {
              type: 'tool_use',
              id: 'toolu_1',
              name: 'files.read',
              input: {},
              caller: { type: 'direct' },
              cache_control: { type: 'ephemeral' },
            },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              is_error: true,
              content: [{ type: 'tool_reference', tool_name: 'x' }],
            },
            { type: 'text', text: 'Go', tomorrow: true },
          ],
        },
        { role: 'system', content: [{ type: 'text', text: 'Be sad.' }] },
      ],
      tools: [
        { name: 'files.read', input_schema: { anyOf: [] }, type: 'custom', defer_loading: true, strict: true },
        { type: 'memory_20250818', name: 'memory' },
        { type: 'mcp_toolset', mcp_server_name: 'x' },
      ],
      tool_choice: { type: 'auto', disable_parallel_tool_use: false },
      thinking: { type: 'enabled', budget_tokens: 2000, display: 'omitted' },
      output_config: { effort: 'xhigh', format: { type: 'json_schema', schema: { type: 'object' } }, tomorrow: 1 },
      metadata: { user_id: 'u', tenant: 't' },
      service_tier: 'standard_only',
      stop_sequences: ['END'],
      stream: true,
      mcp_servers: [{ type: 'url', url: 'https://x' }],
      context_management: { edits: [] },
      cache_control: { type: 'ephemeral' },
    }
    const { body: again, dropped } = encodeRequest(wire(body), {})
    expect(again).toEqual(body)
    expect(dropped).toEqual([])
  })

  test('keeps a kind of thinking and an effort that nobody else knows', () => {
    const body = { thinking: { type: 'between_tools' }, output_config: { effort: 'low' }, messages: [], max_tokens: 1 }
    expect(encodeRequest(wire(body), {}).body).toMatchObject({
      thinking: body.thinking,
      output_config: { effort: 'low' },
    })
    const alone = encodeRequest(wire({ output_config: { effort: 'low' }, messages: [] }), {}).body
    expect(alone).not.toHaveProperty('thinking')
  })
})
