import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent, Part } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import type { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { gemini } from './gemini.ts'

const context: AnswerContext = {
  request: { model: 'asked', stream: true, messages: [], tools: [], settings: {} },
  createdS: 0,
  newId: () => 'new',
}
const frame = (value: unknown) => ({ data: JSON.stringify(value) })
const chunk = (parts: readonly object[], more: object = {}): object => ({
  candidates: [{ content: { role: 'model', parts }, ...more }],
})
const events = (chunks: readonly object[]): ChatEvent[] => runStep(gemini.decodeStream(), chunks.map(frame))
const parts = (chunks: readonly object[]): readonly Part[] => assemble(events(chunks)).choices[0]?.message.parts ?? []
const stop = chunk([], { finishReason: 'STOP' })
const thrown = (run: () => unknown): GatewayError => {
  try {
    run()
  } catch (error) {
    return error as GatewayError
  }
  throw new Error('Nothing was thrown.')
}
/** Chunks that a client gets. */
const written = (said: readonly ChatEvent[], asked = context): Record<string, unknown>[] =>
  runStep(gemini.encodeStream(asked), said).map(({ data }) => JSON.parse(data))
const wireParts = (chunks: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
  chunks.flatMap(
    ({ candidates }) => (candidates as { content: { parts: Record<string, unknown>[] } }[])[0]?.content.parts ?? [],
  )

describe('what a provider says', () => {
  test('a stop with a call is a call, even when the call came in an earlier chunk', () => {
    const said = events([chunk([{ functionCall: { name: 'a' } }]), stop])
    expect(said.at(-1)).toEqual({ kind: 'finish', choice: 0, finish: { reason: 'tool_calls', native: 'STOP' } })
    expect(events([chunk([{ text: 'a' }]), stop]).at(-1)).toMatchObject({ finish: { reason: 'stop' } })
  })

  test('a reason may come early, and more after it', () => {
    const early = [
      chunk([{ text: 'a' }], { finishReason: 'STOP' }),
      chunk([{ text: 'b' }], { finishReason: 'RECITATION' }),
    ]
    expect(assemble(events(early)).choices[0]).toMatchObject({
      message: { parts: [{ kind: 'text', text: 'ab' }] },
      finish: { reason: 'content_filter', native: 'RECITATION' },
    })
  })

  test.each([
    ['MAX_TOKENS', 'length'],
    ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'malformed'],
    ['UNEXPECTED_TOOL_CALL', 'malformed'],
    ['OTHER', 'other'],
    ['SOMETHING_NEW', 'other'],
    ['constructor', 'other'],
  ])('%s is told as %s', (finishReason, reason) => {
    expect(gemini.decodeAnswer(chunk([], { finishReason })).choices[0]?.finish?.reason).toBe(reason)
  })

  test('reasons as numbers go back as numbers', () => {
    const answer = gemini.decodeAnswer(chunk([{ text: 'a' }], { finishReason: 1 }))
    expect(answer.choices[0]?.finish).toMatchObject({ reason: 'stop', native: 'STOP' })
    expect(gemini.encodeAnswer(answer, context)).toMatchObject({ candidates: [{ finishReason: 1 }] })
  })

  test('pieces of a text are one part, and a signed one stands alone', () => {
    const said = [
      chunk([{ text: 'Hm', thought: true }]),
      chunk([{ text: 'm.', thought: true }, { text: 'A' }]),
      chunk([{ text: 'h' }, { text: '' }]),
      chunk([{ text: '.', thoughtSignature: 's' }]),
      chunk([{ text: '!' }]),
      chunk([{ text: '', thoughtSignature: 't' }]),
      stop,
    ]
    expect(parts(said)).toEqual([
      { kind: 'reasoning', text: 'Hmm.', form: 'summary' },
      { kind: 'text', text: 'Ah' },
      { kind: 'text', text: '.', seal: { by: 'gemini', value: 's' } },
      { kind: 'text', text: '!' },
      { kind: 'text', text: '', seal: { by: 'gemini', value: 't' } },
    ])
  })

  test('parallel calls come one after another, without ids and without arguments', () => {
    const said = [
      chunk([{ functionCall: { name: 'a', args: { b: 1 } }, thoughtSignature: 's' }]),
      chunk([{ functionCall: { name: 'a' } }]),
      stop,
    ]
    expect(parts(said)).toEqual([
      { kind: 'tool-call', id: '', name: 'a', arguments: '{"b":1}', seal: { by: 'gemini', value: 's' } },
      { kind: 'tool-call', id: '', name: 'a', arguments: '' },
    ])
  })

  test('arguments that come value by value are put together', () => {
    const piece = (functionCall: object): object => chunk([{ functionCall }])
    const said = [
      piece({ name: 'f', id: '1', willContinue: true }),
      piece({ partialArgs: [{ jsonPath: '$.city', stringValue: 'New ', willContinue: true }], willContinue: true }),
      piece({
        partialArgs: [
          { jsonPath: '$.city', stringValue: 'York' },
          { jsonPath: '$.days[0].n', numberValue: 2 },
        ],
        willContinue: true,
      }),
      piece({
        partialArgs: [
          { jsonPath: '$.__proto__.x', boolValue: true },
          { jsonPath: '$.list[5000000]', nullValue: null },
        ],
        willContinue: true,
      }),
      piece({}),
      chunk([{ text: 'Done.' }]),
      stop,
    ]
    expect(parts(said)).toEqual([
      {
        kind: 'tool-call',
        id: '1',
        name: 'f',
        arguments: '{"city":"New York","days":[{"n":2}],"__proto__":{"x":true},"list":[]}',
      },
      { kind: 'text', text: 'Done.' },
    ])
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
  })

  test('what a tool of the provider did is no call for the client', () => {
    const said = [
      chunk([
        { executableCode: { code: '1', language: 'PYTHON' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK' } },
      ]),
      chunk([{ toolCall: { toolType: 'GOOGLE_SEARCH_WEB', id: 'x', args: {} }, thoughtSignature: 's' }, {}]),
      stop,
    ]
    expect(parts(said)).toMatchObject([
      { kind: 'server-tool', name: 'code_execution', phase: 'call' },
      { kind: 'server-tool', name: 'code_execution', phase: 'result' },
      { kind: 'server-tool', name: 'web_search', phase: 'call', id: 'x', seal: { value: 's' } },
      { kind: 'opaque', value: {} },
    ])
    expect(assemble(events(said)).choices[0]?.finish?.reason).toBe('stop')
  })

  test('citations count in the text that carries them, not in bytes', () => {
    const groundingMetadata = {
      groundingChunks: [
        { web: { uri: 'https://a.test', title: 'A' } },
        { retrievedContext: { title: 'B', text: 'quote' } },
        { web: { uri: 'https://c.test' } },
      ],
      groundingSupports: [
        { segment: { startIndex: 6, endIndex: 15, text: 'née 🙂' }, groundingChunkIndices: [0, 1, 9] },
        { segment: { endIndex: 3 }, groundingChunkIndices: [0] },
      ],
    }
    // Each of `é` and `–` takes more than a byte, and the face is two units of UTF-16.
    const [text] = parts([
      chunk([{ text: 'thought', thought: true }]),
      chunk([{ text: '–é n' }]),
      chunk([{ text: 'ée 🙂.' }], { finishReason: 'STOP', groundingMetadata }),
    ]).slice(1)
    expect(text).toMatchObject({
      text: '–é née 🙂.',
      citations: [
        { url: 'https://a.test', title: 'A', start: 3, end: 9 },
        { title: 'B', quote: 'quote', start: 3, end: 9 },
        { url: 'https://a.test', start: 0, end: 1 },
        { url: 'https://c.test' },
      ],
    })
  })

  test('a citation whose counts are a little off is found by its words', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a.test' } }],
      groundingSupports: [
        { segment: { startIndex: 8, endIndex: 15, text: 'It rains.' }, groundingChunkIndices: [0] },
        { segment: { startIndex: 17, endIndex: 40, text: 'All day.' }, groundingChunkIndices: [0] },
      ],
    }
    const [text] = parts([chunk([{ text: 'Today: It rains. All day.' }], { finishReason: 'STOP', groundingMetadata })])
    expect(text).toMatchObject({
      citations: [
        { start: 7, end: 16 },
        { start: 17, end: 25 },
      ],
    })
  })

  test('sources are told for what is new in a chunk', () => {
    const citing = (uri: string, endIndex: number): object => ({
      citationMetadata: { citationSources: [{ startIndex: 0, endIndex, uri }] },
    })
    const said = [
      chunk([{ text: 'ab' }], citing('u', 1)),
      chunk([{ text: 'c' }], citing('u', 1)),
      chunk([{ text: 'd' }], { ...citing('v', 3), finishReason: 'STOP' }),
    ]
    expect(parts(said)[0]).toMatchObject({
      citations: [
        { url: 'u', start: 0, end: 1 },
        { url: 'v', start: 0, end: 3 },
      ],
    })
  })

  test('probabilities of tokens are told with their alternatives', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'a', logProbability: -0.5, tokenId: 7 }],
      topCandidates: [
        {
          candidates: [
            { token: 'a', logProbability: -0.5 },
            { token: 'b', logProbability: -2 },
          ],
        },
      ],
    }
    const answer = gemini.decodeAnswer(chunk([{ text: 'a' }], { finishReason: 'STOP', logprobsResult }))
    expect(answer.choices[0]?.logprobs).toEqual([
      {
        token: 'a',
        logprob: -0.5,
        top: [
          { token: 'a', logprob: -0.5 },
          { token: 'b', logprob: -2 },
        ],
      },
    ])
    expect(gemini.encodeAnswer(answer, context)).toMatchObject({ candidates: [{ logprobsResult }] })
  })

  test('several choices are told apart', () => {
    const said = [
      {
        candidates: [
          { index: 1, content: { parts: [{ text: 'b' }] }, finishReason: 'STOP' },
          { index: 0, content: { parts: [{ text: 'a' }] }, finishReason: 'MAX_TOKENS' },
        ],
      },
    ]
    expect(assemble(events(said)).choices).toMatchObject([
      { message: { parts: [{ text: 'a' }] } },
      { message: { parts: [{ text: 'b' }] } },
    ])
  })

  test('a refused prompt, an error and nothing at all are no answers', () => {
    expect(thrown(() => gemini.decodeAnswer({ promptFeedback: { blockReason: 'SAFETY' } }))).toMatchObject({
      code: 'content_filter',
      status: 400,
    })
    expect(thrown(() => events([{ promptFeedback: { blockReason: 'OTHER' } }]))).toMatchObject({
      code: 'content_filter',
    })
    expect(thrown(() => gemini.decodeAnswer({ error: { code: 503, message: 'Busy.' } }))).toMatchObject({
      code: 'upstream_overloaded',
    })
    expect(thrown(() => gemini.decodeAnswer({ usageMetadata: {} }))).toMatchObject({ code: 'upstream_invalid' })
    expect(thrown(() => gemini.decodeAnswer('no'))).toMatchObject({ code: 'upstream_invalid' })
    expect(thrown(() => events([chunk([{ text: 'a' }]), { error: { code: 429, message: 'Slow.' } }]))).toMatchObject({
      code: 'rate_limited',
    })
    expect(thrown(() => runStep(gemini.decodeStream(), [{ data: '{"cand' }]))).toMatchObject({
      code: 'upstream_invalid',
    })
  })

  test('a stream without a reason was cut off', () => {
    expect(thrown(() => events([chunk([{ text: 'a' }])]))).toMatchObject({ code: 'upstream_cut' })
    expect(thrown(() => events([]))).toMatchObject({ code: 'upstream_cut' })
  })

  test('a whole answer may be a list of pieces, have no parts, or no content', () => {
    expect(
      gemini.decodeAnswer([chunk([{ text: 'a' }]), chunk([{ text: 'b' }], { finishReason: 'STOP' })]).choices[0]
        ?.message.parts,
    ).toEqual([{ kind: 'text', text: 'ab' }])
    expect(
      gemini.decodeAnswer({ candidates: [{ content: { role: 'model' }, finishReason: 'MAX_TOKENS' }] }).choices[0],
    ).toMatchObject({ message: { parts: [] }, finish: { reason: 'length' } })
    expect(gemini.decodeAnswer({ candidates: [{ finishReason: 'SAFETY' }] }).choices[0]?.message.parts).toEqual([])
  })
})

