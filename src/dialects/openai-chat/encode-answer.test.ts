import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent, Citation, Part } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeStream } from './encode-stream.ts'

const contextOf = (includeUsage: boolean): AnswerContext => ({
  request: { model: 'asked', stream: true, messages: [], tools: [], settings: { includeUsage } },
  createdS: 1_700_000_000.5,
  newId: () => 'new',
})
const context = contextOf(true)

const foreign = (parts: readonly Part[], more: Partial<ChatAnswer> = {}): ChatAnswer => ({
  id: 'msg_1',
  model: 'claude',
  choices: [{ message: { role: 'assistant', parts }, finish: { reason: 'stop', native: 'end_turn' } }],
  ...more,
})

// biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes in an answer.
const whole = (answer: ChatAnswer): any => encodeAnswer(answer, context)
// biome-ignore lint/suspicious/noExplicitAny: the same.
const messageOf = (...parts: Part[]): any => whole(foreign(parts)).choices[0].message

// biome-ignore lint/suspicious/noExplicitAny: the same.
const chunksOf = (events: Iterable<ChatEvent>, asked = context): any[] =>
  runStep(encodeStream(asked), events).map(({ data }) => (data === '[DONE]' ? data : JSON.parse(data)))

const deltasOf = (events: Iterable<ChatEvent>): object[] =>
  chunksOf(events).flatMap((chunk) => chunk.choices?.map(({ delta }: { delta: object }) => delta) ?? [])

const begin = (part: number, value: Part, choice = 0): ChatEvent => ({ kind: 'begin', choice, part, value })
const grow = (part: number, text: string): ChatEvent => ({ kind: 'grow', choice: 0, part, text })
const finish = (reason: 'stop' | 'tool_calls' = 'stop'): ChatEvent => ({
  kind: 'finish',
  choice: 0,
  finish: { reason },
})
const call = (id: string, written = ''): Part => ({ kind: 'tool-call', id, name: `f_${id}`, arguments: written })

