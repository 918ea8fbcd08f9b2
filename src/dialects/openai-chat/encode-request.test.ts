import { describe, expect, test } from 'vitest'
import type { ChatRequest, Message, Part, ReasoningWish, Tool } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

const strict: Abilities = { unknownFields: false }

const foreign = (messages: readonly Message[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'm',
  stream: false,
  messages,
  tools: [],
  settings: {},
  ...more,
})
const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const said = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const text = (written: string): Part => ({ kind: 'text', text: written })
const call = (id: string, name = 'f'): Part => ({ kind: 'tool-call', id, name, arguments: '' })
const result = (callId: string, ...parts: Part[]): Message => ({
  role: 'tool',
  parts: [{ kind: 'tool-result', callId, parts }],
})
const image: Part = { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } }
const f: Tool = { kind: 'function', name: 'f', schema: { type: 'object' } }

// biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes in a body.
const bodyOf = (request: ChatRequest, abilities: Abilities = strict): any => encodeRequest(request, abilities).body
const messagesOf = (messages: readonly Message[], abilities?: Abilities): object[] =>
  bodyOf(foreign(messages), abilities).messages
const droppedOf = (request: ChatRequest, abilities: Abilities = strict) => encodeRequest(request, abilities).dropped

describe('what another dialect asks', () => {
  test('is asked in the words of this one', () => {
    const request = foreign([{ role: 'system', parts: [text('Be brief.')] }, user(text('Hi'))], {
      stream: true,
      tools: [f],
      toolChoice: { mode: 'required', names: ['f'] },
      parallelToolCalls: false,
      settings: { maxTokens: 5, temperature: 1, stop: ['x'], choices: 2, logprobs: 0, user: 'u', includeUsage: true },
      format: { kind: 'schema', schema: { type: 'object' }, strict: true },
      reasoning: { effort: 'low' },
    })
    expect(encodeRequest(request, strict)).toEqual({
      body: {
        model: 'm',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
        ],
        stream: true,
        stream_options: { include_usage: true },
        max_completion_tokens: 5,
        temperature: 1,
        stop: ['x'],
        n: 2,
        logprobs: true,
        user: 'u',
        tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
        tool_choice: { type: 'function', function: { name: 'f' } },
        parallel_tool_calls: false,
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
        },
        reasoning_effort: 'low',
      },
      dropped: [],
    })
  })

  test('says nothing of tools where there are none', () => {
    const body = bodyOf(foreign([], { toolChoice: { mode: 'auto' }, parallelToolCalls: true }))
    for (const field of ['tools', 'tool_choice', 'parallel_tool_calls']) expect(body).not.toHaveProperty(field)
  })

  test('shows pictures in results after them, for there is no place in them', () => {
    const messages = [
      said(call('a'), call('b', 'g')),
      result('a', text('see'), image),
      result('b', image),
      user(text('?')),
    ]
    expect(messagesOf(messages)).toMatchObject([
      { role: 'assistant', content: null, tool_calls: [{ id: 'a', function: { arguments: '{}' } }, { id: 'b' }] },
      { role: 'tool', tool_call_id: 'a', content: 'see' },
      { role: 'tool', tool_call_id: 'b', content: '(shown in the next message)' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'From the result of f:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'text', text: 'From the result of g:' },
          { type: 'image_url' },
        ],
      },
      { role: 'user', content: '?' },
    ])
    expect(messagesOf(messages.slice(0, 2), { mediaInResults: true })[1]).toMatchObject({
      content: [{ type: 'text' }, { type: 'image_url' }],
    })
  })

  test('joins calls and results that have no ids', () => {
    const unnamed = { kind: 'tool-result' as const, callId: '', name: 'g', parts: [text('7')] }
    const messages = [said(call(''), call('', 'g')), { role: 'tool' as const, parts: [unnamed] }]
    expect(messagesOf(messages)).toMatchObject([
      { tool_calls: [{ id: 'call_0_0' }, { id: 'call_0_1' }] },
      { tool_call_id: 'call_0_1', content: '7' },
      { tool_call_id: 'call_0_0', content: expect.stringContaining('not run') },
    ])
  })

  test('has the pieces of one answer as one text, and those of a user apart', () => {
    expect(messagesOf([said(text('a'), text('b')), user(text('a'), text('b'))])).toEqual([
      { role: 'assistant', content: 'ab' },
      {
        role: 'user',
        content: [text('a'), text('b')].map((part) => ({ type: 'text', text: (part as { text: string }).text })),
      },
    ])
  })

  test('says documents that are text, and sends the others as files', () => {
    const document = (source: Extract<Part, { kind: 'document' }>['source']): Part => ({
      kind: 'document',
      title: 't',
      source,
    })
    expect(messagesOf([user(document({ kind: 'text', text: 'long' }))])).toEqual([
      { role: 'user', content: 't\n\nlong' },
    ])
    expect(messagesOf([user(document({ kind: 'data', mediaType: 'application/pdf', data: 'AAAA' }))])).toEqual([
      {
        role: 'user',
        content: [{ type: 'file', file: { filename: 't', file_data: 'data:application/pdf;base64,AAAA' } }],
      },
    ])
  })

  test('names what the target cannot take', () => {
    const request = foreign(
      [
        user({ kind: 'video', source: { kind: 'url', url: 'u' } }, { kind: 'opaque', dialect: 'gemini', value: {} }),
        said({ kind: 'reasoning', text: 'hm', seal: { by: 'anthropic', value: 'S' } }, text('a'), call('a')),
        { ...result('a'), parts: [{ kind: 'tool-result', callId: 'a', parts: [], isError: true, cache: {} }] },
      ],
      {
        tools: [f, { kind: 'server', name: 'web_search', dialect: 'anthropic-messages', value: {} }],
        settings: { topK: 3, seed: 1, stop: ['1', '2', '3', '4', '5'] },
        extra: { dialect: 'anthropic-messages', fields: { container: 'c' }, echo: { harmless: true } },
      },
    )
    expect(droppedOf(request, { ...strict, refuses: ['seed'] }).toSorted()).toEqual([
      'cache',
      'container',
      'messages[0].opaque',
      'messages[0].video',
      'messages[1].reasoning',
      'messages[2].isError',
      'seed',
      'stop',
      'tools[1].web_search',
      'topK',
    ])
  })
})

