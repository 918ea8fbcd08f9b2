import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pieces } from '../../../test/support/replay-cut.ts'
import type { ChatEvent, Part } from '../../core/chat.ts'
import { Assembly, assemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { compose, runStep } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { sseFrames } from '../../http/sse.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeStream } from './decode-stream.ts'

const framesOf = (chunks: readonly unknown[]): Frame[] =>
  chunks.map((chunk) => ({ data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) }))

/** The events of a stream that ends well. */
const eventsOf = (chunks: readonly unknown[]): ChatEvent[] => runStep(decodeStream(), framesOf([...chunks, '[DONE]']))

/** Parts without what only this dialect wants back. */
const plain = (parts: readonly Part[] = []): object[] => parts.map(({ extra: _, ...part }) => part)

const deltas = (...list: readonly object[]): object[] =>
  plain(assemble(eventsOf(list.map((delta) => ({ choices: [{ index: 0, delta }] })))).choices[0]?.message.parts)

const wholeOf = (message: object, more: object = {}): readonly Part[] =>
  decodeAnswer({ choices: [{ message, finish_reason: 'stop' }], ...more }).choices[0]?.message.parts ?? []

describe('reasoning', () => {
  const reasoned = [{ kind: 'reasoning', text: 'hm' }]
  test.each<[form: string, message: object]>([
    ['reasoning_content', { reasoning_content: 'hm' }],
    ['reasoning', { reasoning: 'hm' }],
    ['both', { reasoning_content: 'hm', reasoning: 'hm' }],
    ['an empty one and a full one', { reasoning_content: '', reasoning: 'hm' }],
    ['a list of thinking', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }],
  ])('as %s is the same whole and streamed', (_form, message) => {
    expect(plain(wholeOf(message))).toEqual(reasoned)
    expect(deltas(message)).toEqual(reasoned)
  })
})

describe('the calls of a stream', () => {
  const a = { kind: 'tool-call', id: 'a', name: 'f', arguments: '{}' }
  const b = { kind: 'tool-call', id: 'b', name: 'g', arguments: '[]' }
  const call = (fields: object, name?: string, written = ''): object => ({
    ...fields,
    function: { ...(name && { name }), arguments: written },
  })
  test.each<[how: string, fragments: readonly (readonly object[])[]]>([
    [
      'with their index',
      [[call({ index: 0, id: 'a' }, 'f')], [call({ index: 0 }, '', '{}')], [call({ index: 1, id: 'b' }, 'g', '[]')]],
    ],
    [
      'interleaved',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 1, id: 'b' }, 'g', '[')],
        [call({ index: 0 }, '', '}'), call({ index: 1 }, '', ']')],
      ],
    ],
    ['without an index', [[call({ id: 'a' }, 'f', '{')], [call({}, '', '}')], [call({ id: 'b' }, 'g', '[]')]]],
    ['without an index in one chunk', [[call({ id: 'a' }, 'f', '{}'), call({ id: 'b' }, 'g', '[]')]]],
    [
      'with the index 0 for all of them',
      [
        [call({ index: 0, id: 'a' }, 'f', '{}')],
        [call({ index: 0, id: 'b' }, 'g', '[')],
        [call({ index: 0 }, '', ']')],
      ],
    ],
    [
      'with id and name in every fragment',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 0, id: 'a' }, 'f', '}')],
        [call({ index: 1, id: 'b' }, 'g', '[')],
        [call({ index: 1, id: 'b' }, 'g', ']')],
      ],
    ],
    [
      'with empty ids after the first',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 0, id: '' }, '', '}')],
        [call({ index: 1, id: 'b' }, 'g', '[]')],
        [call({ index: 1, id: null }, '')],
      ],
    ],
    [
      'with an index that does not begin at 0',
      [[call({ index: 1, id: 'a' }, 'f', '{}')], [call({ index: 5, id: 'b' }, 'g', '[]')]],
    ],
  ])('come together %s', (_how, fragments) => {
    expect(deltas(...fragments.map((tool_calls) => ({ tool_calls })))).toEqual([a, b])
  })

  test('may get their id late', () => {
    expect(
      deltas({ tool_calls: [call({ index: 0 }, 'f')] }, { tool_calls: [call({ index: 0, id: 'a' }, '', '{}')] }),
    ).toEqual([a])
  })

  test('of the time before tools come together too', () => {
    expect(deltas({ function_call: { name: 'f', arguments: '{' } }, { function_call: { arguments: '}' } })).toEqual([
      { ...a, id: '' },
    ])
  })
})

