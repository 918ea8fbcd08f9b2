/** Calls of tools, in every way in which providers stream them: each client gets each call once, whole, and in order. */
import { describe, expect, test } from 'vitest'
import type { ChatEvent } from '../../src/core/chat.ts'
import {
  answerFrom,
  bothTo,
  callsIn,
  eventsFrom,
  framesTo,
  streamTo,
  targets,
  type Wire,
  wholeTo,
} from './answer-kit.ts'

interface Case {
  readonly name: string
  readonly from: string
  readonly stream: readonly Wire[]
  readonly calls: readonly (readonly [name: string, args: unknown])[]
  readonly text?: string
  readonly finish?: string
}

const chunk = (delta: object, finish_reason: string | null = null, more: object = {}): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})
const calls = (...tool_calls: object[]): Wire => chunk({ tool_calls })
const over = chunk({}, 'tool_calls')

const call = (id: string | undefined, name: string | undefined, args: string | undefined, index?: number): object => ({
  ...(index !== undefined && { index }),
  ...(id !== undefined && { id, type: 'function' }),
  function: { ...(name !== undefined && { name }), ...(args !== undefined && { arguments: args }) },
})

const weather = ['weather', { city: 'Oslo' }] as const
const time = ['time', { zone: 'CET' }] as const

const chatCases: readonly Omit<Case, 'from'>[] = [
  {
    name: 'an id in the first fragment only',
    stream: [
      calls(call('call_a', 'weather', '', 0)),
      calls(call(undefined, undefined, '{"city":', 0)),
      calls(call(undefined, undefined, '"Oslo"}', 0)),
      over,
    ],
    calls: [weather],
  },
  {
    name: 'id and name repeated with every fragment',
    stream: [calls(call('call_a', 'weather', '{"city":', 0)), calls(call('call_a', 'weather', '"Oslo"}', 0)), over],
    calls: [weather],
  },
  {
    name: 'an empty id and name in the fragments that follow',
    stream: [calls(call('call_a', 'weather', '{"city":', 0)), calls(call('', '', '"Oslo"}', 0)), over],
    calls: [weather],
  },
  {
    name: 'null in place of what is not said again',
    stream: [
      calls(call('call_a', 'weather', '{"city":', 0)),
      calls({ index: 0, id: null, type: null, function: { name: null, arguments: '"Oslo"}' } }),
      over,
    ],
    calls: [weather],
  },
  {
    name: 'a name in pieces',
    stream: [
      calls(call('call_a', 'wea', '', 0)),
      calls(call(undefined, 'ther', '', 0)),
      calls(call(undefined, undefined, '{"city":"Oslo"}', 0)),
      over,
    ],
    calls: [weather],
  },
  {
    name: 'a name that comes after the id',
    stream: [
      calls({ index: 0, id: 'call_a', type: 'function' }),
      calls(call(undefined, 'weather', '', 0)),
      calls(call(undefined, undefined, '{"city":"Oslo"}', 0)),
      over,
    ],
    calls: [weather],
  },
  {
    name: 'all in one chunk, with the reason and the usage',
    stream: [
      chunk(
        { role: 'assistant', content: null, tool_calls: [call('call_a', 'weather', '{"city":"Oslo"}', 0)] },
        'tool_calls',
        { usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 } },
      ),
    ],
    calls: [weather],
  },
  {
    name: 'the last fragment with the reason',
    stream: [
      calls(call('call_a', 'weather', '{"city":', 0)),
      chunk({ tool_calls: [call(undefined, undefined, '"Oslo"}', 0)] }, 'tool_calls'),
    ],
    calls: [weather],
  },
  {
    name: 'two calls that all have the index 0',
    stream: [
      calls(call('call_a', 'weather', '{"city":"Oslo"}', 0)),
      calls(call('call_b', 'time', '{"zone":"CET"}', 0)),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'two calls that all have the index 0, in turns',
    stream: [
      calls(call('call_a', 'weather', '{"city":', 0)),
      calls(call('call_b', 'time', '{"zone":', 0)),
      calls(call('call_a', undefined, '"Oslo"}', 0)),
      calls(call('call_b', undefined, '"CET"}', 0)),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'no index, and a new id for a new call',
    stream: [
      calls(call('call_a', 'weather', '{"city":', undefined)),
      calls(call(undefined, undefined, '"Oslo"}', undefined)),
      calls(call('call_b', 'time', '{"zone":"CET"}', undefined)),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'neither index nor id, one call a chunk',
    stream: [
      calls(call(undefined, 'weather', '{"city":"Oslo"}')),
      calls(call(undefined, 'time', '{"zone":"CET"}')),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'neither index nor id, all in one chunk',
    stream: [calls(call(undefined, 'weather', '{"city":"Oslo"}'), call(undefined, 'time', '{"zone":"CET"}')), over],
    calls: [weather, time],
  },
  {
    name: 'neither index nor id, the same tool twice',
    stream: [calls(call('', 'weather', '{"city":"Oslo"}'), call('', 'weather', '{"city":"Rome"}')), over],
    calls: [weather, ['weather', { city: 'Rome' }]],
  },
  {
    name: 'two calls in turns',
    stream: [
      calls(call('call_a', 'weather', '', 0), call('call_b', 'time', '', 1)),
      calls(call(undefined, undefined, '{"zone":', 1), call(undefined, undefined, '{"city":', 0)),
      calls(call(undefined, undefined, '"Oslo"}', 0)),
      calls(call(undefined, undefined, '"CET"}', 1)),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'indexes with a gap, from 1 on',
    stream: [
      calls(call('call_a', 'weather', '{"city":"Oslo"}', 1)),
      calls(call('call_b', 'time', '{"zone":"CET"}', 3)),
      over,
    ],
    calls: [weather, time],
  },
  {
    name: 'no arguments at all',
    stream: [calls(call('call_a', 'now', undefined, 0)), calls(call('call_b', 'here', '', 1)), over],
    calls: [
      ['now', {}],
      ['here', {}],
    ],
  },
  {
    name: 'a call and text in one chunk',
    stream: [chunk({ content: 'Let me look.', tool_calls: [call('call_a', 'weather', '{"city":"Oslo"}', 0)] }), over],
    calls: [weather],
    text: 'Let me look.',
  },
  {
    name: 'text after a call, and between its fragments',
    stream: [
      chunk({ content: 'One ' }),
      calls(call('call_a', 'weather', '{"city":', 0)),
      chunk({ content: 'two ' }),
      calls(call(undefined, undefined, '"Oslo"}', 0)),
      chunk({ content: 'three' }),
      over,
    ],
    calls: [weather],
    text: 'One two three',
  },
  {
    name: 'an empty list of calls beside text',
    stream: [chunk({ content: 'Hi', tool_calls: [] }), chunk({ content: '!', tool_calls: null }), chunk({}, 'stop')],
    calls: [],
    text: 'Hi!',
    finish: 'stop',
  },
  {
    name: 'arguments that are an object',
    stream: [
      calls({ index: 0, id: 'call_a', type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } }),
      over,
    ],
    calls: [weather],
  },
  {
    name: 'characters of four bytes, quotes and line separators in its arguments',
    stream: [calls(call('call_a', 'weather', '{"city":"\\ud83d\\ude00 \\" \u2028 𝄞"}', 0)), over],
    calls: [['weather', { city: '😀 " \u2028 𝄞' }]],
  },
  {
    name: 'the reason `stop`',
    stream: [calls(call('call_a', 'weather', '{"city":"Oslo"}', 0)), chunk({}, 'stop')],
    calls: [weather],
  },
  {
    name: 'no reason but the mark at the end',
    stream: [calls(call('call_a', 'weather', '{"city":"Oslo"}', 0)), '[DONE]'],
    calls: [weather],
  },
]

const claudes = (...events: object[]): readonly Wire[] => [
  {
    type: 'message_start',
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [], usage: { input_tokens: 3 } },
  },
  ...events,
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
]
const start = (index: number, content_block: object): object => ({ type: 'content_block_start', index, content_block })
const input = (index: number, partial_json: string): object => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
})
const say = (index: number, text: string): object => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'text_delta', text },
})
const stop = (index: number): object => ({ type: 'content_block_stop', index })
const use = (name: string): object => ({ type: 'tool_use', id: `toolu_${name}`, name, input: {} })

