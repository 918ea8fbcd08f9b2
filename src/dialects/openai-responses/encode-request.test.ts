import { describe, expect, test } from 'vitest'
import type { ChatRequest, Message, Part } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { encodeRequest } from './encode-request.ts'

const base: ChatRequest = { model: 'm', stream: false, messages: [], tools: [], settings: {} }
const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const said = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const encoded = (request: Partial<ChatRequest>, abilities: Abilities = {}) =>
  encodeRequest({ ...base, ...request }, abilities)
const inputOf = (messages: readonly Message[], abilities: Abilities = {}): unknown =>
  encoded({ messages }, abilities).body.input

describe('a request of another dialect', () => {
  test('keeps nothing at the provider, and has thoughts come sealed', () => {
    expect(encoded({}).body).toEqual({ model: 'm', input: [], store: false, include: ['reasoning.encrypted_content'] })
    expect(encoded({}, { reasoning: 'none' }).body.include).toBeUndefined()
  })

  test('has its instructions wherever they stand, in their role', () => {
    const system: Message = { role: 'system', parts: [{ kind: 'text', text: 'a' }] }
    const twice: Message = {
      role: 'developer',
      parts: [
        { kind: 'text', text: 'b' },
        { kind: 'text', text: 'c' },
      ],
    }
    expect(inputOf([system, user({ kind: 'text', text: 'Hi' }), twice])).toEqual([
      { role: 'system', content: 'a' },
      { role: 'user', content: 'Hi' },
      {
        role: 'developer',
        content: [
          { type: 'input_text', text: 'b' },
          { type: 'input_text', text: 'c' },
        ],
      },
    ])
    expect(inputOf([system, twice], { instructions: 'developer', systemMidway: false })).toMatchObject([
      { role: 'developer' },
      { role: 'user' },
    ])
  })

  test('names its settings anew, and names those that have no place', () => {
    const { body, dropped } = encoded({
      settings: {
        maxTokens: 3,
        temperature: 1.5,
        topP: 0.5,
        logprobs: 2,
        user: 'u',
        cacheKey: 'k',
        verbosity: 'low',
        serviceTier: 'flex',
        metadata: { a: 'b' },
        stop: ['x'],
        choices: 2,
        seed: 1,
        topK: 4,
        frequencyPenalty: 1,
        logitBias: { 1: 1 },
        modalities: ['text', 'audio'],
        includeUsage: true,
      },
    })
    expect(body).toMatchObject({
      max_output_tokens: 16,
      temperature: 1.5,
      top_p: 0.5,
      top_logprobs: 2,
      safety_identifier: 'u',
      prompt_cache_key: 'k',
      service_tier: 'flex',
      metadata: { a: 'b' },
      text: { verbosity: 'low' },
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
    })
    expect(dropped).toEqual(['stop', 'choices', 'seed', 'topK', 'frequencyPenalty', 'logitBias', 'modalities'])
  })

  test('has no words that only other hosts know', () => {
    const { body, dropped } = encoded({ settings: { serviceTier: 'on_demand' }, reasoning: { effort: 'default' } })
    expect([body.service_tier, body.reasoning, dropped]).toEqual([undefined, undefined, ['serviceTier', 'reasoning']])
  })

  test('loses nothing by settings that ask for nothing', () => {
    const settings = { stop: [], choices: 1, modalities: ['text'], presencePenalty: 0, logitBias: {} }
    expect(encoded({ settings }).dropped).toEqual([])
  })

  test('goes without what the model refuses', () => {
    const { body, dropped } = encoded(
      {
        settings: { temperature: 1, verbosity: 'low' },
        reasoning: { effort: 'high' },
        format: { kind: 'schema', schema: {} },
      },
      { refuses: ['temperature', 'verbosity'], reasoning: 'none', schema: 'none' },
    )
    expect(body).toEqual({ model: 'm', input: [], store: false })
    expect(dropped).toEqual(['temperature', 'reasoning', 'verbosity', 'format'])
  })

  test.each([
    [{ effort: 'xhigh' }, { effort: 'xhigh' }],
    [{ budget: 2000 }, { effort: 'low' }],
    [
      { budget: 10_000, shown: true },
      { effort: 'medium', summary: 'auto' },
    ],
    [{ budget: 0 }, { effort: 'none' }],
    [{ mode: 'off' as const }, { effort: 'none' }],
    [{ budget: -1 }, undefined],
    [{ mode: 'adaptive' as const, summary: 'detailed' }, { summary: 'detailed' }],
  ])('wishes to think %j as %j', (reasoning, wire) => {
    expect(encoded({ reasoning }).body.reasoning).toEqual(wire)
  })

  test('says whether its tools are strict, since they are unless they say', () => {
    const { body, dropped } = encoded({
      tools: [
        { kind: 'function', name: 'f' },
        {
          kind: 'function',
          name: 'g',
          schema: { type: 'object' },
          strict: true,
          extra: { dialect: 'x', fields: { odd: 1 } },
        },
        { kind: 'custom', name: 'c', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'd' } } },
        {
          kind: 'server',
          name: 'web_search',
          dialect: 'openai-chat',
          value: { user_location: { type: 'approximate', approximate: { city: 'Bonn' } } },
        },
        { kind: 'server', name: 'code_execution', dialect: 'gemini', value: { codeExecution: {} } },
        { kind: 'server', name: 'bash', dialect: 'anthropic-messages', value: {} },
      ],
      toolChoice: { mode: 'required', names: ['c'] },
      parallelToolCalls: false,
    })
    expect(body).toMatchObject({
      tools: [
        { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
        { type: 'function', name: 'g', parameters: { type: 'object' }, strict: true },
        { type: 'custom', name: 'c', format: { type: 'grammar', syntax: 'lark', definition: 'd' } },
        { type: 'web_search', user_location: { type: 'approximate', city: 'Bonn' } },
        { type: 'code_interpreter', container: { type: 'auto' } },
      ],
      tool_choice: { type: 'custom', name: 'c' },
      parallel_tool_calls: false,
    })
    expect(dropped).toEqual(['tools[1].odd', 'tools[5].bash'])
  })

  test('chooses among tools only if there are any', () => {
    expect(encoded({ toolChoice: { mode: 'auto' }, parallelToolCalls: true }).body).not.toHaveProperty('tool_choice')
    const tools = [{ kind: 'function' as const, name: 'f' }]
    const choice = (toolChoice: ChatRequest['toolChoice']): unknown =>
      encoded({ tools, ...(toolChoice && { toolChoice }) }).body.tool_choice
    expect(choice({ mode: 'none' })).toBe('none')
    expect(choice({ mode: 'required', names: ['f'] })).toEqual({ type: 'function', name: 'f' })
    expect(choice({ mode: 'auto', names: ['f'], isList: true })).toEqual({
      type: 'allowed_tools',
      mode: 'auto',
      tools: [{ type: 'function', name: 'f' }],
    })
  })

  test('has pictures and files in messages and in results of tools', () => {
    const picture: Part = {
      kind: 'image',
      source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' },
      detail: 'low',
    }
    const pdf: Part = { kind: 'document', source: { kind: 'data', mediaType: 'application/pdf', data: 'JVBE' } }
    const text: Part = { kind: 'document', source: { kind: 'text', text: 'abc' }, title: 'a.txt' }
    const result: Message = {
      role: 'tool',
      parts: [{ kind: 'tool-result', callId: 'c', parts: [{ kind: 'text', text: 'see' }, picture] }],
    }
    const call = said({ kind: 'tool-call', id: 'c', name: 'f', arguments: '{}' })
    const wireCall = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
    const wirePicture = { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' }
    expect(inputOf([user(picture, pdf, text), call, result])).toEqual([
      {
        role: 'user',
        content: [
          wirePicture,
          { type: 'input_file', file_data: 'data:application/pdf;base64,JVBE', filename: 'document.pdf' },
          { type: 'input_file', file_data: 'data:text/plain;base64,YWJj', filename: 'a.txt' },
        ],
      },
      wireCall,
      { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'see' }, wirePicture] },
    ])
    expect(inputOf([call, result], { mediaInResults: false })).toEqual([
      wireCall,
      { type: 'function_call_output', call_id: 'c', output: 'see' },
      { role: 'user', content: [wirePicture] },
    ])
  })

  test('names the parts that cannot be sent', () => {
    const { body, dropped } = encoded({
      messages: [
        {
          ...user(
            { kind: 'audio', source: { kind: 'url', url: 'u' } },
            { kind: 'image', source: { kind: 'file', dialect: 'gemini', id: 'i' } },
          ),
          name: 'ann',
        },
        said(
          { kind: 'opaque', dialect: 'gemini', value: 1 },
          { kind: 'text', text: 'Hi', extra: { dialect: 'gemini', fields: { odd: 1 } } },
        ),
      ],
    })
    expect(body.input).toEqual([{ role: 'assistant', content: 'Hi' }])
    expect(dropped).toEqual([
      'messages[0].name',
      'messages[0].audio',
      'messages[0].image',
      'messages[1].opaque',
      'messages[1].odd',
    ])
  })

  test('names once that its cache marks are left out', () => {
    const marked: Part = { kind: 'text', text: 'a', cache: {} }
    const { dropped } = encoded({
      messages: [user(marked, marked), said(marked)],
      tools: [{ kind: 'function', name: 'f', cache: { ttl: '1h' } }],
    })
    expect(dropped).toEqual(['cache'])
  })

  test('has thoughts only from whom they are', () => {
    const thoughts: Part[] = [
      { kind: 'reasoning', text: 'hm', id: 'rs_1', seal: { by: 'openai', value: 'sealed' }, form: 'summary' },
      { kind: 'reasoning', text: 'so', seal: { by: 'anthropic', value: 'other' } },
      { kind: 'tool-call', id: 'c', name: 'f', arguments: '' },
    ]
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }
    const output = { type: 'function_call_output', call_id: 'c', output: '7' }
    const result: Message = {
      role: 'tool',
      parts: [{ kind: 'tool-result', callId: 'c', parts: [{ kind: 'text', text: '7' }] }],
    }
    const { body, dropped } = encoded({ messages: [said(...thoughts), result] })
    expect(body.input).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'sealed' },
      call,
      output,
    ])
    expect(dropped).toEqual(['messages[0].reasoning'])
    expect(inputOf([said(...thoughts), result], { seals: 'xai', wantsThoughts: true })).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }] },
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'so' }] },
      call,
      output,
    ])
  })

  test('has the same short id for a call and its result, and one where there was none', () => {
    const long = 'x'.repeat(70)
    const items = inputOf([
      said(
        { kind: 'tool-call', id: long, name: 'f', arguments: '{}' },
        { kind: 'tool-call', id: '', name: 'g', arguments: '{}' },
      ),
      {
        role: 'tool',
        parts: [
          { kind: 'tool-result', callId: '', name: 'g', parts: [] },
          { kind: 'tool-result', callId: long, parts: [] },
        ],
      },
    ]) as readonly Fields[]
    const [first, second, third, fourth] = items.map(({ call_id }) => call_id)
    expect([third, fourth]).toEqual([second, first])
    expect(String(first).length).toBeLessThanOrEqual(64)
    expect(second).not.toBe('')
  })

  test('keeps what both of OpenAI’s dialects know', () => {
    const extra = { dialect: 'openai-chat', fields: { prompt_cache_retention: '24h', prediction: {} } }
    const { body, dropped } = encoded({ extra })
    expect([body.prompt_cache_retention, dropped]).toEqual(['24h', ['prediction']])
  })

  test('has a name for its format', () => {
    const format = { kind: 'schema' as const, schema: { type: 'object' }, strict: true }
    expect(fieldsOf(encoded({ format }).body.text).format).toEqual({
      type: 'json_schema',
      name: 'answer',
      schema: { type: 'object' },
      strict: true,
    })
  })

  test('does not end with the assistant where that is refused', () => {
    const messages = [user({ kind: 'text', text: 'Hi' }), said({ kind: 'text', text: 'He' })]
    const { body, dropped } = encoded({ messages }, { prefill: false })
    expect([body.input, dropped]).toEqual([[{ role: 'user', content: 'Hi' }], ['messages[1]']])
  })
})