describe('a stream', () => {
  test('begins with the first chunk that has a name', () => {
    const events = eventsOf([
      { choices: [], model: '', id: '' },
      { id: 'i', model: 'm' },
      { id: 'i', model: 'm' },
    ])
    expect(events).toEqual([{ kind: 'start', id: 'i', model: 'm', extra: { dialect: 'openai-chat', fields: {} } }])
  })

  test('of several choices keeps them apart', () => {
    const { choices } = assemble(
      eventsOf([
        { choices: [{ index: 1, delta: { content: 'b' } }] },
        { choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'length' }] },
        { choices: [{ index: 1, delta: { refusal: 'no' }, finish_reason: 'stop' }] },
      ]),
    )
    expect(choices.map(({ message, finish }) => [message.parts.map(({ kind }) => kind), finish?.reason])).toEqual([
      [['text'], 'length'],
      [['text', 'refusal'], 'stop'],
    ])
  })

  test('says nothing where nothing is said', () => {
    const events = eventsOf([' [DONE] ', 'null', '3', {}, { choices: null }, { choices: [null] }, ' '])
    expect(events.filter(({ kind }) => kind !== 'start')).toEqual([])
  })
})

test.each([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['abandoned', 'other'],
  ['constructor', 'other'],
])('the reason %j is %s, whole and streamed', (native, reason) => {
  const choice = { index: 0, finish_reason: native, message: { content: 'a' } }
  expect(decodeAnswer({ choices: [choice] }).choices[0]?.finish).toEqual({ reason, native })
  expect(assemble(eventsOf([{ choices: [choice] }])).choices[0]?.finish).toEqual({ reason, native })
})

test('a reason that is empty, or never given, is what the answer came to', () => {
  const calls = [{ id: 'a', function: { name: 'f', arguments: '' } }]
  const finishes = (message: object, reason: string | null) => [
    decodeAnswer({ choices: [{ message, finish_reason: reason ?? '' }] }).choices[0]?.finish,
    assemble(eventsOf([{ choices: [{ delta: message, finish_reason: reason }] }])).choices[0]?.finish,
  ]
  for (const reason of ['', null]) {
    expect(finishes({ content: 'a' }, reason)).toEqual([{ reason: 'stop' }, { reason: 'stop' }])
    expect(finishes({ tool_calls: calls }, reason)).toEqual([{ reason: 'tool_calls' }, { reason: 'tool_calls' }])
  }
})

test('a call that had to be made ends in `stop` at OpenAI, and says that it was made', () => {
  const message = { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] }
  expect(decodeAnswer({ choices: [{ message, finish_reason: 'stop' }] }).choices[0]?.finish).toEqual({
    reason: 'tool_calls',
    native: 'stop',
  })
})

