/** Why an answer ended, in every provider's words, as each client is told. */
import { describe, expect, test } from 'vitest'
import type { SaidFinish } from '../recordings/matrix/oracle/said.ts'
import {
  answerFrom,
  bodyTo,
  eventsFrom,
  framesTo,
  streamTo,
  type Target,
  targets,
  type Wire,
  wholeTo,
} from './answer-kit.ts'

interface Provider {
  whole(reason: unknown): unknown
  stream(reason: unknown): readonly Wire[]
}

const chunk = (delta: object, finish_reason: unknown): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})

const incomplete = (reason: unknown): object => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  model: 'm',
  status: reason === 'completed' ? 'completed' : 'incomplete',
  incomplete_details: reason === 'completed' ? null : { reason },
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
    },
  ],
})

const providers: Readonly<Record<string, Provider>> = {
  'openai-chat': {
    whole: (finish_reason) => ({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_790_000_000,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason }],
    }),
    stream: (reason) => [chunk({ role: 'assistant', content: 'Hi' }, null), chunk({}, reason)],
  },
  'anthropic-messages': {
    whole: (stop_reason) => ({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'c',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason,
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
    stream: (stop_reason) => [
      { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 1 } },
      { type: 'message_stop' },
    ],
  },
  gemini: {
    whole: (finishReason) => ({
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason, index: 0 }],
    }),
    stream: (finishReason) => [
      { candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, index: 0 }] },
      { candidates: [{ finishReason, index: 0 }] },
    ],
  },
  'bedrock-converse': {
    whole: (stopReason) => ({
      output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
      stopReason,
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    }),
    stream: (stopReason) => [
      ['messageStart', { role: 'assistant' }],
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }],
      ['contentBlockStop', { contentBlockIndex: 0 }],
      ['messageStop', { stopReason }],
    ],
  },
  'openai-responses': {
    whole: incomplete,
    stream: (reason) => [
      { type: 'response.created', response: { ...incomplete(reason), status: 'in_progress', output: [] } },
      { type: reason === 'completed' ? 'response.completed' : 'response.incomplete', response: incomplete(reason) },
    ],
  },
}

type Words = Readonly<Record<string, readonly string[]>>

/** What each provider says, by what it means. */
const meanings: Readonly<Partial<Record<SaidFinish, Words>>> = {
  stop: {
    'openai-chat': ['stop', 'eos', ''],
    'anthropic-messages': ['end_turn'],
    gemini: ['STOP'],
    'bedrock-converse': ['end_turn'],
    'openai-responses': ['completed'],
  },
  stop_sequence: { 'anthropic-messages': ['stop_sequence'], 'bedrock-converse': ['stop_sequence'] },
  length: {
    'openai-chat': ['length', 'max_tokens', 'model_length'],
    'anthropic-messages': ['max_tokens', 'model_context_window_exceeded'],
    gemini: ['MAX_TOKENS'],
    'bedrock-converse': ['max_tokens', 'model_context_window_exceeded'],
    'openai-responses': ['max_output_tokens'],
  },
  content_filter: {
    'openai-chat': ['content_filter'],
    'anthropic-messages': ['refusal'],
    gemini: [
      'SAFETY',
      'RECITATION',
      'LANGUAGE',
      'BLOCKLIST',
      'PROHIBITED_CONTENT',
      'SPII',
      'IMAGE_SAFETY',
      'IMAGE_PROHIBITED_CONTENT',
      'IMAGE_RECITATION',
      'IMAGE_OTHER',
    ],
    'bedrock-converse': ['content_filtered', 'guardrail_intervened'],
    'openai-responses': ['content_filter'],
  },
  pause: { 'anthropic-messages': ['pause_turn'] },
  malformed: {
    gemini: ['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE'],
    'bedrock-converse': ['malformed_model_output', 'malformed_tool_use'],
  },
  other: {
    'openai-chat': ['a_word_of_tomorrow', 'constructor', 'error', 'insufficient_system_resource'],
    'anthropic-messages': ['a_word_of_tomorrow', 'constructor'],
    gemini: ['OTHER', 'NO_IMAGE', 'A_WORD_OF_TOMORROW', 'constructor'],
    'bedrock-converse': ['a_word_of_tomorrow', 'constructor'],
  },
}

