import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent, ChatRequest, Part } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeStream } from './encode-stream.ts'
import { hasForeignParts } from './foreign-thoughts.ts'

const request: ChatRequest = { model: 'asked', stream: true, messages: [], tools: [], settings: {} }
const context: AnswerContext = { request, createdS: 1, newId: () => 'made' }

interface Said {
  readonly type: string
  readonly index?: number
  readonly delta?: Record<string, unknown>
  readonly content_block?: Record<string, unknown>
  readonly message?: Record<string, unknown>
  readonly usage?: Record<string, unknown>
}

const encoded = (events: Iterable<ChatEvent>): readonly Said[] =>
  runStep(encodeStream(context), events).map(({ event, data }) => {
    const said = JSON.parse(data) as Said
    expect(said.type).toBe(event)
    return said
  })

const decoded = (...events: readonly object[]): readonly ChatEvent[] =>
  runStep(
    decodeStream(),
    events.map((event) => ({ data: JSON.stringify(event) })),
  )

const begin = (part: number, value: Part): ChatEvent => ({ kind: 'begin', choice: 0, part, value })
const grow = (part: number, text: string): ChatEvent => ({ kind: 'grow', choice: 0, part, text })
const end = (part: number): ChatEvent => ({ kind: 'end', choice: 0, part })
const finish: ChatEvent = { kind: 'finish', choice: 0, finish: { reason: 'stop', native: 'stop' } }
const call = (id: string): Part => ({ kind: 'tool-call', id, name: `tool_${id}`, arguments: '' })

/** Each block as its kind and what came into it; throws if two are open at once. */
function blocks(said: readonly Said[]): unknown[] {
  const out: unknown[] = []
  let open: number | undefined
  let grown = ''
  let block: Record<string, unknown> = {}
  for (const { type, index, delta, content_block } of said) {
    if (type === 'content_block_start') {
      expect(open).toBeUndefined()
      expect(index).toBe(out.length)
      open = index
      grown = ''
      block = content_block as Record<string, unknown>
    } else if (type === 'content_block_delta') {
      expect(index).toBe(open)
      const { type: kind, ...rest } = delta as Record<string, unknown>
      grown += kind === 'citations_delta' ? '[cited]' : Object.values(rest).join('')
    } else if (type === 'content_block_stop') {
      expect(index).toBe(open)
      open = undefined
      out.push([block.type, block.name ?? grown, ...(block.name ? [grown] : [])])
    }
  }
  expect(open).toBeUndefined()
  return out
}

const message = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'claude', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
}
const stop = { type: 'message_stop' }
const ended = (stop_reason: string, usage: object = { output_tokens: 9 }) => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  usage,
})
const block = (index: number, content_block: object, ...deltas: readonly object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]

