/** What providers do with their streams besides what they say, and what every client relies on. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent } from '../../src/core/chat.ts'
import { disassemble } from '../../src/core/chat-events.ts'
import { GatewayError } from '../../src/core/error.ts'
import { translatedError } from '../../src/gateway/told.ts'
import { dialectOf } from '../recordings/matrix/formats.ts'
import { list, obj } from '../recordings/matrix/oracle/tree.ts'
import {
  answerFrom,
  bodyTo,
  bothTo,
  brokenFrom,
  callsIn,
  eventsFrom,
  streamTo,
  type Target,
  targets,
  type Wire,
} from './answer-kit.ts'

const chunk = (delta: object, finish_reason: string | null = null, more: object = {}): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})
const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }

interface Odd {
  readonly from: Target
  readonly stream: readonly Wire[]
  readonly text?: string
  readonly reasoning?: string
}

const odd: Readonly<Record<string, Odd>> = {
  'a first chunk of filters, without a choice, an id or a model': {
    from: 'openai-chat',
    stream: [
      { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [{ prompt_index: 0 }] },
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hi' }),
      chunk({}, 'stop'),
      chunk({}, null, { choices: [], usage }),
      '[DONE]',
    ],
  },
  'no role, or one in every chunk': {
    from: 'openai-chat',
    stream: [
      chunk({ content: 'H' }),
      chunk({ role: 'assistant', content: 'i' }),
      chunk({ role: 'assistant' }, 'stop'),
      '[DONE]',
    ],
  },
  'a mark at the end with blanks around it': {
    from: 'openai-chat',
    stream: [chunk({ content: 'Hi' }), chunk({}, 'stop'), ' [DONE] '],
  },
  'usage after the mark at the end': {
    from: 'openai-chat',
    stream: [chunk({ content: 'Hi' }), chunk({}, 'stop'), '[DONE]', chunk({}, null, { choices: [], usage })],
  },
  'chunks without choices and empty deltas': {
    from: 'openai-chat',
    stream: [
      { id: 'chatcmpl-1', object: 'chat.completion.chunk' },
      chunk({ content: 'Hi' }),
      { id: 'chatcmpl-1', choices: null },
      { id: 'chatcmpl-1', choices: [{ index: 0, delta: null, finish_reason: null }] },
      { id: 'chatcmpl-1', choices: [{ index: 0 }] },
      chunk({}, 'stop'),
    ],
  },
  'thoughts in a field of their own': {
    from: 'openai-chat',
    stream: [chunk({ reasoning_content: 'Hm' }), chunk({ content: 'Hi' }), chunk({}, 'stop')],
    reasoning: 'Hm',
  },
  'the same thoughts in two fields': {
    from: 'openai-chat',
    stream: [chunk({ reasoning_content: 'Hm', reasoning: 'Hm' }), chunk({ content: 'Hi' }), chunk({}, 'stop')],
    reasoning: 'Hm',
  },
  'content that is a list of thoughts and texts': {
    from: 'openai-chat',
    stream: [
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] }),
      chunk({ content: [{ type: 'text', text: 'H' }] }),
      chunk({ content: 'i' }),
      chunk({}, 'stop'),
    ],
    reasoning: 'Hm',
  },
  'pings and events that nobody knows': {
    from: 'anthropic-messages',
    stream: [
      { type: 'ping' },
      { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [] } },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'tomorrow', value: 1 },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'tomorrow_delta', text: 'no' } },
      { type: 'content_block_delta', index: 9, delta: { type: 'text_delta', text: 'no' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
      { type: 'ping' },
      { type: 'message_stop' },
    ],
  },
  'thoughts with their signature, hidden thoughts, and texts in pieces': {
    from: 'anthropic-messages',
    stream: [
      { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'eA==' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: 'H' } },
      { type: 'content_block_stop', index: 2 },
      { type: 'content_block_start', index: 3, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 3, delta: { type: 'text_delta', text: 'i' } },
      { type: 'content_block_stop', index: 3 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
      { type: 'message_stop' },
    ],
    reasoning: 'Hm',
  },
  'chunks without candidates, and a signature on an empty text': {
    from: 'gemini',
    stream: [
      { usageMetadata: {}, modelVersion: 'g' },
      { candidates: [{ content: { parts: [{ text: 'Hm', thought: true }] } }] },
      { candidates: [{ content: { parts: [{ text: 'Hi' }] } }] },
      { candidates: [{ content: { parts: [{ text: '', thoughtSignature: 'c2ln' }] }, finishReason: 'STOP' }] },
      { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 } },
    ],
    reasoning: 'Hm',
  },
  'padding, and blocks that nobody ends': {
    from: 'bedrock-converse',
    stream: [
      ['messageStart', { role: 'assistant', p: 'abc' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Hm' } }, p: 'ab' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'c2ln' } }, p: 'ab' }],
      ['contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'Hi' }, p: 'abcd' }],
      ['tomorrow', { value: 1 }],
      ['messageStop', { stopReason: 'end_turn', p: 'a' }],
    ],
    reasoning: 'Hm',
  },
  'events behind the end, and of what nobody began': {
    from: 'openai-responses',
    stream: [
      { type: 'response.created', response: { id: 'resp_1', object: 'response', model: 'm', status: 'in_progress' } },
      {
        type: 'response.output_text.delta',
        output_index: 0,
        content_index: 0,
        item_id: 'msg_1',
        delta: 'Hi',
        obfuscation: 'x',
      },
      { type: 'response.tomorrow.delta', output_index: 7, delta: 'no' },
      {
        type: 'response.completed',
        response: { id: 'resp_1', object: 'response', model: 'm', status: 'completed', output: [] },
      },
      '[DONE]',
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'msg_1', delta: 'no' },
    ],
  },
}

for (const to of targets) {
  describe(`a stream, for clients of ${to}`, () => {
    for (const [name, { from, stream, text = 'Hi', reasoning = '' }] of Object.entries(odd)) {
      test(`of ${from}: ${name}`, () => {
        for (const [, said] of bothTo(to, eventsFrom(from, stream))) {
          expect(said.choices).toHaveLength(1)
          expect(said.choices[0]).toMatchObject({ text, reasoning, refusal: '', calls: [], finish: 'stop' })
        }
      })
    }
    test('comes as it is said, and not all at its end', () => {
      const events = eventsFrom('openai-chat', [
        chunk({ content: 'First' }),
        chunk({ content: ' second' }),
        chunk({}, 'stop'),
      ])
      const { wire } = streamTo(to, events)
      const places = ['First', ' second'].map((word) =>
        wire.findIndex(({ data }) => JSON.stringify(data).includes(`"${word}"`)),
      )
      expect(places[0]).toBeGreaterThanOrEqual(0)
      expect(places[1]).toBeGreaterThan(places[0] as number)
      expect(places[1]).toBeLessThan(wire.length - 1)
    })
  })
}

describe('characters', () => {
  const texts: Readonly<Record<string, readonly string[]>> = {
    'of four bytes in two halves': ['Hi \ud83d', '\ude00!'],
    'that end lines elsewhere': ['a\u2028b\u2029c\u0085d', '\r\n\r\ndata: {"x":1}\n\n'],
    'that mean nothing, or the end': ['a\u0000b', '[DONE]', '\ufeff'],
    'that stand in JSON': ['"\\', '\\u0041', '</script>'],
  }
  for (const to of targets) {
    for (const [name, pieces] of Object.entries(texts)) {
      test(`${name} come as they were said, for clients of ${to}`, () => {
        const chunks = pieces.map((content) => chunk({ content }))
        const thoughts = pieces.map((reasoning_content) => chunk({ reasoning_content }))
        for (const [, said] of bothTo(to, eventsFrom('openai-chat', [...thoughts, ...chunks, chunk({}, 'stop')])))
          expect(said.choices[0]).toMatchObject({ text: pieces.join(''), reasoning: pieces.join('') })
      })
    }
  }
})

describe('parts that grow in turns', () => {
  const kinds = ['text', 'reasoning', 'tool-call'] as const
  const steps = fc.array(
    fc.record({ kind: fc.constantFrom(...kinds), turns: fc.array(fc.nat(9), { maxLength: 3 }), ends: fc.boolean() }),
    { minLength: 1, maxLength: 6 },
  )
  for (const to of targets) {
    test(`are all told, for clients of ${to}`, () => {
      fc.assert(
        fc.property(steps, (parts) => {
          const events: ChatEvent[] = [{ kind: 'start' }]
          const rest = new Map<number, string[]>()
          const expected = { text: '', reasoning: '', calls: [] as unknown[] }
          const turn = (at: number) => {
            const [part, pieces] = [...rest][at % Math.max(1, rest.size)] ?? []
            if (part === undefined || pieces === undefined) return
            events.push({ kind: 'grow', choice: 0, part, text: pieces.shift() as string })
            if (pieces.length > 0) return
            rest.delete(part)
            if (parts[part]?.ends) events.push({ kind: 'end', choice: 0, part })
          }
          for (const [part, { kind, turns }] of parts.entries()) {
            if (kind === 'tool-call') {
              events.push({
                kind: 'begin',
                choice: 0,
                part,
                value: { kind, id: `call_${part}`, name: 'f', arguments: '' },
              })
              rest.set(part, ['{"n":', `${part}`, '}'])
              expected.calls.push({ name: 'f', args: { n: part } })
            } else {
              events.push({ kind: 'begin', choice: 0, part, value: { kind, text: `${part} ` } })
              expected[kind] += `${part} `
            }
            for (const at of turns) {
              turn(at)
              if (kind === 'tool-call') continue
              events.push({ kind: 'grow', choice: 0, part, text: 'more ' })
              expected[kind] += 'more '
            }
          }
          while (rest.size > 0) turn(0)
          events.push({ kind: 'finish', choice: 0, finish: { reason: 'stop' } })
          for (const [, said] of bothTo(to, events)) {
            expect({
              text: said.choices[0]?.text,
              reasoning: said.choices[0]?.reasoning,
              calls: callsIn(said),
            }).toEqual(expected)
          }
        }),
        { seed: 20_261_123, numRuns: 200 },
      )
    })
  }
})

test('an error after the reason is an error, and no whole answer', () => {
  const error = { error: { message: 'Broken.', code: 502 }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] }
  const broken = brokenFrom('openai-chat', [chunk({ content: 'Hi' }), chunk({}, 'stop'), error as Wire])
  expect(broken.error).toBeInstanceOf(GatewayError)
  expect(broken.events.some(({ kind }) => kind === 'finish')).toBe(false)
})

test('one of two choices that never says why it ended was cut off', () => {
  const two = {
    ...(chunk({}) as object),
    choices: [0, 1].map((index) => ({ index, delta: { content: 'Hi' }, finish_reason: null })),
  }
  expect(brokenFrom('openai-chat', [two, chunk({}, 'stop')]).error).toMatchObject({ code: 'upstream_cut' })
})

test('every fragment of a call has its number, from 0 on, in chat completions', () => {
  const events = eventsFrom('anthropic-messages', [
    { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [] } },
    ...[3, 5].flatMap((index) => [
      {
        type: 'content_block_start',
        index,
        content_block: { type: 'tool_use', id: `toolu_${index}`, name: 'f', input: {} },
      },
      { type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
      { type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '1}' } },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ])
  const fragments = streamTo('openai-chat', events).wire.flatMap(({ data }) =>
    list(obj(data).choices).flatMap(({ delta }) => list(obj(delta).tool_calls)),
  )
  expect(fragments.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1, 1])
})

describe('ids of answers', () => {
  const prefixes: Readonly<Partial<Record<Target, RegExp>>> = {
    'openai-chat': /^chatcmpl-/,
    'openai-responses': /^resp_/,
    'anthropic-messages': /^msg_/,
  }
  const wholes: Readonly<Partial<Record<Target, unknown>>> = {
    'openai-chat': { id: 'a-1', choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] },
    'anthropic-messages': { id: 'a-1', type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn' },
    gemini: { responseId: 'a-1', candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }] },
    'bedrock-converse': {
      output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
      stopReason: 'end_turn',
    },
    'openai-responses': { id: 'a-1', object: 'response', status: 'completed', output: [] },
  }
  for (const [to, prefix] of Object.entries(prefixes) as [Target, RegExp][]) {
    for (const [from, whole] of Object.entries(wholes)) {
      if (from === to) continue
      test(`from ${from} are of the kind that clients of ${to} look for, and the same each time`, () => {
        const [id, again] = [1, 2].map(() => obj(bodyTo(to, answerFrom(from, whole))).id)
        expect(id).toMatch(prefix)
        if (from !== 'bedrock-converse') expect(id).toBe(again)
      })
    }
  }
})

describe('sources', () => {
  const said = 'Über 😀: '
  const cited = 'Oslo is in Norway.'
  const url = 'https://example.org/oslo'
  const title = 'Oslo'
  const bytes = (text: string): number => Buffer.byteLength(text)
  const wholes: Readonly<Record<Target, unknown>> = {
    'openai-chat': {
      id: 'c',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: {
            role: 'assistant',
            content: said + cited,
            annotations: [
              {
                type: 'url_citation',
                url_citation: { start_index: said.length, end_index: said.length + cited.length, url, title },
              },
            ],
          },
        },
      ],
    },
    'openai-responses': {
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output: [
        {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          content: [
            {
              type: 'output_text',
              text: said + cited,
              annotations: [
                { type: 'url_citation', start_index: said.length, end_index: said.length + cited.length, url, title },
              ],
            },
          ],
        },
      ],
    },
    'anthropic-messages': {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      stop_reason: 'end_turn',
      content: [
        { type: 'text', text: said },
        {
          type: 'text',
          text: cited,
          citations: [{ type: 'web_search_result_location', url, title, cited_text: 'Oslo', encrypted_index: 'x' }],
        },
      ],
    },
    gemini: {
      candidates: [
        {
          content: { role: 'model', parts: [{ text: said + cited }] },
          finishReason: 'STOP',
          groundingMetadata: {
            groundingChunks: [{ web: { uri: url, title } }],
            groundingSupports: [
              {
                segment: { startIndex: bytes(said), endIndex: bytes(said + cited), text: cited },
                groundingChunkIndices: [0],
              },
            ],
          },
        },
      ],
    },
    'bedrock-converse': {
      output: {
        message: {
          role: 'assistant',
          content: [
            { text: said },
            { citationsContent: { content: [{ text: cited }], citations: [{ title, location: { web: { url } } }] } },
          ],
        },
      },
      stopReason: 'end_turn',
    },
  }
  for (const to of targets) {
    for (const [from, whole] of Object.entries(wholes)) {
      test(`from ${from} are with the words that they are of, for clients of ${to}`, () => {
        const answer = answerFrom(from, whole)
        const { links, quotes = [], text } = bothOf(to, answer) ?? {}
        expect(text).toBe(said + cited)
        expect(links).toEqual([{ url, title }])
        // Claude's citations and Amazon's are of a whole text, which here may be the one with all words.
        for (const quote of quotes) expect(quote.url === url && quote.text.endsWith(cited)).toBe(true)
      })
    }
  }
  const bothOf = (to: Target, answer: ChatAnswer) => {
    const [streamed, whole] = bothTo(to, [...disassemble(answer)]).map(([, { choices }]) => choices[0])
    expect(streamed?.links).toEqual(whole?.links)
    expect(streamed?.quotes).toEqual(whole?.quotes)
    return whole
  }
})

describe('how long to wait', () => {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const hints: readonly (readonly [
    from: Target,
    status: number,
    body: unknown,
    headers: Record<string, string>,
    seconds: string,
  ])[] = [
    ['openai-chat', 429, { error: { message: 'Too fast.', code: 'rate_limit_exceeded' } }, { 'retry-after': '7' }, '7'],
    ['openai-chat', 429, { error: { message: 'Rate limit reached. Please try again in 1.84s.' } }, {}, '2'],
    ['openai-chat', 429, { error: { message: 'Rate limit reached. Please try again in 6m0s.' } }, {}, '360'],
    ['openai-chat', 429, { error: { message: 'Rate limit reached. Please try again in 120ms.' } }, {}, '1'],
    ['openai-chat', 429, { error: { message: 'Please retry after 6 seconds.' } }, {}, '6'],
    ['openai-chat', 429, { error: { message: 'Please try again in 9s.' } }, { 'retry-after': '4' }, '4'],
    [
      'anthropic-messages',
      529,
      { type: 'error', error: { type: 'overloaded_error', message: 'No.' } },
      { 'retry-after': '3' },
      '3',
    ],
    [
      'gemini',
      429,
      {
        error: {
          code: 429,
          status: 'RESOURCE_EXHAUSTED',
          message: 'Quota.',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '13.2s' }],
        },
      },
      {},
      '14',
    ],
    ['bedrock-converse', 429, { __type: 'ThrottlingException', message: 'No.' }, { 'retry-after': '5' }, '5'],
  ]
  for (const to of targets) {
    for (const [from, status, body, headers, seconds] of hints) {
      test(`is ${seconds} s after ${JSON.stringify(body).slice(0, 70)}, for clients of ${to}`, () => {
        const { error } = dialectOf(from).readError(status, json(body), headers)
        const told = translatedError(error, headers, dialectOf(to))
        expect(told.details.headers?.['retry-after']).toBe(seconds)
        if (to === 'gemini') expect(dialectOf(to).encodeError(told)).toContain(`"retryDelay":"${seconds}s"`)
      })
    }
  }
  test('is not known where nobody says it', () => {
    for (const message of ['Try again later.', 'Please try again in a moment.', 'try again in 0s', 'retry after'])
      expect(
        dialectOf('openai-chat').readError(429, json({ error: { message } })).error.details.headers,
      ).toBeUndefined()
  })
})

describe('statuses of errors between dialects', () => {
  const told = (from: Target, status: number, body: unknown, to: Target): number =>
    translatedError(dialectOf(from).readError(status, Buffer.from(JSON.stringify(body))).error, {}, dialectOf(to))
      .status
  test('are those that the clients know', () => {
    const broke = { type: 'error', error: { type: 'invalid_request_error', message: 'Your credit balance is too low' } }
    const missing = { error: { message: 'No.', type: 'invalid_request_error', code: 'model_not_found' } }
    const busy = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
    expect(told('anthropic-messages', 400, broke, 'openai-chat')).toBe(429)
    expect(told('anthropic-messages', 400, broke, 'gemini')).toBe(429)
    expect(told('openai-chat', 402, { error: { message: 'Insufficient credits' } }, 'anthropic-messages')).toBe(402)
    expect(told('openai-responses', 400, missing, 'anthropic-messages')).toBe(404)
    expect(told('openai-responses', 400, missing, 'openai-chat')).toBe(404)
    expect(told('anthropic-messages', 529, busy, 'openai-chat')).toBe(503)
    expect(told('anthropic-messages', 529, busy, 'gemini')).toBe(503)
    expect(told('openai-chat', 503, { error: { message: 'Overloaded' } }, 'anthropic-messages')).toBe(529)
  })
})