describe('a target of its own kind', () => {
  test.each<[abilities: Abilities, wish: ReasoningWish, fields: object]>([
    [{}, { effort: 'high' }, { reasoning_effort: 'high' }],
    [{}, { budget: 2000 }, { reasoning_effort: 'low' }],
    [{}, { mode: 'off' }, { reasoning_effort: 'none' }],
    [{}, { mode: 'adaptive' }, {}],
    [{ reasoning: 'none' }, { effort: 'high' }, {}],
    [{ thinkingCanBeOff: false }, { mode: 'off' }, {}],
    [{ thinkingField: 'thinking' }, { effort: 'high' }, { thinking: { type: 'enabled' } }],
    [{ thinkingField: 'thinking' }, { mode: 'off' }, { thinking: { type: 'disabled' } }],
    [{ thinkingField: 'thinking' }, { summary: 'auto' }, {}],
    [{ thinkingField: 'enable_thinking' }, { budget: 9 }, { enable_thinking: true, thinking_budget: 9 }],
    [{ thinkingField: 'reasoning' }, { budget: 9, shown: false }, { reasoning: { max_tokens: 9, exclude: true } }],
    [{ thinkingField: 'reasoning' }, { effort: 'none' }, { reasoning: { effort: 'none' } }],
  ])('that is %j is told %j', (abilities, reasoning, fields) => {
    const { messages: _, model: _model, ...body } = bodyOf(foreign([], { reasoning }), abilities)
    expect(body).toEqual(fields)
  })

  test('gets thoughts of earlier turns only in the field that it wants', () => {
    const messages = [said({ kind: 'reasoning', text: 'hm', seal: { by: 'anthropic', value: 'S' } }, call('a'))]
    const thoughts = (abilities: Abilities) => {
      const { reasoning, reasoning_content, reasoning_details } = messagesOf(messages, abilities)[0] as Record<
        string,
        unknown
      >
      return reasoning ?? reasoning_content ?? reasoning_details
    }
    expect(thoughts({})).toBeUndefined()
    expect(thoughts({ wantsThoughts: true })).toBe('hm')
    expect(thoughts({ thoughtsField: 'reasoning' })).toBe('hm')
    const signed = { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, text: 'hm', signature: 'S' }
    expect(thoughts({ thoughtsField: 'reasoning_details' })).toEqual([signed])
    expect(thoughts({ thoughtsField: 'reasoning_details', seals: 'gemini' })).toEqual([
      { type: 'reasoning.text', index: 0, text: 'hm' },
    ])
    expect(messagesOf([said(call('a'))], { wantsThoughts: true })[0]).toMatchObject({ reasoning_content: '' })
  })

  test("gets Gemini's signatures where it is Gemini's", () => {
    const messages = [
      said({ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', seal: { by: 'gemini', value: 'S' } }),
    ]
    const called = (abilities: Abilities) =>
      (messagesOf(messages, abilities)[0] as { tool_calls: object[] }).tool_calls[0]
    expect(called({ seals: 'gemini' })).toMatchObject({ extra_content: { google: { thought_signature: 'S' } } })
    expect(called({})).not.toHaveProperty('extra_content')
    expect(messagesOf(messages, { thoughtsField: 'reasoning_details', seals: 'gemini' })[0]).toMatchObject({
      reasoning_details: [{ type: 'reasoning.encrypted', data: 'S', id: 'a', format: 'google-gemini-v1' }],
    })
  })

  test('has words of its own for roles, limits, seeds, ids and force', () => {
    const request = foreign(
      [{ role: 'developer', parts: [text('Be brief.')] }, said(call('call_12345')), result('call_12345', text('7'))],
      { tools: [f], toolChoice: { mode: 'required' }, settings: { maxTokens: 5, seed: 7 } },
    )
    const mistral: Abilities = {
      instructions: 'system',
      maxTokensField: 'max_tokens',
      seedField: 'random_seed',
      callIds: 'nine',
      requiredWord: 'any',
    }
    const body = bodyOf(request, mistral)
    expect(body).toMatchObject({
      max_tokens: 5,
      random_seed: 7,
      tool_choice: 'any',
      messages: [{ role: 'system' }, {}, {}],
    })
    const [, asked, answered] = body.messages
    expect(asked.tool_calls[0].id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(answered.tool_call_id).toBe(asked.tool_calls[0].id)
  })

  test('may refuse schemas, prefills, instructions midway or at all, and addresses', () => {
    const schema = foreign([], { format: { kind: 'schema', schema: {} } })
    expect(encodeRequest(schema, { schema: 'none' })).toMatchObject({
      body: { response_format: { type: 'json_object' } },
      dropped: ['format'],
    })
    expect(encodeRequest(foreign([user(text('a')), said(text('b'))]), { prefill: false })).toMatchObject({
      body: { messages: [{ role: 'user' }] },
      dropped: ['messages[1]'],
    })
    const midway = [user(text('a')), { role: 'system' as const, parts: [text('b')] }]
    expect(messagesOf(midway, { systemMidway: false })).toMatchObject([{ role: 'user' }, { role: 'user' }])
    expect(messagesOf(midway.toReversed(), { instructionsField: false })).toMatchObject([
      { role: 'user' },
      { role: 'user' },
    ])
    const url = foreign([user({ kind: 'image', source: { kind: 'url', url: 'u' } })])
    expect(droppedOf(url, { urls: false })).toEqual(['messages[0].image'])
  })

  test('gets no ids of calls that are longer than it takes, and the same ones for the results', () => {
    const long = 'x'.repeat(60)
    const [asked, answered] = messagesOf([said(call(long)), result(long)]) as [{ tool_calls: { id: string }[] }, object]
    expect(asked.tool_calls[0]?.id.length).toBeLessThanOrEqual(40)
    expect(answered).toMatchObject({ tool_call_id: asked.tool_calls[0]?.id })
  })
})

describe('what came in this dialect goes out as it came', () => {
  const again = (body: object): object => bodyOf(decodeRequest(body, { model: '', stream: false }), {})
  const messages = [{ role: 'user', content: 'Hi' }]

  test.each<[what: string, fields: object]>([
    ['fields that nobody knows', { provider: { order: ['a'] }, min_p: 0.1, guided_json: {} }],
    ['old limits', { max_tokens: 5 }],
    ['other names', { random_seed: 5, safety_identifier: 'u' }],
    ['wishes to think', { reasoning: { effort: 'low', exclude: true }, thinking: { type: 'enabled' } }],
    ['wishes in templates', { chat_template_kwargs: { enable_thinking: false } }],
    ['log probabilities', { logprobs: true, top_logprobs: 3 }],
    ['no log probabilities', { logprobs: false }],
    ['stream options', { stream: true, stream_options: { include_usage: true, include_obfuscation: false } }],
    ['the wish for usage', { usage: { include: true } }],
    ['other formats', { response_format: { type: 'grammar', grammar: 'g' } }],
    ['old functions', { functions: [{ name: 'f' }], function_call: { name: 'f' } }],
    ['web search', { web_search_options: { search_context_size: 'low' } }],
    [
      'tools of a host',
      { tools: [{ type: 'openrouter:web_search', parameters: { max_uses: 1 } }], tool_choice: 'auto' },
    ],
    ['custom tools', { tools: [{ type: 'custom', custom: { name: 'c', format: { type: 'text' } } }] }],
    [
      'marked tools',
      { tools: [{ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral', ttl: '5m' } }] },
    ],
    [
      'lists of tools to choose from',
      {
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
        },
      },
    ],
  ])('%s', (_what, fields) => {
    expect(again({ model: 'm', messages, ...fields })).toEqual({ model: 'm', messages, ...fields })
  })

  test.each<[what: string, message: object]>([
    ['a marked message', { role: 'user', content: 'a', cache_control: { type: 'ephemeral' } }],
    ['a marked part', { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] }],
    ["OpenAI's mark", { role: 'user', content: [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'x' } }] }],
    ['a part that nobody knows', { role: 'user', content: [{ type: 'odd', odd: 1 }] }],
    ['a prefill', { role: 'assistant', content: 'a', prefix: true }],
    ['a function result of old', { role: 'function', name: 'f', content: '7' }],
    ['a call of old', { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }],
    ['speech', { role: 'assistant', content: null, audio: { id: 'audio_1' } }],
    ['both fields of thoughts', { role: 'assistant', content: 'a', reasoning_content: 'hm', reasoning: 'hm' }],
    ['no thoughts, said so', { role: 'assistant', content: 'a', reasoning_content: '' }],
    [
      'a picture in a result',
      { role: 'tool', tool_call_id: 'a', content: [{ type: 'image_url', image_url: { url: 'https://a/b' } }] },
    ],
    [
      "Mistral's thoughts",
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'a' },
        ],
      },
    ],
    [
      'thoughts in entries',
      {
        role: 'assistant',
        content: 'a',
        reasoning_details: [
          { type: 'reasoning.summary', summary: 'hm', format: 'openai-responses-v1', index: 0 },
          { type: 'reasoning.encrypted', data: 'S', format: 'openai-responses-v1', id: 'rs', index: 0 },
        ],
      },
    ],
  ])('%s', (_what, message) => {
    expect(again({ model: 'm', messages: [message] })).toEqual({ model: 'm', messages: [message] })
  })
})
