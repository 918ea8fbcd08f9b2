/** What an answer cost, in every provider's numbers, as each client reads them: streamed and whole the same. */
import { describe, expect, test } from 'vitest'
import { assemble } from '../../src/core/chat-events.ts'
import { inputTokens, outputTokens, type Usage, usageBuckets } from '../../src/core/usage.ts'
import type { SaidUsage } from '../recordings/matrix/oracle/said.ts'
import { answerFrom, bothTo, eventsFrom, streamTo, targets, type Wire, wholeTo } from './answer-kit.ts'

interface Case {
  readonly name: string
  readonly from: string
  readonly whole: unknown
  readonly stream: readonly Wire[]
  readonly expected: SaidUsage
}

const chunk = (delta: object, finish_reason: string | null, usage?: unknown): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
  ...(usage !== undefined && { usage }),
})

const chatWhole = (usage: unknown): unknown => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage,
})

const bare = (usage: unknown, more: object = {}): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [],
  usage,
  ...more,
})

const said = chunk({ role: 'assistant', content: 'Hi' }, null)
const over = chunk({}, 'stop')

/** Where in a stream of OpenAI's kind its numbers have been seen. */
const places: Readonly<Record<string, (usage: unknown) => readonly Wire[]>> = {
  'in a chunk of their own at the end': (usage) => [said, over, bare(usage), '[DONE]'],
  'in the chunk that says why it ended': (usage) => [said, chunk({}, 'stop', usage), '[DONE]'],
  'behind null in all chunks before': (usage) => [
    chunk({ content: 'Hi' }, null, null),
    chunk({}, 'stop', null),
    bare(usage),
    '[DONE]',
  ],
  'in every chunk, growing': (usage) => [
    chunk({ content: 'H' }, null, { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 }),
    chunk({ content: 'i' }, null, usage),
    chunk({}, 'stop', usage),
    '[DONE]',
  ],
  'beside a choice without a reason, after the reason': (usage) => [said, over, chunk({}, null, usage), '[DONE]'],
  "in Groq's own field": (usage) => [said, { ...(over as object), x_groq: { id: 'r', usage } }, '[DONE]'],
  'inside the choice': (usage) => [
    said,
    { ...(over as object), choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] },
    '[DONE]',
  ],
  'in a stream without its mark at the end': (usage) => [said, over, bare(usage)],
}

const openai = {
  prompt_tokens: 100,
  completion_tokens: 50,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 20 },
}

const message = (usage: unknown): unknown => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'c',
  content: [{ type: 'text', text: 'Hi' }],
  stop_reason: 'end_turn',
  usage,
})

const messages = (start: unknown, ...deltas: unknown[]): readonly Wire[] => [
  {
    type: 'message_start',
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [], usage: start },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
  { type: 'content_block_stop', index: 0 },
  ...deltas.map((usage, place) => ({
    type: 'message_delta',
    delta: { stop_reason: place === deltas.length - 1 ? 'end_turn' : null },
    usage,
  })),
  { type: 'message_stop' },
]

const candidate = (more: object): object => ({
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP', index: 0 }],
  ...more,
})

const converse = (usage: unknown): unknown => ({
  output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
  stopReason: 'end_turn',
  usage,
})
const converseStream = (usage: unknown): readonly Wire[] => [
  ['messageStart', { role: 'assistant' }],
  ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }],
  ['contentBlockStop', { contentBlockIndex: 0 }],
  ['messageStop', { stopReason: 'end_turn' }],
  ['metadata', { usage, metrics: { latencyMs: 1 } }],
]

const responded = (usage: unknown): object => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  model: 'm',
  status: 'completed',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
    },
  ],
  usage,
})

const chat = (name: string, usage: unknown, expected: SaidUsage): Case => ({
  name,
  from: 'openai-chat',
  whole: chatWhole(usage),
  stream: [said, over, bare(usage), '[DONE]'],
  expected,
})

const plain = { cached: 0, written: 0, reasoning: 0 }