describe('a stream from Claude', () => {
  test('tells blocks as parts whatever their index, and a call without arguments as one', () => {
    const { choices } = assemble(
      decoded(
        message,
        ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Hi' }),
        { type: 'ping' },
        { type: 'tomorrows_event' },
        ...block(
          2,
          { type: 'tool_use', id: 'a', name: 'now', input: {} },
          { type: 'input_json_delta', partial_json: '' },
        ),
        ...block(5, { type: 'tool_use', id: 'b', name: 'at', input: { whole: true } }),
        ended('tool_use'),
        stop,
      ),
    )
    expect(choices).toEqual([
      {
        message: {
          role: 'assistant',
          parts: [
            { kind: 'text', text: 'Hi' },
            { kind: 'tool-call', id: 'a', name: 'now', arguments: '{}' },
            { kind: 'tool-call', id: 'b', name: 'at', arguments: '{"whole":true}' },
          ],
        },
        finish: { reason: 'tool_calls', native: 'tool_use' },
      },
    ])
  })

  test('counts are totals: the last that is known of each stands', () => {
    const { usage, usageReported } = assemble(
      decoded(
        {
          type: 'message_start',
          message: {
            usage: {
              input_tokens: 5,
              cache_creation_input_tokens: 10,
              cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 6 },
              output_tokens: 1,
            },
          },
        },
        { type: 'message_delta', delta: {}, usage: { input_tokens: 7, output_tokens: 3 } },
        ended('end_turn', {
          input_tokens: null,
          cache_read_input_tokens: 2,
          cache_creation_input_tokens: 12,
          output_tokens: 9,
          output_tokens_details: { thinking_tokens: 4 },
        }),
        stop,
      ),
    )
    expect(usage).toEqual({
      inputUncached: 7,
      cacheRead: 2,
      cacheWrite5m: 6,
      cacheWrite1h: 6,
      outputText: 5,
      reasoning: 4,
    })
    expect(usageReported).toMatchObject({ input_tokens: 7, output_tokens: 9 })
  })

  test('steps of a compaction are counted, those of another model are not', () => {
    const { usage } = decodeAnswer({
      content: [],
      usage: {
        input_tokens: 1,
        output_tokens: 2,
        iterations: [
          { type: 'compaction', input_tokens: 100, output_tokens: 20 },
          { type: 'message', input_tokens: 1, output_tokens: 2 },
          { type: 'advisor_message', input_tokens: 7, output_tokens: 7 },
        ],
      },
    })
    expect(usage).toEqual({ inputUncached: 101, outputText: 22 })
  })

  test('calls of its own tools and what it keeps on the way are told once, whole', () => {
    const events = decoded(
      message,
      ...block(
        0,
        { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
        { type: 'input_json_delta', partial_json: '{"query":' },
        { type: 'input_json_delta', partial_json: '"x"}' },
      ),
      ...block(1, { type: 'compaction', content: null }, { type: 'compaction_delta', content: 'Short.' }),
      ended('pause_turn'),
      stop,
    )
    expect(assemble(events).choices[0]).toMatchObject({
      message: {
        parts: [
          { kind: 'server-tool', phase: 'call', name: 'web_search', id: 's', value: { input: { query: 'x' } } },
          { kind: 'opaque', value: { type: 'compaction', content: 'Short.' } },
        ],
      },
      finish: { reason: 'pause', native: 'pause_turn' },
    })
  })

  test('an answer by way of our tool is text', () => {
    const streamed = assemble(
      decoded(
        message,
        ...block(
          0,
          { type: 'tool_use', id: 'a', name: 'trunkline_answer', input: {} },
          { type: 'input_json_delta', partial_json: '{"city":' },
          { type: 'input_json_delta', partial_json: '"Rome"}' },
        ),
        ended('tool_use'),
        stop,
      ),
    )
    const whole = decodeAnswer({
      content: [{ type: 'tool_use', id: 'a', name: 'trunkline_answer', input: { city: 'Rome' } }],
      stop_reason: 'tool_use',
    })
    const choices = [
      {
        message: { role: 'assistant', parts: [{ kind: 'text', text: '{"city":"Rome"}' }] },
        finish: { reason: 'stop' },
      },
    ]
    expect(streamed.choices).toEqual(choices)
    expect(whole.choices).toEqual(choices)
    const wrapped = { type: 'tool_use', id: 'a', name: 'trunkline_wrapped_answer', input: {} }
    const list = assemble(
      decoded(
        message,
        ...block(0, wrapped, { type: 'input_json_delta', partial_json: '{"answer":[1]}' }),
        ended('tool_use'),
        stop,
      ),
    )
    expect(list.choices[0]?.message.parts).toEqual([{ kind: 'text', text: '[1]' }])
  })

  test('a refusal is told in its words', () => {
    const said = { type: 'refusal', category: 'cyber', explanation: 'Not that.' }
    const body = { content: [], stop_reason: 'refusal', stop_details: said, stop_sequence: null }
    const answer = decodeAnswer(body)
    expect(answer.choices[0]).toMatchObject({
      message: { parts: [{ kind: 'refusal', text: 'Not that.' }] },
      finish: { reason: 'content_filter' },
    })
    expect(encodeAnswer(answer, context)).toMatchObject(body)
  })

  test.each([
    ['that ends too early', [message, ...block(0, { type: 'text', text: 'Hi' })], 'upstream_cut'],
    [
      'with an error',
      [message, { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }],
      'upstream_overloaded',
    ],
    ['with an error of another shape', [{ error: { message: 'No', code: 429 } }], 'rate_limited'],
  ])('%s throws', (_, events, code) => {
    expect(() => decoded(...events)).toThrow(expect.objectContaining({ code }))
  })

  test('that is no JSON throws, and that which says why it ended is whole without its last event', () => {
    expect(() => runStep(decodeStream(), [{ data: '<html>' }])).toThrow(
      expect.objectContaining({ code: 'upstream_invalid' }),
    )
    expect(assemble(decoded(message, ended('end_turn'))).choices[0]?.finish?.reason).toBe('stop')
  })
})