describe('what compatible hosts add', () => {
  const seal = (by: string) => ({ by, value: 'S' })
  const detail = (type: string, format: string, fields: object) => ({ type, format, index: 0, ...fields })

  test.each<[what: string, message: object, parts: readonly object[]]>([
    [
      'signed thoughts of Claude',
      {
        reasoning: 'hm',
        reasoning_details: [detail('reasoning.text', 'anthropic-claude-v1', { text: 'hm', signature: 'S' })],
      },
      [{ kind: 'reasoning', text: 'hm', form: 'text', seal: seal('anthropic') }],
    ],
    [
      'thoughts of Claude that are hidden',
      { content: 'a', reasoning_details: [detail('reasoning.encrypted', 'anthropic-claude-v1', { data: 'S' })] },
      [
        { kind: 'reasoning', text: '', redacted: true, seal: seal('anthropic') },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      "a summary of OpenAI's and what it is of",
      {
        reasoning_details: [
          detail('reasoning.summary', 'openai-responses-v1', { summary: 'hm' }),
          detail('reasoning.encrypted', 'openai-responses-v1', { data: 'S', id: 'rs_1' }),
        ],
      },
      [{ kind: 'reasoning', text: 'hm', form: 'summary', id: 'rs_1', seal: seal('openai') }],
    ],
    [
      "Gemini's signature of a call",
      {
        reasoning_details: [detail('reasoning.encrypted', 'google-gemini-v1', { data: 'S', id: 'a' })],
        tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }],
      },
      [{ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', seal: seal('gemini') }],
    ],
    [
      "Gemini's signature of a call, at Google itself",
      {
        tool_calls: [
          { id: 'a', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'S' } } },
        ],
      },
      [{ kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', seal: seal('gemini') }],
    ],
    [
      "Gemini's signature of a text",
      { content: 'a', reasoning_details: [detail('reasoning.encrypted', 'google-gemini-v1', { data: 'S' })] },
      [{ kind: 'text', text: 'a', seal: seal('gemini') }],
    ],
    [
      "Gemini's signature of nothing",
      { reasoning_details: [detail('reasoning.encrypted', 'google-gemini-v1', { data: 'S', id: 'gone' })] },
      [{ kind: 'reasoning', text: '', redacted: true, id: 'gone', seal: seal('gemini') }],
    ],
    [
      'a seal in a format of its own',
      { reasoning_details: [detail('reasoning.encrypted', 'xai-responses-v1', { data: 'S' })] },
      [{ kind: 'reasoning', text: '', redacted: true, seal: seal('openrouter') }],
    ],
    [
      'pictures',
      { content: '', images: [{ type: 'image_url', image_url: { url: 'https://a/b' } }] },
      [{ kind: 'image', source: { kind: 'url', url: 'https://a/b' } }],
    ],
    [
      'speech',
      { audio: { id: 'audio_1', data: 'UklGRg==', transcript: 'Hi', expires_at: 9 } },
      [{ kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'UklGRg==' }, transcript: 'Hi' }],
    ],
    [
      'tools that Groq has run',
      { content: 'a', executed_tools: [{ index: 0, type: 'search', arguments: '{}', output: 'o' }] },
      [
        {
          kind: 'server-tool',
          phase: 'result',
          name: 'web_search',
          dialect: 'openai-chat',
          value: { index: 0, type: 'search', arguments: '{}', output: 'o' },
        },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'nothing: Snowflake writes empty ones of everything',
      { content: 'a', audio: { id: '', data: '' }, function_call: { name: '', arguments: '' } },
      [{ kind: 'text', text: 'a' }],
    ],
  ])('%s, whole and streamed', (_what, message, parts) => {
    expect(plain(wholeOf(message))).toEqual(parts)
    expect(deltas(message)).toEqual(parts)
  })

  test('thoughts in pieces, their seal last', () => {
    const piece = (fields: object) => ({ reasoning_details: [detail('reasoning.text', 'anthropic-claude-v1', fields)] })
    expect(deltas(piece({ text: 'h' }), piece({ text: 'm' }), piece({ signature: 'S' }), { content: 'a' })).toEqual([
      { kind: 'reasoning', text: 'hm', form: 'text', seal: seal('anthropic') },
      { kind: 'text', text: 'a' },
    ])
  })

  test('a tool that Groq runs is told twice and is one', () => {
    const [tool, ...more] = deltas(
      { executed_tools: [{ index: 0, type: 'search', arguments: '{}' }] },
      { executed_tools: [{ index: 0, type: 'search', output: 'o' }] },
    )
    expect(more).toEqual([])
    expect(tool).toMatchObject({ phase: 'result', value: { arguments: '{}', output: 'o' } })
  })

  test('citations, by their places in the text', () => {
    const annotation = { type: 'url_citation', url_citation: { start_index: 1, end_index: 3, title: 't', url: 'u' } }
    const part = {
      kind: 'text',
      text: 'abcd',
      citations: [{ url: 'u', title: 't', start: 1, end: 3, dialect: 'openai-chat', value: annotation }],
    }
    const message = { content: 'abcd', annotations: [annotation] }
    expect(plain(wholeOf(message))).toEqual([part])
    expect(deltas({ annotations: [annotation] }, { content: 'ab' }, { content: 'cd' })).toEqual([part])
  })

  test('a place that is 0 to 0 is none', () => {
    const annotation = { type: 'url_citation', url_citation: { start_index: 0, end_index: 0, url: 'u' } }
    expect(wholeOf({ content: 'a', annotations: [annotation] })).toMatchObject([{ citations: [{ url: 'u' }] }])
    expect(wholeOf({ content: 'a', annotations: [annotation] })).not.toMatchObject([{ citations: [{ start: 0 }] }])
  })

  test("Perplexity's sources, told again in every chunk", () => {
    const sources = { citations: ['u', 'v'], search_results: [{ url: 'v', title: 't', snippet: 's' }] }
    const cited = [
      { url: 'u', dialect: 'openai-chat', value: 'u' },
      { url: 'v', title: 't', quote: 's', dialect: 'openai-chat', value: sources.search_results[0] },
    ]
    expect(wholeOf({ content: 'ab' }, sources)).toMatchObject([{ citations: cited }])
    const chunk = (content: string, soFar: string) => ({
      ...sources,
      choices: [{ index: 0, delta: { role: 'assistant', content }, message: { role: 'assistant', content: soFar } }],
    })
    const answer = assemble(eventsOf([chunk('a', 'a'), chunk('b', 'ab')]))
    expect(answer.choices[0]?.message.parts).toMatchObject([{ text: 'ab', citations: cited }])
    expect(answer.choices[0]?.message.parts).toMatchObject([{ citations: { length: 2 } }])
  })

  test('what Azure says of its filters, and everything else that nobody knows', () => {
    const filtered = { hate: { filtered: false } }
    const head = { system_fingerprint: 'fp', prompt_filter_results: [{ prompt_index: 0 }] }
    const extras = {
      extra: { dialect: 'openai-chat', fields: head },
      choices: [
        { extra: { dialect: 'openai-chat', fields: { content_filter_results: filtered, message: { odd: 1 } } } },
      ],
    }
    const choice = { content_filter_results: filtered, finish_reason: 'stop' }
    expect(decodeAnswer({ ...head, choices: [{ ...choice, message: { content: 'a', odd: 1 } }] })).toMatchObject(extras)
    const stream = [
      { id: '', model: '', choices: [], prompt_filter_results: head.prompt_filter_results },
      {
        id: 'i',
        system_fingerprint: 'fp',
        choices: [{ index: 0, delta: { content: 'a', odd: 1 }, content_filter_results: {} }],
      },
      { id: 'i', system_fingerprint: 'fp', choices: [{ index: 0, delta: {}, ...choice }] },
    ]
    expect(assemble(eventsOf(stream))).toMatchObject(extras)
  })

  test('padding that hides how long tokens are says nothing', () => {
    const events = eventsOf([
      { id: 'i', obfuscation: 'abc', p: 'abcd', choices: [{ index: 0, delta: { content: 'a' } }] },
      { id: 'i', obfuscation: 'a', p: 'ab', choices: [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }] },
    ])
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'begin', 'grow', 'finish'])
  })

  test('log probabilities', () => {
    const token = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2, bytes: null }] }
    const logprobs = [{ token: 'a', logprob: -1, bytes: [97], top: [{ token: 'b', logprob: -2, bytes: null }] }]
    const choice = { index: 0, finish_reason: 'stop', logprobs: { content: [token], refusal: null } }
    expect(decodeAnswer({ choices: [{ ...choice, message: { content: 'a' } }] }).choices[0]).toMatchObject({ logprobs })
    expect(assemble(eventsOf([{ choices: [{ ...choice, delta: { content: 'a' } }] }])).choices[0]).toMatchObject({
      logprobs,
    })
  })

  test.each([
    ['of its own', { usage: { prompt_tokens: 2, completion_tokens: 1 } }],
    ["in Groq's place", { x_groq: { usage: { prompt_tokens: 2, completion_tokens: 1 } } }],
  ])('usage %s', (_where, fields) => {
    const usage = { inputUncached: 2, outputText: 1 }
    expect(
      assemble(eventsOf([{ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...fields }])),
    ).toMatchObject({ usage })
  })
})