const claudeCases: readonly Omit<Case, 'from'>[] = [
  {
    name: 'blocks that are counted with texts and with gaps',
    stream: claudes(
      start(0, { type: 'text', text: '' }),
      say(0, 'Let me '),
      stop(0),
      start(2, use('weather')),
      input(2, ''),
      input(2, '{"city":'),
      input(2, '"Oslo"}'),
      stop(2),
      start(4, use('time')),
      input(4, '{"zone":"CET"}'),
      stop(4),
      start(5, { type: 'text', text: '' }),
      say(5, 'look.'),
      stop(5),
    ),
    calls: [weather, time],
    text: 'Let me look.',
  },
  {
    name: 'no input, empty input, and input at the start',
    stream: claudes(
      start(0, use('now')),
      stop(0),
      start(1, use('here')),
      input(1, ''),
      stop(1),
      start(2, { ...use('weather'), input: { city: 'Oslo' } }),
      stop(2),
    ),
    calls: [['now', {}], ['here', {}], weather],
  },
  {
    name: 'two blocks in turns',
    stream: claudes(
      start(0, use('weather')),
      start(1, use('time')),
      input(1, '{"zone":'),
      input(0, '{"city":'),
      input(1, '"CET"}'),
      input(0, '"Oslo"}'),
      stop(0),
      stop(1),
    ),
    calls: [weather, time],
  },
  {
    name: 'a tool of the provider between two calls',
    stream: claudes(
      start(0, use('weather')),
      input(0, '{"city":"Oslo"}'),
      stop(0),
      start(1, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      input(1, '{"query":"x"}'),
      stop(1),
      start(2, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
      stop(2),
      start(3, use('time')),
      input(3, '{"zone":"CET"}'),
      stop(3),
    ),
    calls: [weather, time],
  },
]

const gemini = (parts: object[], finishReason?: string): Wire => ({
  candidates: [{ content: { role: 'model', parts }, ...(finishReason && { finishReason }), index: 0 }],
  modelVersion: 'g',
  responseId: 'r1',
})
const googles = (name: string, args?: object): object => ({ functionCall: { name, ...(args && { args }) } })

const geminiCases: readonly Omit<Case, 'from'>[] = [
  {
    name: 'one call a chunk, each at the first place',
    stream: [
      gemini([{ text: 'Let me look.' }]),
      gemini([googles('weather', { city: 'Oslo' })]),
      gemini([googles('time', { zone: 'CET' })]),
      gemini([{ text: '' }], 'STOP'),
    ],
    calls: [weather, time],
    text: 'Let me look.',
  },
  {
    name: 'the same tool twice in one chunk, and none of its arguments',
    stream: [gemini([googles('now'), googles('now')], 'STOP')],
    calls: [
      ['now', {}],
      ['now', {}],
    ],
  },
  {
    name: 'a signature beside the call',
    stream: [gemini([{ ...googles('weather', { city: 'Oslo' }), thoughtSignature: 'c2ln' }], 'STOP')],
    calls: [weather],
  },
  {
    name: 'arguments value by value, of two calls',
    stream: [
      gemini([{ functionCall: { name: 'weather', willContinue: true } }]),
      gemini([
        {
          functionCall: {
            partialArgs: [{ jsonPath: '$.city', stringValue: 'Os', willContinue: true }],
            willContinue: true,
          },
        },
      ]),
      gemini([{ functionCall: { partialArgs: [{ jsonPath: '$.city', stringValue: 'lo' }], willContinue: true } }]),
      gemini([{ functionCall: {} }]),
      gemini([{ functionCall: { name: 'time', partialArgs: [{ jsonPath: '$.zone', stringValue: 'CET' }] } }], 'STOP'),
    ],
    calls: [weather, time],
  },
]

const aws = (event: string, payload: object): Wire => [event, payload]
const bedrockCases: readonly Omit<Case, 'from'>[] = [
  {
    name: 'blocks that are counted with texts',
    stream: [
      aws('messageStart', { role: 'assistant' }),
      aws('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Let me look.' } }),
      aws('contentBlockStop', { contentBlockIndex: 0 }),
      aws('contentBlockStart', { contentBlockIndex: 1, start: { toolUse: { toolUseId: 't1', name: 'weather' } } }),
      aws('contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{"city":' } } }),
      aws('contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '"Oslo"}' } } }),
      aws('contentBlockStop', { contentBlockIndex: 1 }),
      aws('contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { toolUseId: 't2', name: 'now' } } }),
      aws('contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '' } } }),
      aws('contentBlockStop', { contentBlockIndex: 2 }),
      aws('messageStop', { stopReason: 'tool_use' }),
    ],
    calls: [weather, ['now', {}]],
    text: 'Let me look.',
  },
  {
    name: 'the reason end_turn all the same',
    stream: [
      aws('messageStart', { role: 'assistant' }),
      aws('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't1', name: 'weather' } } }),
      aws('contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input: '{"city":"Oslo"}' } } }),
      aws('contentBlockStop', { contentBlockIndex: 0 }),
      aws('messageStop', { stopReason: 'end_turn' }),
    ],
    calls: [weather],
  },
]

const response = (status: string, output: object[] = []): object => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  model: 'm',
  status,
  output,
})
const item = (name: string, args: string): object => ({
  id: `fc_${name}`,
  type: 'function_call',
  call_id: `call_${name}`,
  name,
  arguments: args,
  status: 'completed',
})
const added = (output_index: number, what: object): object => ({
  type: 'response.output_item.added',
  output_index,
  item: what,
})
const done = (output_index: number, what: object): object => ({
  type: 'response.output_item.done',
  output_index,
  item: what,
})
const argue = (output_index: number, delta: string): object => ({
  type: 'response.function_call_arguments.delta',
  output_index,
  delta,
})
const argued = (output_index: number, args: string): object => ({
  type: 'response.function_call_arguments.done',
  output_index,
  arguments: args,
})
const opening = { type: 'response.created', response: response('in_progress') }
const closing = (...output: object[]): object => ({
  type: 'response.completed',
  response: response('completed', output),
})
const oslo = item('weather', '{"city":"Oslo"}')
const cet = item('time', '{"zone":"CET"}')