const told: Readonly<Record<Target, Readonly<Partial<Record<SaidFinish, string>>>>> = {
  'openai-chat': {
    stop: 'stop',
    stop_sequence: 'stop',
    length: 'length',
    content_filter: 'content_filter',
    pause: 'stop',
    malformed: 'stop',
    other: 'stop',
  },
  'openai-responses': {
    stop: 'completed',
    stop_sequence: 'completed',
    length: 'incomplete max_output_tokens',
    content_filter: 'incomplete content_filter',
    pause: 'completed',
    malformed: 'completed',
    other: 'completed',
  },
  'anthropic-messages': {
    stop: 'end_turn',
    stop_sequence: 'stop_sequence',
    length: 'max_tokens',
    content_filter: 'refusal',
    pause: 'pause_turn',
    malformed: 'end_turn',
    other: 'end_turn',
  },
  gemini: {
    stop: 'STOP',
    stop_sequence: 'STOP',
    length: 'MAX_TOKENS',
    content_filter: 'SAFETY',
    pause: 'OTHER',
    malformed: 'MALFORMED_RESPONSE',
    other: 'OTHER',
  },
  'bedrock-converse': {
    stop: 'end_turn',
    stop_sequence: 'stop_sequence',
    length: 'max_tokens',
    content_filter: 'content_filtered',
    pause: 'end_turn',
    malformed: 'malformed_model_output',
    other: 'end_turn',
  },
}

/** The word for its end in a whole answer of each dialect. */
// biome-ignore lint/suspicious/noExplicitAny: it is read as the dialect has it, and fails where it is not.
const wordIn: Readonly<Record<Target, (body: any) => unknown>> = {
  'openai-chat': (body) => body.choices[0].finish_reason,
  'openai-responses': (body) => [body.status, body.incomplete_details?.reason].filter(Boolean).join(' '),
  'anthropic-messages': (body) => body.stop_reason,
  gemini: (body) => body.candidates[0].finishReason,
  'bedrock-converse': (body) => body.stopReason,
}

/** The word in the last event of a stream that has one. */
// biome-ignore lint/suspicious/noExplicitAny: most events have none of it.
const wordsIn: Readonly<Record<Target, (event: any) => unknown>> = {
  'openai-chat': (chunk) => chunk.choices?.[0]?.finish_reason,
  'openai-responses': ({ type, response }) =>
    /completed|incomplete/.test(type) &&
    [response.status, response.incomplete_details?.reason].filter(Boolean).join(' '),
  'anthropic-messages': ({ delta }) => delta?.stop_reason,
  gemini: ({ candidates }) => candidates?.[0]?.finishReason,
  'bedrock-converse': ({ stopReason }) => stopReason,
}

/** Words that both dialects have go on as they are. */
const shared = new Set(['model_context_window_exceeded', 'max_tokens', 'end_turn', 'stop_sequence'])

describe('why an answer ended', () => {
  for (const to of targets) {
    for (const [meaning, words] of Object.entries(meanings)) {
      for (const [from, natives] of Object.entries(words)) {
        if (from === to) continue
        for (const native of natives) {
          test(`${native || 'the empty word'} of ${from}, for clients of ${to}`, () => {
            const provider = providers[from] as Provider
            const word = shared.has(native)
              ? [native, told[to][meaning as SaidFinish]]
              : [told[to][meaning as SaidFinish]]
            expect(word).toContain(wordIn[to](bodyTo(to, answerFrom(from, provider.whole(native)))))
            const { wire, faults } = streamTo(
              to,
              eventsFrom(from, [...provider.stream(native), ...(native === '' ? ['[DONE]'] : [])]),
            )
            const said = wire.map(({ data }) => wordsIn[to](data)).filter(Boolean)
            expect(said).toHaveLength(1)
            expect(word).toContain(said[0])
            expect(faults).toEqual([])
          })
        }
      }
    }
  }
})