describe('what is no answer', () => {
  const codeOf = (read: () => unknown): string => {
    try {
      read()
    } catch (thrown) {
      return thrown instanceof GatewayError ? thrown.code : String(thrown)
    }
    return 'none'
  }
  const stream = (frames: readonly Frame[]) => codeOf(() => runStep(decodeStream(), frames))
  const said = { choices: [{ index: 0, delta: { content: 'a' } }] }

  test.each<[what: string, body: unknown, code: string]>([
    ['null', null, 'upstream_invalid'],
    ['a list', [], 'upstream_invalid'],
    ['without choices', { id: 'i' }, 'upstream_invalid'],
    ['an error', { error: { message: 'No.', code: 429 } }, 'rate_limited'],
    ['an error in words', { error: 'The engine is overloaded' }, 'upstream_overloaded'],
    ['an error of vLLM', { object: 'error', message: 'No.', code: 404 }, 'model_not_found'],
    ['an error beside empty choices', { error: { message: 'No.', code: 503 }, choices: [] }, 'upstream_overloaded'],
    ['an error in a choice', { choices: [{ error: { message: 'No.', code: 502 }, message: {} }] }, 'upstream_error'],
  ])('%s', (_what, body, code) => {
    expect(codeOf(() => decodeAnswer(body))).toBe(code)
  })

  test.each<[what: string, frames: readonly Frame[], code: string]>([
    ['an error first', framesOf([{ error: { message: 'No.', type: 'server_error' } }]), 'upstream_error'],
    ['an error later', framesOf([said, { error: { message: 'No.', code: 'rate_limit_exceeded' } }]), 'rate_limited'],
    [
      "Groq's own event",
      [
        ...framesOf([said]),
        { event: 'error', data: '{"error":{"message":"No.","status_code":400,"type":"invalid_request_error"}}' },
      ],
      'bad_request',
    ],
    ['an event that is no JSON', framesOf([said, '{"choices":']), 'upstream_invalid'],
    ['nothing at all', [], 'upstream_cut'],
    ['a beginning', framesOf([said]), 'upstream_cut'],
    [
      'a part of the choices',
      framesOf([
        {
          choices: [
            { index: 0, delta: {}, finish_reason: 'stop' },
            { index: 1, delta: {} },
          ],
        },
      ]),
      'upstream_cut',
    ],
  ])('a stream of %s', (_what, frames, code) => {
    expect(stream(frames)).toBe(code)
  })

  test('but a stream without its mark at the end is one, if it says why it ended', () => {
    expect(stream(framesOf([{ choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }] }]))).toBe('none')
  })

  test('a name that is none is shown as it was written', () => {
    const body = JSON.parse(
      '{"id":{"toString":null},"model":{"toString":null},"choices":[{"message":{"content":"a"}}]}',
    )
    expect(decodeAnswer(body)).toMatchObject({ id: '{"toString":null}', model: '{"toString":null}' })
  })

  test('whatever comes, it is read or refused, and no prototype is touched', () => {
    const json = fc.json({ maxDepth: 6 }).map((text) => JSON.parse(text) as unknown)
    const near = fc.record(
      {
        id: json,
        choices: fc.array(
          fc.record(
            {
              index: json,
              delta: fc.dictionary(
                fc.constantFrom(
                  'content',
                  'reasoning',
                  'reasoning_details',
                  'tool_calls',
                  'function_call',
                  'audio',
                  'images',
                  'annotations',
                  'executed_tools',
                  '__proto__',
                  'constructor',
                ),
                json,
              ),
              message: json,
              finish_reason: json,
              logprobs: json,
              usage: json,
            },
            { requiredKeys: [] },
          ),
        ),
        usage: json,
        citations: json,
        search_results: json,
        error: fc.option(json),
        x_groq: json,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(json, near), (body) => {
        expect(codeOf(() => decodeAnswer(body))).toMatch(/^[a-z_]+$/)
        expect(stream(framesOf([body]))).toMatch(/^[a-z_]+$/)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

describe('an answer that is streamed is the answer that would have come whole', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const call = fc.record({ id: fc.uuid(), name: text, written: fc.json() })
  const choice = fc.record({
    reasoning: fc.option(text),
    content: fc.option(text),
    refusal: fc.option(text),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    reason: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter', 'odd'),
  })
  type Written = typeof choice extends fc.Arbitrary<infer T> ? T : never
  const answer = fc.record({
    choices: fc.array(choice, { minLength: 1, maxLength: 3 }),
    usage: fc.option(fc.record({ prompt_tokens: fc.nat(99), completion_tokens: fc.nat(99) })),
  })

  const choiceOf = ({ reasoning, content, refusal, calls, reason }: Written, index: number): object => ({
    index,
    message: {
      role: 'assistant',
      content,
      refusal,
      reasoning_content: reasoning,
      tool_calls: calls.map(({ id, name, written }) => ({
        id,
        type: 'function',
        function: { name, arguments: written },
      })),
    },
    finish_reason: reason,
  })

  /** The choice as chunks: every text in pieces of so many characters, its calls one after the other. */
  function* chunksOf({ reasoning, content, refusal, calls, reason }: Written, index: number, size: number) {
    const chunk = (delta: object, finish_reason: string | null = null): object => ({
      id: 'i',
      model: 'm',
      choices: [{ index, delta, finish_reason }],
    })
    const cut = (whole: string | null): string[] => {
      const letters = [...(whole ?? '')]
      const count = Math.ceil(letters.length / size)
      return Array.from({ length: count }, (_, at) => letters.slice(at * size, (at + 1) * size).join(''))
    }
    yield chunk({ role: 'assistant', content: '' })
    for (const piece of cut(reasoning)) yield chunk({ reasoning_content: piece })
    for (const piece of cut(content)) yield chunk({ content: piece })
    for (const piece of cut(refusal)) yield chunk({ refusal: piece })
    for (const [at, { id, name, written }] of calls.entries()) {
      yield chunk({ tool_calls: [{ index: at, id, type: 'function', function: { name, arguments: '' } }] })
      for (const piece of cut(written)) yield chunk({ tool_calls: [{ index: at, function: { arguments: piece } }] })
    }
    yield chunk({}, reason)
  }

  /** Takes from each in turn, as a host with several choices writes them. */
  function mixed(lists: readonly (readonly object[])[]): object[] {
    const longest = Math.max(...lists.map((list) => list.length))
    return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat()
  }

  test('whatever is in it, however it is divided and wherever the network cuts', () => {
    fc.assert(
      fc.property(answer, fc.integer({ min: 1, max: 9 }), fc.integer(), ({ choices, usage }, size, seed) => {
        const chunks = [
          ...mixed(choices.map((one, index) => [...chunksOf(one, index, size)])),
          ...(usage ? [{ id: 'i', model: 'm', choices: [], usage }] : []),
        ]
        const stream = Buffer.from(
          `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`,
        )
        const streamed = assemble(runStep(compose(sseFrames(), decodeStream()), pieces([stream], { seed })))
        expect(streamed).toEqual(decodeAnswer({ id: 'i', model: 'm', choices: choices.map(choiceOf), usage }))
      }),
    )
  })
})

const golden = resolve(import.meta.dirname, '../../../test/golden/streams/openai-chat')
const goldenFiles = readdirSync(golden).filter((file) => /\.(sse|json)$/.test(file) && !file.endsWith('.answer.json'))

/** What is said until it ends, and why it ends if it does not end well. */
function readGolden(file: string, chunks: Iterable<Uint8Array>): object {
  if (!file.endsWith('.sse')) return decodeAnswer(JSON.parse(Buffer.concat([...chunks]).toString()))
  const decoder = decodeStream()
  const assembly = new Assembly()
  try {
    for (const frame of runStep(sseFrames(), chunks)) for (const event of decoder.next(frame)) assembly.add(event)
    for (const event of decoder.end()) assembly.add(event)
    return assembly.answer()
  } catch (thrown) {
    return { ...assembly.answer(), error: (thrown as GatewayError).code }
  }
}

test.each(goldenFiles)('%s is decoded as written beside it', async (file) => {
  const bytes = readFileSync(resolve(golden, file))
  const answer = readGolden(file, [bytes])
  for (let size = 1; size < 20; size++) {
    expect(readGolden(file, pieces([bytes], size)), `pieces of ${size}`).toEqual(answer)
  }
  await expect(`${JSON.stringify(answer, null, 2)}\n`).toMatchFileSnapshot(resolve(golden, `${file}.answer.json`))
})