const responsesCases: readonly Omit<Case, 'from'>[] = [
  {
    name: 'arguments only at their end',
    stream: [opening, added(0, item('weather', '')), argued(0, '{"city":"Oslo"}'), done(0, oslo), closing(oslo)],
    calls: [weather],
  },
  {
    name: 'arguments in pieces, and whole at their end',
    stream: [
      opening,
      added(0, item('weather', '')),
      argue(0, '{"city":'),
      argue(0, '"Oslo"}'),
      argued(0, '{"city":"Oslo"}'),
      done(0, oslo),
      closing(oslo),
    ],
    calls: [weather],
  },
  {
    name: 'two items in turns, behind thoughts',
    stream: [
      opening,
      added(0, { id: 'rs_1', type: 'reasoning', summary: [] }),
      done(0, { id: 'rs_1', type: 'reasoning', summary: [] }),
      added(1, item('weather', '')),
      added(2, item('time', '')),
      argue(2, '{"zone":'),
      argue(1, '{"city":"Oslo"}'),
      argue(2, '"CET"}'),
      done(2, cet),
      done(1, oslo),
      closing({ id: 'rs_1', type: 'reasoning', summary: [] }, oslo, cet),
    ],
    calls: [weather, time],
  },
  {
    name: 'only the whole response at the end',
    stream: [opening, closing(oslo, cet)],
    calls: [weather, time],
  },
  {
    name: 'no arguments',
    stream: [
      opening,
      added(0, item('now', '')),
      argued(0, '{}'),
      done(0, item('now', '{}')),
      closing(item('now', '{}')),
    ],
    calls: [['now', {}]],
  },
]