describe('a stream for a client', () => {
  test('begins, tells block after block, and ends once with what was used', () => {
    const said = encoded([
      { kind: 'start', id: 'chatcmpl-1', model: 'gpt' },
      begin(0, { kind: 'reasoning', text: '' }),
      grow(0, 'Hm.'),
      begin(1, { kind: 'text', text: '' }),
      grow(1, 'Hi'),
      finish,
      { kind: 'usage', usage: { inputUncached: 5, cacheRead: 3, outputText: 2, reasoning: 1 } },
    ])
    expect(said[0]).toMatchObject({ type: 'message_start', message: { id: 'msg_1', model: 'gpt', content: [] } })
    expect(blocks(said)).toEqual([
      ['thinking', 'Hm.trunkline::::'],
      ['text', 'Hi'],
    ])
    expect(said.slice(-2)).toMatchObject([
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: {
          input_tokens: 5,
          cache_read_input_tokens: 3,
          cache_creation_input_tokens: null,
          output_tokens: 3,
          output_tokens_details: { thinking_tokens: 1 },
        },
      },
      { type: 'message_stop' },
    ])
  })

  test('tells calls that grow in turns one after another', () => {
    const said = encoded([
      { kind: 'start' },
      begin(0, call('a')),
      begin(1, call('b')),
      grow(1, '{"b"'),
      grow(0, '{"a":1'),
      grow(1, ':2}'),
      grow(0, '}'),
      begin(2, { kind: 'text', text: '' }),
      grow(2, 'Done'),
      finish,
    ])
    expect(blocks(said)).toEqual([
      ['tool_use', 'tool_a', '{"a":1}'],
      ['tool_use', 'tool_b', '{"b":2}'],
      ['text', 'Done'],
    ])
  })

  test('opens the next call as soon as the one before is whole', () => {
    const step = encodeStream(context)
    for (const event of [begin(0, call('a')), grow(0, '{}')]) step.next(event)
    expect(step.next(begin(1, call('b'))).map(({ event }) => event)).toEqual([
      'content_block_stop',
      'content_block_start',
    ])
    expect(step.next(grow(1, '{')).map(({ event }) => event)).toEqual(['content_block_delta'])
    expect(step.next(end(1)).map(({ event }) => event)).toEqual(['content_block_stop'])
  })

  test('waits for the name of a call', () => {
    const said = encoded([
      begin(0, { kind: 'tool-call', id: '', name: '', arguments: '' }),
      grow(0, '{}'),
      { kind: 'amend', choice: 0, part: 0, with: { id: 'x', name: 'late' } },
      finish,
    ])
    expect(blocks(said)).toEqual([['tool_use', 'late', '{}']])
  })

  test('shows the first choice only, goes on with a text after a call, and leaves out what is empty', () => {
    const said = encoded([
      begin(0, { kind: 'text', text: '' }),
      { kind: 'begin', choice: 1, part: 0, value: { kind: 'text', text: 'Other' } },
      begin(1, { kind: 'text', text: 'One' }),
      begin(2, call('a')),
      end(2),
      grow(1, ' two'),
      finish,
      { kind: 'finish', choice: 1, finish: { reason: 'length' } },
    ])
    expect(blocks(said)).toEqual([
      ['text', 'One'],
      ['tool_use', 'tool_a', ''],
      ['text', ' two'],
    ])
    expect(said.filter(({ type }) => type === 'message_delta')).toHaveLength(1)
  })

  test('tells citations in the text, and those that come after it in a block of their own', () => {
    const citation = { dialect: 'openai-chat', value: {}, url: 'https://x', title: 'X' }
    const amend: ChatEvent = { kind: 'amend', choice: 0, part: 0, with: { citation } }
    expect(blocks(encoded([begin(0, { kind: 'text', text: 'Hi' }), amend, finish]))).toEqual([['text', 'Hi[cited]']])
    expect(
      blocks(encoded([begin(0, { kind: 'text', text: 'Hi' }), begin(1, call('a')), end(1), amend, finish])),
    ).toEqual([
      ['text', 'Hi'],
      ['tool_use', 'tool_a', ''],
      ['text', '[cited]'],
    ])
  })

  test("keeps other providers' own tools and unknown parts to itself", () => {
    const said = encoded([
      begin(0, { kind: 'server-tool', phase: 'call', name: 'web_search', dialect: 'gemini', value: {} }),
      begin(1, { kind: 'opaque', dialect: 'gemini', value: {} }),
      begin(2, { kind: 'refusal', text: 'No.' }),
      finish,
    ])
    expect(blocks(said)).toEqual([['text', 'No.']])
  })

  test('without any event is an empty message', () => {
    expect(encoded([]).map(({ type }) => type)).toEqual(['message_start', 'message_delta', 'message_stop'])
  })

  test('keeps the seals of others for the client to bring back, and knows them again', () => {
    const parts: readonly Part[] = [
      { kind: 'reasoning', text: 'Hm.', id: 'rs_1', form: 'summary', seal: { by: 'openai', value: 'a:b/c+d==' } },
      { kind: 'reasoning', text: '', redacted: true, seal: { by: 'openrouter', value: 'x' } },
      { kind: 'reasoning', text: 'Plain.' },
      { kind: 'reasoning', text: 'Own.', seal: { by: 'anthropic', value: 'sig' } },
    ]
    const answer: ChatAnswer = { choices: [{ message: { role: 'assistant', parts } }] }
    const whole = encodeAnswer(answer, context)
    expect(decodeAnswer(whole).choices[0]?.message.parts).toEqual(parts)
    // In a stream the signature comes last, so that it cannot tell the form any more.
    const streamed = assemble(runStep(decodeStream(), runStep(encodeStream(context), disassemble(answer))))
    const [first, ...others] = parts as readonly [Part, ...Part[]]
    const { form: _, ...formless } = first as Extract<Part, { kind: 'reasoning' }>
    expect(streamed.choices[0]?.message.parts).toEqual([formless, ...others])
    expect(hasForeignParts(Buffer.from(JSON.stringify(whole)))).toBe(true)
    const own = encodeAnswer({ choices: [{ message: { role: 'assistant', parts: parts.slice(3) } }] }, context)
    expect(hasForeignParts(Buffer.from(JSON.stringify(own)))).toBe(false)
  })

  test('keeps seals of calls and texts as well, for which there is no field', () => {
    const seal = (value: string) => ({ by: 'gemini', value })
    const parts: readonly Part[] = [
      { kind: 'text', text: 'Hi', seal: seal('one') },
      { kind: 'tool-call', id: 'a', name: 'now', arguments: '{}', seal: seal('two') },
      { kind: 'tool-call', id: 'b', name: 'at', arguments: '{}' },
      { kind: 'text', text: '', seal: seal('three') },
    ]
    const answer: ChatAnswer = { choices: [{ message: { role: 'assistant', parts } }] }
    const whole = encodeAnswer(answer, context) as { content: unknown }
    expect(decodeAnswer(whole).choices[0]?.message.parts).toEqual(parts)
    const body = { messages: [{ role: 'assistant', content: whole.content }] }
    expect(decodeRequest(body, { model: 'm', stream: false }).messages[0]?.parts).toEqual(parts)
    const said = encoded(disassemble(answer))
    expect(said.flatMap(({ content_block }) => content_block?.type ?? [])).toEqual([
      'text',
      'redacted_thinking',
      'redacted_thinking',
      'tool_use',
      'tool_use',
      'redacted_thinking',
    ])
    const late = encoded([
      begin(0, { kind: 'text', text: 'Hi' }),
      { kind: 'amend', choice: 0, part: 0, with: { seal: seal('one') } },
      finish,
    ])
    expect(late.flatMap(({ content_block }) => content_block?.type ?? [])).toEqual(['text', 'redacted_thinking'])
  })

  test('shows pictures as Markdown and sound as what was said', () => {
    const parts: readonly Part[] = [
      { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'iVBO' } },
      { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'AA' }, transcript: 'Hello' },
    ]
    expect(encodeAnswer({ choices: [{ message: { role: 'assistant', parts } }] }, context)).toMatchObject({
      content: [
        { type: 'text', text: '![](data:image/png;base64,iVBO)' },
        { type: 'text', text: 'Hello' },
      ],
    })
  })

  test.each([
    [{ reason: 'length', native: 'MAX_TOKENS' }, 'max_tokens'],
    [{ reason: 'tool_calls', native: 'tool_calls' }, 'tool_use'],
    [{ reason: 'content_filter', native: 'SAFETY' }, 'refusal'],
    [{ reason: 'stop_sequence', stopSequence: 'END' }, 'stop_sequence'],
    [{ reason: 'malformed' }, 'end_turn'],
    [{ reason: 'length', native: 'model_context_window_exceeded' }, 'model_context_window_exceeded'],
  ] as const)('an answer that ended with %j says %s', (reason, expected) => {
    const said = encodeAnswer({ choices: [{ message: { role: 'assistant', parts: [] }, finish: reason }] }, context)
    expect(said).toMatchObject({ stop_reason: expected })
  })
})