const cases: readonly Case[] = [
  ...Object.entries(places).map(([name, place]) => ({
    name,
    from: 'openai-chat',
    whole: chatWhole(openai),
    stream: place(openai),
    expected: { input: 100, output: 50, cached: 60, written: 10, reasoning: 20 },
  })),
  chat(
    'xAI, whose completion leaves reasoning out',
    {
      prompt_tokens: 100,
      completion_tokens: 30,
      total_tokens: 150,
      completion_tokens_details: { reasoning_tokens: 20 },
    },
    { ...plain, input: 100, output: 50, reasoning: 20 },
  ),
  chat(
    'DeepSeek, with hits and misses of its cache',
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    },
    { ...plain, input: 100, output: 50, cached: 64 },
  ),
  chat(
    'Moonshot, with its cache beside the totals',
    { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150, cached_tokens: 64 },
    { ...plain, input: 100, output: 50, cached: 64 },
  ),
  chat(
    'totals that are no sum',
    { prompt_tokens: 100, completion_tokens: 50, total_tokens: 999 },
    { ...plain, input: 100, output: 50 },
  ),
  chat(
    'more from and into the cache than there was',
    {
      prompt_tokens: 30_946,
      completion_tokens: 5,
      total_tokens: 30_951,
      prompt_tokens_details: { cached_tokens: 30_940, cache_write_tokens: 460 },
    },
    { input: 30_946, output: 5, cached: 30_940, written: 6, reasoning: 0 },
  ),
  chat(
    'more reasoning than there was',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 50 } },
    { ...plain, input: 10, output: 5, reasoning: 5 },
  ),
  {
    name: 'caches beside the input',
    from: 'anthropic-messages',
    whole: message({
      input_tokens: 30,
      cache_creation_input_tokens: 10,
      cache_read_input_tokens: 60,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 20 },
    }),
    stream: messages(
      { input_tokens: 30, cache_creation_input_tokens: 10, cache_read_input_tokens: 60, output_tokens: 1 },
      { output_tokens: 50, output_tokens_details: { thinking_tokens: 20 } },
    ),
    expected: { input: 100, output: 50, cached: 60, written: 10, reasoning: 20 },
  },
  {
    name: 'totals that are told again and grow',
    from: 'anthropic-messages',
    whole: message({ input_tokens: 45, cache_read_input_tokens: 60, output_tokens: 50 }),
    stream: messages(
      { input_tokens: 30, cache_creation_input_tokens: null, cache_read_input_tokens: 60, output_tokens: 9 },
      { output_tokens: 20 },
      { input_tokens: 45, cache_read_input_tokens: 60, output_tokens: 50 },
    ),
    expected: { ...plain, input: 105, output: 50, cached: 60 },
  },
  {
    name: 'a start that counts the cache in, put right at the end',
    from: 'anthropic-messages',
    whole: message({ input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 50 }),
    stream: messages(
      { input_tokens: 100, output_tokens: 0 },
      { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 50 },
    ),
    expected: { ...plain, input: 100, output: 50, cached: 60 },
  },
  {
    name: 'null and nothing leave what was known',
    from: 'anthropic-messages',
    whole: message({ input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 50 }),
    stream: messages(
      { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 1 },
      { input_tokens: null, cache_read_input_tokens: null, output_tokens: 50 },
    ),
    expected: { ...plain, input: 100, output: 50, cached: 60 },
  },
  {
    name: 'thoughts and the prompts of its tools beside the rest',
    from: 'gemini',
    whole: candidate({
      usageMetadata: {
        promptTokenCount: 90,
        toolUsePromptTokenCount: 10,
        cachedContentTokenCount: 60,
        candidatesTokenCount: 30,
        thoughtsTokenCount: 20,
        totalTokenCount: 150,
      },
    }),
    stream: [
      { candidates: [{ content: { parts: [{ text: 'H' }] } }], usageMetadata: {} },
      {
        candidates: [{ content: { parts: [{ text: 'i' }] } }],
        usageMetadata: { promptTokenCount: 90, thoughtsTokenCount: 20, totalTokenCount: 110 },
      },
      {
        candidates: [{ finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: 90,
          toolUsePromptTokenCount: 10,
          cachedContentTokenCount: 60,
          candidatesTokenCount: 30,
          thoughtsTokenCount: 20,
          totalTokenCount: 150,
        },
      },
    ],
    expected: { ...plain, input: 100, output: 50, cached: 60, reasoning: 20 },
  },
  {
    name: 'more from the cache than there was',
    from: 'gemini',
    whole: candidate({
      usageMetadata: {
        promptTokenCount: 90,
        cachedContentTokenCount: 100,
        candidatesTokenCount: 5,
        totalTokenCount: 95,
      },
    }),
    stream: [
      candidate({
        usageMetadata: {
          promptTokenCount: 90,
          cachedContentTokenCount: 100,
          candidatesTokenCount: 5,
          totalTokenCount: 95,
        },
      }),
    ],
    expected: { ...plain, input: 90, output: 5, cached: 90 },
  },
  {
    name: 'no count of what it said, which is the rest of the total',
    from: 'gemini',
    whole: candidate({ usageMetadata: { promptTokenCount: 90, totalTokenCount: 95 } }),
    stream: [candidate({ usageMetadata: { promptTokenCount: 90, totalTokenCount: 95 } })],
    expected: { ...plain, input: 90, output: 5 },
  },
  {
    name: 'caches beside the input, after the end',
    from: 'bedrock-converse',
    whole: converse({
      inputTokens: 30,
      outputTokens: 50,
      totalTokens: 150,
      cacheReadInputTokens: 60,
      cacheWriteInputTokens: 10,
    }),
    stream: converseStream({
      inputTokens: 30,
      outputTokens: 50,
      totalTokens: 150,
      cacheReadInputTokens: 60,
      cacheWriteInputTokens: 10,
    }),
    expected: { input: 100, output: 50, cached: 60, written: 10, reasoning: 0 },
  },
  {
    name: 'names that end in Count',
    from: 'bedrock-converse',
    whole: converse({ inputTokens: 30, outputTokens: 50, cacheReadInputTokenCount: 60, cacheWriteInputTokenCount: 10 }),
    stream: converseStream({
      inputTokens: 30,
      outputTokens: 50,
      cacheReadInputTokenCount: 60,
      cacheWriteInputTokenCount: 10,
    }),
    expected: { input: 100, output: 50, cached: 60, written: 10, reasoning: 0 },
  },
  ...[
    {
      name: 'details inside the totals',
      usage: {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
        output_tokens: 50,
        output_tokens_details: { reasoning_tokens: 20 },
        total_tokens: 150,
      },
      expected: { input: 100, output: 50, cached: 60, written: 10, reasoning: 20 },
    },
    {
      name: 'more from and into the cache than there was',
      usage: {
        input_tokens: 30_946,
        input_tokens_details: { cached_tokens: 30_940, cache_write_tokens: 460 },
        output_tokens: 5,
        total_tokens: 30_951,
      },
      expected: { input: 30_946, output: 5, cached: 30_940, written: 6, reasoning: 0 },
    },
  ].map(({ name, usage, expected }) => ({
    name,
    from: 'openai-responses',
    whole: responded(usage),
    stream: [
      { type: 'response.created', response: { ...responded(null), status: 'in_progress', output: [] } },
      { type: 'response.completed', response: responded(usage) },
    ],
    expected,
  })),
]