const cases: readonly Case[] = [
  ...chatCases.map((one) => ({ ...one, from: 'openai-chat' })),
  ...claudeCases.map((one) => ({ ...one, from: 'anthropic-messages' })),
  ...geminiCases.map((one) => ({ ...one, from: 'gemini' })),
  ...bedrockCases.map((one) => ({ ...one, from: 'bedrock-converse' })),
  ...responsesCases.map((one) => ({ ...one, from: 'openai-responses' })),
]

for (const to of targets) {
  describe(`calls, for clients of ${to}`, () => {
    for (const { from, name, stream, calls: expected, text = '', finish } of cases) {
      test(`from ${from}: ${name}`, () => {
        for (const [, said] of bothTo(to, eventsFrom(from, stream))) {
          expect(callsIn(said)).toEqual(expected.map(([name, args]) => ({ name, args })))
          expect(said.choices[0]?.text).toBe(text)
          // Its own dialect has a provider's own word.
          const isOwn = from === to && name.includes('reason')
          if (!isOwn) expect(endOf(to, said.choices[0]?.finish)).toBe(endOf(to, finish ?? 'tool_calls'))
        }
      })
    }
  })
}

/** Google's own word for an answer that ends in calls is that it stopped. */
const endOf = (to: string, finish: string | undefined): string | undefined =>
  to === 'gemini' && finish === 'tool_calls' ? 'stop' : finish

describe('ids of calls', () => {
  const idsIn = (to: (typeof targets)[number], stream: readonly Wire[], from = 'openai-chat'): readonly string[] => {
    const { wire } = streamTo(to, eventsFrom(from, stream))
    return [...JSON.stringify(wire).matchAll(/"(call_[ab]|functions\.\w+:\d)"/g)].map(([, id]) => id as string)
  }
  for (const to of targets) {
    test(`are the provider's own, for clients of ${to}`, () => {
      const stream = [calls(call('call_a', 'weather', '{}', 0)), calls(call('call_b', 'weather', '{}', 1)), over]
      expect(new Set(idsIn(to, stream))).toEqual(new Set(['call_a', 'call_b']))
    })
  }
})