describe('a whole answer', () => {
  test('looks as OpenAI writes it, whoever gave it', () => {
    const usage = { inputUncached: 5, cacheRead: 3, cacheWrite5m: 2, outputText: 7, reasoning: 4 }
    expect(whole(foreign([{ kind: 'text', text: 'Hi' }], { usage, serviceTier: 'default' }))).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'claude',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 11,
        total_tokens: 21,
        prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 4 },
      },
      service_tier: 'default',
    })
  })

  test('has no numbers that nobody knows', () => {
    expect(whole(foreign([], { usage: { outputText: 3 } })).usage).toEqual({ completion_tokens: 3 })
    expect(whole(foreign([]))).not.toHaveProperty('usage')
  })

  test('has calls without arguments as an empty object, and ends in them', () => {
    const answer = whole(foreign([call('a'), { kind: 'tool-call', id: 'b', name: 'c', arguments: 'x', custom: true }]))
    expect(answer.choices[0]).toMatchObject({
      message: {
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'f_a', arguments: '{}' } },
          { id: 'b', type: 'custom', custom: { name: 'c', input: 'x' } },
        ],
      },
      finish_reason: 'tool_calls',
    })
  })

  test('has a refusal in the place of its text', () => {
    expect(messageOf({ kind: 'refusal', text: 'No.' })).toMatchObject({ content: null, refusal: 'No.' })
  })

  test('shows thoughts as text, and with their seal where they have one', () => {
    expect(messageOf({ kind: 'reasoning', text: 'hm' })).toMatchObject({ content: '', reasoning_content: 'hm' })
    const signed = messageOf({ kind: 'reasoning', text: 'hm', seal: { by: 'anthropic', value: 'S' } })
    expect(signed).toMatchObject({
      reasoning_content: 'hm',
      reasoning_details: [
        { type: 'reasoning.text', text: 'hm', signature: 'S', format: 'anthropic-claude-v1', index: 0 },
      ],
    })
    const hidden = messageOf({
      kind: 'reasoning',
      text: '',
      redacted: true,
      id: 'rs',
      seal: { by: 'openai', value: 'S' },
    })
    expect(hidden.reasoning_details).toEqual([
      { type: 'reasoning.encrypted', id: 'rs', format: 'openai-responses-v1', index: 0, data: 'S' },
    ])
  })

  test("shows Gemini's signature of a call as Google does", () => {
    const { tool_calls: calls } = messageOf({ ...call('a'), seal: { by: 'gemini', value: 'S' } } as Part)
    expect(calls[0].extra_content).toEqual({ google: { thought_signature: 'S' } })
  })

  test('says where its texts come from, counted over all of them', () => {
    const about = (fields: Partial<Citation>): Citation => ({ dialect: 'anthropic-messages', value: {}, ...fields })
    const message = messageOf(
      { kind: 'text', text: 'Hello ' },
      { kind: 'text', text: 'world', citations: [about({ url: 'u', title: 't' }), about({ title: 'd', document: 1 })] },
    )
    expect(message).toMatchObject({
      content: 'Hello world',
      annotations: [{ type: 'url_citation', url_citation: { start_index: 6, end_index: 11, url: 'u', title: 't' } }],
      citations: [{ start_index: 6, end_index: 11, title: 'd', document_index: 1 }],
    })
  })

  test("shows pictures and sound, and no tool of another provider's", () => {
    const message = messageOf(
      { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } },
      { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'BBBB' }, transcript: 'Hi' },
      { kind: 'server-tool', phase: 'call', name: 'web_search', dialect: 'anthropic-messages', value: {} },
      { kind: 'opaque', dialect: 'gemini', value: {} },
    )
    expect(message).toMatchObject({
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
      audio: { id: 'audio_new', data: 'BBBB', transcript: 'Hi', expires_at: 1_700_003_600 },
    })
    expect(message).not.toHaveProperty('tool_calls')
    expect(message).not.toHaveProperty('executed_tools')
  })

  test.each([
    ['stop', 'stop'],
    ['stop_sequence', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'tool_calls'],
    ['content_filter', 'content_filter'],
    ['pause', 'stop'],
    ['malformed', 'stop'],
    ['other', 'stop'],
  ] as const)('that ended in %s says %s', (reason, word) => {
    const choices = [{ message: { role: 'assistant' as const, parts: [] }, finish: { reason } }]
    expect(whole({ choices }).choices[0].finish_reason).toBe(word)
  })
})