describe('a refusal of Claude', () => {
  const body = (content: object[]): unknown => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content,
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'I will not.' },
    usage: { input_tokens: 1, output_tokens: 1 },
  })
  for (const to of targets) {
    test(`without words says why, for clients of ${to}`, () => {
      const { text, refusal, finish } = wholeTo(to, answerFrom('anthropic-messages', body([]))).choices[0] ?? {}
      expect(`${text}${refusal}`).toBe('I will not.')
      expect(finish).toBe('content_filter')
    })
    test(`keeps what was said before, for clients of ${to}`, () => {
      const said = wholeTo(to, answerFrom('anthropic-messages', body([{ type: 'text', text: 'First ' }])))
      expect(said.choices[0]?.text).toContain('First ')
      expect(said.choices[0]?.finish).toBe('content_filter')
    })
  }
})

describe('an answer that says nothing', () => {
  const empty: Readonly<
    Record<string, { readonly whole: unknown; readonly stream: readonly Wire[]; readonly end: SaidFinish }>
  > = {
    'openai-chat': {
      whole: {
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: null }, finish_reason: 'length' }],
      },
      stream: [chunk({ role: 'assistant', content: '' }, null), chunk({}, 'length')],
      end: 'length',
    },
    'anthropic-messages': {
      whole: { type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn' },
      stream: [
        { type: 'message_start', message: { type: 'message', role: 'assistant', content: [] } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
        { type: 'message_stop' },
      ],
      end: 'stop',
    },
    gemini: {
      whole: { candidates: [{ finishReason: 'MAX_TOKENS' }] },
      stream: [{ candidates: [{ content: {}, finishReason: 'MAX_TOKENS' }] }],
      end: 'length',
    },
    'bedrock-converse': {
      whole: { output: { message: { role: 'assistant', content: [] } }, stopReason: 'max_tokens' },
      stream: [
        ['messageStart', { role: 'assistant' }],
        ['messageStop', { stopReason: 'max_tokens' }],
      ],
      end: 'length',
    },
    'openai-responses': {
      whole: { ...incomplete('max_output_tokens'), output: [] },
      stream: [{ type: 'response.incomplete', response: { ...incomplete('max_output_tokens'), output: [] } }],
      end: 'length',
    },
  }
  for (const to of targets) {
    for (const [from, { whole, stream, end }] of Object.entries(empty)) {
      test(`from ${from} is an answer all the same, for clients of ${to}`, () => {
        for (const said of [wholeTo(to, answerFrom(from, whole)), streamTo(to, eventsFrom(from, stream)).said]) {
          expect(said.choices).toHaveLength(1)
          expect(said.choices[0]).toMatchObject({ text: '', refusal: '', calls: [], finish: end })
        }
        expect(streamTo(to, eventsFrom(from, stream)).faults).toEqual([])
      })
    }
  }
})

describe('a stream', () => {
  const twice = [chunk({ role: 'assistant', content: 'Hi' }, null), chunk({}, 'stop'), chunk({}, 'stop'), '[DONE]']
  const early = [
    { candidates: [{ content: { parts: [{ text: 'H' }] }, finishReason: 'STOP' }] },
    { candidates: [{ content: { parts: [{ text: 'i' }] }, finishReason: 'STOP' }] },
  ]
  for (const to of targets) {
    for (const [from, stream] of [
      ['openai-chat', twice],
      ['gemini', early],
    ] as const) {
      test(`of ${from} that ends twice ends once, after its last word, for clients of ${to}`, () => {
        const { wire, said, faults } = streamTo(to, eventsFrom(from, stream))
        expect(said.choices[0]?.text).toBe('Hi')
        if (from !== to) expect(wire.map(({ data }) => wordsIn[to](data)).filter(Boolean)).toHaveLength(1)
        expect(faults).toEqual([])
      })
    }
  }
  test('begins with its role, once', () => {
    for (const [from, { stream }] of Object.entries(providers)) {
      const chunks = framesTo('openai-chat', eventsFrom(from, stream(meanings.length?.[from]?.[0]))).map(
        ({ data }) => data,
      )
      expect(chunks.filter((data) => data.includes('"role":"assistant"'))).toEqual([chunks[0]])
    }
  })
})