describe('whole answers', () => {
  const whole = (tool_calls: object[], finish_reason: string): unknown => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls }, finish_reason }],
  })
  const shapes: Readonly<Record<string, readonly object[]>> = {
    'with ids': [call('call_a', 'weather', '{"city":"Oslo"}'), call('call_b', 'time', '{"zone":"CET"}')],
    'without ids': [call(undefined, 'weather', '{"city":"Oslo"}'), call(undefined, 'time', '{"zone":"CET"}')],
    'with empty ids': [call('', 'weather', '{"city":"Oslo"}'), call('', 'time', '{"zone":"CET"}')],
    'with indexes that are all 0': [
      call('call_a', 'weather', '{"city":"Oslo"}', 0),
      call('call_b', 'time', '{"zone":"CET"}', 0),
    ],
  }
  for (const to of targets) {
    for (const [name, shape] of Object.entries(shapes)) {
      test(`have all their calls ${name}, for clients of ${to}`, () => {
        expect(callsIn(wholeTo(to, answerFrom('openai-chat', whole([...shape], 'tool_calls'))))).toEqual([
          { name: 'weather', args: { city: 'Oslo' } },
          { name: 'time', args: { zone: 'CET' } },
        ])
      })
    }
    test(`keep what a model wrote that is no JSON, for clients of ${to}`, () => {
      const broken = answerFrom('openai-chat', whole([call('call_a', 'weather', '{"city": Oslo')], 'tool_calls'))
      expect(JSON.stringify(wholeTo(to, broken).choices[0]?.calls)).toContain('Oslo')
      const events = eventsFrom('openai-chat', [calls(call('call_a', 'weather', '{"city": Oslo', 0)), over])
      expect(
        framesTo(to, events)
          .map(({ data }) => data)
          .join(''),
      ).toContain('Oslo')
    })
  }
})

describe('calls of several choices', () => {
  const both = (delta: object, index: number, finish_reason: string | null = null): Wire => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'm',
    choices: [{ index, delta, finish_reason }],
  })
  const stream = [
    both({ tool_calls: [call('call_a', 'weather', '{"city":', 0)] }, 1),
    both({ tool_calls: [call('call_b', 'time', '{"zone":', 0)] }, 0),
    both({ tool_calls: [call(undefined, undefined, '"Oslo"}', 0)] }, 1),
    both({ tool_calls: [call(undefined, undefined, '"CET"}', 0)] }, 0),
    both({}, 0, 'tool_calls'),
    both({}, 1, 'tool_calls'),
  ]
  for (const to of targets) {
    test(`are not mixed, for clients of ${to}`, () => {
      for (const [, said] of bothTo(to, eventsFrom('openai-chat', stream))) {
        expect(callsIn(said, 0)).toEqual([{ name: 'time', args: { zone: 'CET' } }])
        if (said.choices.length > 1) expect(callsIn(said, 1)).toEqual([{ name: 'weather', args: { city: 'Oslo' } }])
        expect(said.choices).toHaveLength(to === 'openai-chat' || to === 'gemini' ? 2 : 1)
      }
    })
  }
})

describe('a call that is learnt bit by bit', () => {
  const events: readonly ChatEvent[] = [
    { kind: 'start' },
    { kind: 'begin', choice: 0, part: 0, value: { kind: 'text', text: 'Let me ' } },
    { kind: 'begin', choice: 0, part: 1, value: { kind: 'tool-call', id: '', name: '', arguments: '' } },
    { kind: 'amend', choice: 0, part: 1, with: { id: 'call_a' } },
    { kind: 'amend', choice: 0, part: 1, with: { name: 'weather' } },
    { kind: 'grow', choice: 0, part: 1, text: '{"city":"Oslo"}' },
    { kind: 'grow', choice: 0, part: 0, text: 'look.' },
    { kind: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
  ]
  for (const to of targets) {
    test(`has its name and its id, for clients of ${to}`, () => {
      for (const [, said] of bothTo(to, events)) {
        expect(callsIn(said)).toEqual([{ name: 'weather', args: { city: 'Oslo' } }])
        expect(said.choices[0]?.text).toBe('Let me look.')
      }
      // Google's own API gives no ids.
      if (to !== 'gemini') expect(JSON.stringify(streamTo(to, events).wire)).toContain('"call_a"')
    })
  }
})