/** What a dialect has no number for. */
const untold: Readonly<Record<string, readonly (keyof SaidUsage)[]>> = {
  gemini: ['written'],
  'bedrock-converse': ['reasoning'],
}

for (const to of targets) {
  describe(`usage, for clients of ${to}`, () => {
    for (const { from, name, whole, stream, expected } of cases) {
      // A client of the same dialect has its provider's own numbers.
      if (from === to) continue
      test(`from ${from}: ${name}`, () => {
        const wanted = { ...expected, ...Object.fromEntries((untold[to] ?? []).map((field) => [field, 0])) }
        expect(wholeTo(to, answerFrom(from, whole)).usage).toEqual(wanted)
        for (const [, { usage }] of bothTo(to, eventsFrom(from, stream))) expect(usage).toEqual(wanted)
      })
    }
  })
}

describe('our own buckets', () => {
  for (const { from, name, whole, stream, expected } of cases) {
    test(`are apart, never below 0, and the same whole and streamed: ${from}, ${name}`, () => {
      const usage = answerFrom(from, whole).usage as Usage
      expect(assemble(eventsFrom(from, stream)).usage).toEqual(usage)
      expect(inputTokens(usage)).toBe(expected.input)
      expect(outputTokens(usage)).toBe(expected.output)
      for (const bucket of usageBuckets) expect(usage[bucket] ?? 0).toBeGreaterThanOrEqual(0)
    })
  }
})

describe('a client of chat completions', () => {
  test('has the numbers in a chunk of their own, after the end, and their total is their sum', () => {
    for (const { from, stream, expected } of cases) {
      if (from === 'openai-chat') continue
      const { wire } = streamTo('openai-chat', eventsFrom(from, stream))
      const last = wire.at(-1)?.data as { choices: unknown[]; usage: Record<string, number> }
      expect(last.choices).toEqual([])
      expect(last.usage.total_tokens).toBe(expected.input + expected.output)
      for (const { data } of wire.slice(0, -1)) expect(data).toHaveProperty('usage', null)
    }
  })
})

describe('usage that nobody told', () => {
  for (const to of targets) {
    test(`is not made up in a stream, for clients of ${to}`, () => {
      const { wire, faults } = streamTo(to, eventsFrom('openai-chat', [said, over, '[DONE]']))
      expect(faults).toEqual([])
      const numbers = JSON.stringify(wire).match(/"(prompt_tokens|total_tokens|promptTokenCount|totalTokens)":\d+/g)
      expect(numbers).toBeNull()
    })
  }
})

describe('a strict client of Messages', () => {
  test('has numbers at the start and at the end, wherever they came from', () => {
    for (const { from, stream } of cases) {
      if (from === 'anthropic-messages') continue
      const { wire } = streamTo('anthropic-messages', eventsFrom(from, stream))
      const [start] = wire
      expect(start?.data).toHaveProperty('message.usage.input_tokens', expect.any(Number))
      expect(start?.data).toHaveProperty('message.usage.output_tokens', expect.any(Number))
      for (const field of ['cache_creation_input_tokens', 'cache_read_input_tokens'])
        expect(start?.data).toHaveProperty(`message.usage.${field}`)
      expect(wire.at(-2)?.data).toHaveProperty('usage.output_tokens', expect.any(Number))
    }
  })
})