describe('what a client is told', () => {
  const answer: ChatAnswer = {
    id: 'msg_1',
    model: 'claude',
    choices: [
      {
        message: {
          role: 'assistant',
          parts: [
            { kind: 'reasoning', text: 'Hm.', seal: { by: 'anthropic', value: 'sealed' } },
            {
              kind: 'text',
              text: 'Né A.',
              citations: [
                { url: 'https://a.test', title: 'A', start: 3, end: 5, dialect: 'anthropic-messages', value: {} },
              ],
            },
            { kind: 'server-tool', phase: 'call', name: 'web_search', dialect: 'anthropic-messages', value: {} },
            { kind: 'tool-call', id: 'toolu_1', name: 'f', arguments: '{"a":1}' },
          ],
        },
        finish: { reason: 'tool_calls', native: 'tool_use' },
      },
    ],
    usage: { inputUncached: 3, cacheRead: 2, outputText: 4, reasoning: 1 },
  }

  test("another provider's answer in Google's words", () => {
    expect(gemini.encodeAnswer(answer, context)).toEqual({
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              { text: 'Hm.', thought: true, thoughtSignature: expect.stringMatching(/^eyJ0bCI6MS/) },
              { text: 'Né A.' },
              { functionCall: { name: 'f', id: 'toolu_1', args: { a: 1 } } },
            ],
          },
          finishReason: 'STOP',
          index: 0,
          groundingMetadata: {
            groundingChunks: [{ web: { uri: 'https://a.test', title: 'A' } }],
            groundingSupports: [{ segment: { startIndex: 4, endIndex: 6, text: 'A.' }, groundingChunkIndices: [0] }],
          },
        },
      ],
      usageMetadata: {
        promptTokenCount: 5,
        candidatesTokenCount: 4,
        totalTokenCount: 10,
        cachedContentTokenCount: 2,
        thoughtsTokenCount: 1,
      },
      modelVersion: 'claude',
      responseId: 'msg_1',
    })
  })

  test('a thought that another provider sealed comes back sealed by it', () => {
    const { candidates } = gemini.encodeAnswer(answer, context) as { candidates: { content: object }[] }
    const request = gemini.decodeRequest({ contents: [candidates[0]?.content] }, { model: 'x', stream: false })
    expect(request.messages[0]?.parts[0]).toEqual({
      kind: 'reasoning',
      text: 'Hm.',

      seal: { by: 'anthropic', value: 'sealed' },
    })
    // And streamed, with the seal after the thoughts.
    const chunks = written([
      { kind: 'start', model: 'claude' },
      { kind: 'begin', choice: 0, part: 0, value: { kind: 'reasoning', text: '' } },
      { kind: 'grow', choice: 0, part: 0, text: 'Hm' },
      { kind: 'grow', choice: 0, part: 0, text: '.' },
      { kind: 'amend', choice: 0, part: 0, with: { seal: { by: 'anthropic', value: 'sealed' } } },
      { kind: 'finish', choice: 0, finish: { reason: 'stop' } },
    ])
    const again = gemini.decodeRequest(
      { contents: [{ role: 'model', parts: wireParts(chunks) }] },
      { model: 'x', stream: false },
    )
    expect(again.messages[0]?.parts[0]).toEqual({
      kind: 'reasoning',
      text: 'Hm.',

      seal: { by: 'anthropic', value: 'sealed' },
    })
  })

  test('a stream says what the whole answer says', () => {
    const chunks = written([...disassemble(answer)])
    const last = chunks.at(-1) as { candidates: { groundingMetadata: unknown }[] }
    const whole = gemini.encodeAnswer(answer, context) as {
      usageMetadata: unknown
      candidates: { groundingMetadata: unknown }[]
    }
    expect(last).toMatchObject({ usageMetadata: whole.usageMetadata, responseId: 'msg_1' })
    expect(last.candidates[0]?.groundingMetadata).toEqual(whole.candidates[0]?.groundingMetadata)
    expect(wireParts(chunks).map((part) => Object.keys(part))).toEqual([
      ['text', 'thought', 'thoughtSignature'],
      ['text'],
      ['functionCall'],
      ['text'],
    ])
  })

  test('texts go out as they come, and calls once they are whole, in their order', () => {
    const begin = (part: number, value: Part): ChatEvent => ({ kind: 'begin', choice: 0, part, value })
    const grow = (part: number, text: string): ChatEvent => ({ kind: 'grow', choice: 0, part, text })
    const call = (name: string): Part => ({ kind: 'tool-call', id: name, name, arguments: '' })
    const chunks = written([
      { kind: 'start', id: 'one', model: 'm' },
      begin(0, { kind: 'text', text: 'A' }),
      grow(0, 'b'),
      begin(1, call('x')),
      begin(2, call('y')),
      grow(1, '{"a"'),
      grow(2, '{"b":2}'),
      grow(1, ':1}'),
      begin(3, { kind: 'text', text: 'C' }),
      grow(3, 'd'),
      { kind: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
      { kind: 'usage', usage: { inputUncached: 1, outputText: 2 } },
    ])
    expect(wireParts(chunks)).toEqual([
      { text: 'A' },
      { text: 'b' },
      { functionCall: { name: 'x', id: 'x', args: { a: 1 } } },
      { functionCall: { name: 'y', id: 'y', args: { b: 2 } } },
      { text: 'Cd' },
      { text: '' },
    ])
    expect(chunks[0]).toEqual({
      candidates: [{ content: { parts: [{ text: 'A' }], role: 'model' }, index: 0 }],
      modelVersion: 'm',
      responseId: 'one',
    })
    expect(chunks.filter((one) => JSON.stringify(one).includes('finishReason'))).toEqual([chunks.at(-1)])
    expect(chunks.at(-1)).toMatchObject({ usageMetadata: { promptTokenCount: 1, totalTokenCount: 3 } })
  })

  test('a call that has ended does not wait for the end', () => {
    const encoder = gemini.encodeStream(context)
    encoder.next({
      kind: 'begin',
      choice: 0,
      part: 0,
      value: { kind: 'tool-call', id: '1', name: 'f', arguments: '{}' },
    })
    expect(encoder.next({ kind: 'end', choice: 0, part: 0 })).toHaveLength(1)
  })

  test.each([
    ['stop_sequence', 'STOP'],
    ['length', 'MAX_TOKENS'],
    ['content_filter', 'SAFETY'],
    ['malformed', 'MALFORMED_RESPONSE'],
    ['other', 'OTHER'],
  ] as const)('%s is told as %s', (reason, finishReason) => {
    const one: ChatAnswer = {
      choices: [{ message: { role: 'assistant', parts: [] }, finish: { reason, native: 'end_turn' } }],
    }
    expect(gemini.encodeAnswer(one, context)).toMatchObject({
      candidates: [{ finishReason }],
      modelVersion: 'asked',
      responseId: 'new',
    })
  })

  test('refusals, sounds and pictures have their parts', () => {
    const said: Part[] = [
      { kind: 'refusal', text: 'No.' },
      { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'UklGRg==' }, transcript: 'Hello' },
      { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
    ]
    const wire = [
      { text: 'No.' },
      { inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' } },
      { text: 'Hello' },
      { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } },
    ]
    const one: ChatAnswer = { choices: [{ message: { role: 'assistant', parts: said }, finish: { reason: 'stop' } }] }
    expect(gemini.encodeAnswer(one, context)).toMatchObject({ candidates: [{ content: { parts: wire } }] })
    expect(wireParts(written([...disassemble(one)]))).toEqual([...wire, { text: '' }])
  })
})