describe('a stream', () => {
  test('comes in the order of OpenAI, with the usage last and empty before', () => {
    const events: ChatEvent[] = [
      { kind: 'start', id: 'msg_1', model: 'claude' },
      begin(0, { kind: 'text', text: '' }),
      { kind: 'usage', usage: { inputUncached: 2 } },
      grow(0, 'Hi'),
      finish(),
      { kind: 'usage', usage: { inputUncached: 2, outputText: 1 } },
    ]
    const chunks = chunksOf(events)
    expect(chunks.at(-1)).toBe('[DONE]')
    const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'claude' }
    const chunk = (delta: object, reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
      usage: null,
    })
    expect(chunks.slice(0, -1)).toEqual([
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ content: 'Hi' }),
      chunk({}, 'stop'),
      { ...head, choices: [], usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 } },
    ])
    for (const one of chunksOf(events, contextOf(false))) expect(one).not.toHaveProperty('usage')
  })

  test('that says nothing of itself is what was asked for', () => {
    expect(chunksOf([begin(0, { kind: 'text', text: 'Hi' }), finish()])[0]).toMatchObject({
      id: 'chatcmpl-new',
      model: 'asked',
      created: 1_700_000_000,
    })
  })

  test('has each call once, with its number among the calls, though they grow in turns', () => {
    const events = [
      begin(0, { kind: 'text', text: 'Hi' }),
      begin(1, call('a')),
      begin(2, call('b', '[')),
      grow(1, '{}'),
      grow(2, ']'),
      finish('tool_calls'),
    ]
    expect(deltasOf(events).flatMap((delta) => ('tool_calls' in delta ? delta.tool_calls : []))).toEqual([
      { index: 0, id: 'a', type: 'function', function: { name: 'f_a', arguments: '' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'f_b', arguments: '[' } },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, function: { arguments: ']' } },
    ])
  })

  test('begins with no text where there is none, and gives calls without arguments an empty object', () => {
    expect(deltasOf([begin(0, call('a')), { kind: 'end', choice: 0, part: 0 }, finish()])).toEqual([
      { role: 'assistant', content: null, refusal: null },
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f_a', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
      {},
    ])
  })

  test('holds a call back until it has a name', () => {
    const late: ChatEvent = { kind: 'amend', choice: 0, part: 0, with: { name: 'f' } }
    const nameless = begin(0, { kind: 'tool-call', id: 'a', name: '', arguments: '{' })
    expect(deltasOf([nameless, grow(0, '}'), late, finish()]).slice(1)).toEqual([
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      {},
    ])
  })

  test('tells a seal when it comes, with all that it seals', () => {
    const seal: ChatEvent = { kind: 'amend', choice: 0, part: 0, with: { seal: { by: 'anthropic', value: 'S' } } }
    const events = [begin(0, { kind: 'reasoning', text: '' }), grow(0, 'h'), grow(0, 'm'), seal, finish()]
    expect(deltasOf(events).slice(1)).toEqual([
      { reasoning_content: 'h' },
      { reasoning_content: 'm' },
      {
        reasoning_details: [
          { type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, text: 'hm', signature: 'S' },
        ],
      },
      {},
    ])
  })

  test('ends once, and in its calls, even if nobody says why', () => {
    const reasons = (events: ChatEvent[]) =>
      chunksOf(events).flatMap(
        (chunk) => chunk.choices?.flatMap((one: { finish_reason: unknown }) => one.finish_reason ?? []) ?? [],
      )
    expect(reasons([begin(0, call('a')), finish(), finish()])).toEqual(['tool_calls'])
    expect(reasons([begin(0, { kind: 'text', text: 'a' })])).toEqual(['stop'])
  })

  test('keeps choices apart', () => {
    const answer = assemble(
      runStep(
        decodeStream(),
        runStep(encodeStream(context), [
          begin(0, { kind: 'text', text: 'a' }),
          begin(0, { kind: 'text', text: 'b' }, 1),
          grow(0, 'a'),
          finish(),
          { kind: 'finish', choice: 1, finish: { reason: 'length' } },
        ]),
      ),
    )
    expect(answer.choices).toMatchObject([
      { message: { parts: [{ text: 'aa' }] }, finish: { reason: 'stop' } },
      { message: { parts: [{ text: 'b' }] }, finish: { reason: 'length' } },
    ])
  })

  test('of a whole answer says what the answer says', () => {
    const answer = foreign(
      [
        { kind: 'reasoning', text: 'hm', seal: { by: 'anthropic', value: 'S' } },
        { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'R' } },
        { kind: 'text', text: 'Hi', citations: [{ url: 'u', title: 't', dialect: 'anthropic-messages', value: {} }] },
        call('a', '{"x":1}'),
      ],
      { usage: { inputUncached: 2, outputText: 1 } },
    )
    const said = ({ choices, usage }: ChatAnswer) => ({
      parts: choices[0]?.message.parts.map(({ extra: _, ...part }) => ({ ...part, form: undefined })),
      finish: choices[0]?.finish,
      usage,
    })
    const streamed = assemble(runStep(decodeStream(), runStep(encodeStream(context), disassemble(answer))))
    expect(said(streamed)).toEqual(said(decodeAnswer(JSON.parse(JSON.stringify(whole(answer))))))
  })
})