describe('what the watch sees', () => {
  const sse = (...chunks: object[]): Buffer =>
    Buffer.from(chunks.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(''))

  test('model, reason and usage of a stream', () => {
    const bytes = sse(
      { ...chunk([{ text: 'a' }]), modelVersion: 'm', usageMetadata: { promptTokenCount: 2 } },
      { ...stop, usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 1, totalTokenCount: 3 } },
    )
    expect(gemini.readAnswer(bytes, true)).toMatchObject({
      model: 'm',
      finishReason: 'stop',
      usage: { inputUncached: 2, outputText: 1 },
    })
    const watch = gemini.watchAnswer(true)
    watch.next(bytes.subarray(0, 10))
    expect(watch.hasContent).toBe(false)
    watch.next(bytes.subarray(10))
    expect(watch.hasContent).toBe(true)
  })

  test('an error in place of an answer, and one in the middle', () => {
    const watch = gemini.watchAnswer(true)
    watch.next(Buffer.from('{\n "error": {"code": 503, "message": "Busy."}\n}'))
    expect(watch.end(true).error).toBeDefined()
    expect(watch.refusal).toMatchObject({ code: 'upstream_overloaded' })
    expect(
      gemini.readAnswer(
        Buffer.concat([sse(chunk([{ text: 'a' }])), Buffer.from('{"error":{"code":499,"message":"Cancelled."}}')]),
        true,
      ).error,
    ).toMatchObject({ message: 'Cancelled.' })
  })

  test('a whole answer, a refused prompt, and a list', () => {
    const read = (body: unknown) => gemini.readAnswer(Buffer.from(JSON.stringify(body)), false)
    expect(read({ ...chunk([{ functionCall: { name: 'f' } }], { finishReason: 'STOP' }), modelVersion: 'm' })).toEqual({
      model: 'm',
      finishReason: 'tool_calls',
    })
    expect(read({ promptFeedback: { blockReason: 'SAFETY' } })).toEqual({ finishReason: 'content_filter' })
    expect(read([chunk([{ text: 'a' }]), { ...stop, usageMetadata: { promptTokenCount: 1 } }])).toMatchObject({
      finishReason: 'stop',
      usage: { inputUncached: 1 },
    })
  })
})
