import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent, Part } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { hasForeignThoughts } from './seals.ts'

const asked = { model: 'm', stream: true }
const context: AnswerContext = {
  request: decodeRequest({ model: 'm', input: 'Hi' }, asked),
  createdS: 5,
  newId: () => 'new',
}

const start: ChatEvent = { kind: 'start', id: 'msg_9', model: 'claude' }
const begin = (part: number, value: Part): ChatEvent => ({ kind: 'begin', choice: 0, part, value })
const grow = (part: number, text: string): ChatEvent => ({ kind: 'grow', choice: 0, part, text })
const end = (part: number): ChatEvent => ({ kind: 'end', choice: 0, part })
const finish: ChatEvent = { kind: 'finish', choice: 0, finish: { reason: 'stop' } }
const call = (id: string): Part => ({ kind: 'tool-call', id, name: 'f', arguments: '' })
const empty: Part = { kind: 'text', text: '' }

const framesOf = (...events: readonly ChatEvent[]) => runStep(encodeStream(context), events)
const wireOf = (...events: readonly ChatEvent[]): readonly Fields[] =>
  framesOf(...events).map(({ data }) => JSON.parse(data) as Fields)
const typesOf = (wire: readonly Fields[]): readonly unknown[] =>
  wire.map(({ type }) => String(type).replace(/^response\./, ''))
const outputOf = (...events: readonly ChatEvent[]): readonly Fields[] =>
  fieldsOf(wireOf(...events).at(-1)?.response).output as readonly Fields[]
const partsOf = (...events: readonly ChatEvent[]): readonly Part[] =>
  assemble(runStep(decodeStream(), framesOf(...events))).choices[0]?.message.parts ?? []

test('a text is told from its beginning to its end, each event with its number and its place', () => {
  const wire = wireOf(start, begin(0, empty), grow(0, 'H'), grow(0, 'i'), end(0), finish)
  expect(typesOf(wire)).toEqual([
    'created',
    'in_progress',
    'output_item.added',
    'content_part.added',
    'output_text.delta',
    'output_text.delta',
    'output_text.done',
    'content_part.done',
    'output_item.done',
    'completed',
  ])
  expect(wire.map(({ sequence_number }) => sequence_number)).toEqual(wire.map((_, at) => at))
  const place = { item_id: 'msg_tl_9_0', output_index: 0, content_index: 0 }
  expect(wire[4]).toEqual({
    type: 'response.output_text.delta',
    ...place,
    delta: 'H',
    logprobs: [],
    sequence_number: 4,
  })
  expect(wire[6]).toMatchObject({ ...place, text: 'Hi' })
  expect(framesOf(start)[0]?.event).toBe('response.created')
})

test('the response is whole, as the vendor’s types promise it', () => {
  const request = decodeRequest(
    {
      model: 'm',
      input: 'Hi',
      instructions: 'Be kind.',
      temperature: 0.5,
      tools: [{ type: 'function', name: 'f', strict: false }],
      user: 'u',
      store: false,
    },
    asked,
  )
  const body = encodeAnswer(
    { id: 'chatcmpl-1', choices: [], usage: { inputUncached: 2, cacheRead: 1, outputText: 4, reasoning: 1 } },
    { ...context, request },
  )
  expect(body).toEqual({
    id: 'resp_1',
    object: 'response',
    created_at: 5,
    status: 'completed',
    error: null,
    incomplete_details: null,
    model: 'm',
    output: [],
    usage: {
      input_tokens: 3,
      input_tokens_details: { cached_tokens: 1, cache_write_tokens: 0 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 8,
    },
    background: false,
    conversation: null,
    instructions: 'Be kind.',
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    service_tier: null,
    store: false,
    temperature: 0.5,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }],
    top_logprobs: null,
    top_p: null,
    truncation: 'disabled',
    user: 'u',
  })
  expect(encodeAnswer({ id: 'x', choices: [] }, { ...context, answerId: 'resp_tl_7' })).toMatchObject({
    id: 'resp_tl_7',
    usage: null,
  })
})

test('calls may grow in turns, and are done in their order', () => {
  const wire = wireOf(
    start,
    begin(0, call('a')),
    begin(1, call('b')),
    grow(1, '{"x"'),
    grow(0, '{}'),
    grow(1, ':1}'),
    end(1),
    finish,
  )
  const done = wire.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => fieldsOf(item))
  expect(done.map(({ call_id, arguments: written }) => [call_id, written])).toEqual([
    ['a', '{}'],
    ['b', '{"x":1}'],
  ])
  const added = wire
    .filter(({ type }) => type === 'response.output_item.added')
    .map(({ item }) => fieldsOf(item).arguments)
  expect(added).toEqual(['', ''])
})

test('a call without arguments has none, in its deltas too', () => {
  const wire = wireOf(start, begin(0, call('a')), end(0), finish)
  expect(
    wire.filter(({ type }) => String(type).includes('arguments')).map(({ delta, arguments: all }) => delta ?? all),
  ).toEqual(['{}', '{}'])
})

test('a text that goes on after a call is another message', () => {
  const output = outputOf(
    start,
    begin(0, empty),
    grow(0, 'a'),
    begin(1, call('c')),
    grow(0, 'b'),
    grow(1, '{}'),
    finish,
  )
  expect(output.map(({ type }) => type)).toEqual(['message', 'function_call', 'message'])
})

test('texts in a row are one message, thoughts have items of their own', () => {
  const sealed: Part = { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 's' } }
  const output = outputOf(
    start,
    begin(0, { kind: 'reasoning', text: '' }),
    grow(0, 'hm'),
    { kind: 'amend', choice: 0, part: 0, with: { seal: { by: 'anthropic', value: 'v' } } },
    begin(1, sealed),
    begin(2, { kind: 'text', text: 'a' }),
    begin(3, { kind: 'text', text: 'b' }),
    begin(4, { kind: 'refusal', text: 'no' }),
    finish,
  )
  expect(output.map(({ type, content, summary }) => [type, (content ?? summary) as unknown])).toMatchObject([
    ['reasoning', [{ type: 'summary_text', text: 'hm' }]],
    ['reasoning', []],
    ['message', [{ text: 'a' }, { text: 'b' }, { type: 'refusal', refusal: 'no' }]],
  ])
})

describe('what other providers want back', () => {
  const parts: readonly Part[] = [
    { kind: 'reasoning', text: 'hm', id: 'odd.1', seal: { by: 'open.router', value: 'v.w' }, form: 'text' },
    { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'r' } },
    { kind: 'text', text: 'Hi', seal: { by: 'gemini', value: 't' } },
    { kind: 'tool-call', id: 'c.1', name: 'f', arguments: '{}', seal: { by: 'gemini', value: 'g' } },
    { kind: 'tool-call', id: 'c2', name: 'f', arguments: '{}' },
  ]
  const answer: ChatAnswer = {
    id: 'a',
    model: 'm',
    choices: [{ message: { role: 'assistant', parts }, finish: { reason: 'tool_calls' } }],
  }
  const plain = (all: readonly Part[]): readonly unknown[] => all.map(({ extra: _, ...part }) => part)

  test('travels with the items, and comes back as it was', () => {
    const { output } = encodeAnswer(answer, context) as { output: readonly Fields[] }
    const [turn] = decodeRequest({ model: 'm', input: output }, asked).messages
    const [first, second, ...others] = plain(turn?.parts ?? [])
    expect(first).toEqual(parts[0])
    expect(second).toMatchObject(parts[1] as object)
    expect(others).toEqual(parts.slice(2))
    expect(hasForeignThoughts(Buffer.from(JSON.stringify({ input: output })))).toBe(true)
    expect(hasForeignThoughts(Buffer.from('{"input":"trunkline.seal."}'))).toBe(true)
    expect(hasForeignThoughts(Buffer.from('{"input":"seal"}'))).toBe(false)
  })

  test('is the same when it is streamed', () => {
    const wire = wireOf(...disassemble(answer))
    expect(wire.at(-1)?.response).toEqual(encodeAnswer(answer, context))
    const [first, ...others] = plain(partsOf(...disassemble(answer)))
    // In which words a thought was told is known when it has been.
    expect(first).toEqual({ ...parts[0], form: 'summary' })
    expect(others).toEqual(plain(decodeAnswer(encodeAnswer(answer, context)).choices[0]?.message.parts ?? []).slice(1))
  })
})

test('thoughts that nobody sealed come back too, but never to OpenAI', () => {
  const thought: Part = { kind: 'reasoning', text: 'hm', form: 'text' }
  const answer: ChatAnswer = { choices: [{ message: { role: 'assistant', parts: [thought, call('c')] } }] }
  const { output } = encodeAnswer(answer, context) as { output: readonly Fields[] }
  expect(output[0]).toMatchObject({ type: 'reasoning', encrypted_content: expect.any(String) })
  const request = decodeRequest({ model: 'm', input: output }, asked)
  expect(request.messages[0]?.parts[0]).toEqual({ ...thought, id: 'rs_tl_new_0' })
  const { body, dropped } = encodeRequest(request, {})
  expect([(body.input as readonly Fields[]).map(({ type }) => type), dropped]).toEqual([
    ['function_call'],
    ['messages[0].reasoning'],
  ])
})

test('citations have their places, or are of the whole text', () => {
  const citations = [
    { url: 'https://a', title: 'A', start: 0, end: 1, dialect: 'gemini', value: {} },
    { document: 1, title: 'D', quote: 'q', dialect: 'anthropic-messages', value: {} },
    { url: 'https://b', dialect: 'openai-chat', value: {} },
  ]
  const whole = encodeAnswer(
    { choices: [{ message: { role: 'assistant', parts: [{ kind: 'text', text: 'abc', citations }] } }] },
    context,
  )
  const annotations = [
    { type: 'url_citation', url: 'https://a', title: 'A', start_index: 0, end_index: 1 },
    { type: 'file_citation', file_id: 'document_1', filename: 'D', index: 3, quote: 'q' },
    { type: 'url_citation', url: 'https://b', title: '', start_index: 0, end_index: 3 },
  ]
  expect(whole).toMatchObject({ output: [{ content: [{ annotations }] }] })
  const amends = citations.map((citation): ChatEvent => ({ kind: 'amend', choice: 0, part: 0, with: { citation } }))
  const wire = wireOf(start, begin(0, empty), grow(0, 'abc'), ...amends, finish)
  expect(
    wire
      .filter(({ type }) => String(type).endsWith('annotation.added'))
      .map(({ annotation, annotation_index }) => [annotation_index, annotation]),
  ).toEqual(annotations.map((annotation, index) => [index, annotation]))
  expect(fieldsOf(wire.at(-1)?.response).output).toMatchObject([{ content: [{ annotations }] }])
})

test('pictures and sounds are shown as far as they can be', () => {
  const output = outputOf(
    start,
    begin(0, { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } }),
    begin(1, { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: '' } }),
    grow(1, 'AAAA'),
    { kind: 'amend', choice: 0, part: 1, with: { transcript: 'Hi' } },
    begin(2, { kind: 'server-tool', phase: 'call', name: 'web_search', dialect: 'gemini', value: {} }),
    begin(3, { kind: 'opaque', dialect: 'gemini', value: {} }),
    finish,
  )
  expect(output).toMatchObject([
    { type: 'image_generation_call', status: 'completed', result: 'AAAA' },
    { type: 'message', content: [{ text: 'Hi' }] },
  ])
})

test.each<[reason: 'length' | 'content_filter' | 'pause', type: string, details: unknown]>([
  ['length', 'response.incomplete', { reason: 'max_output_tokens' }],
  ['content_filter', 'response.incomplete', { reason: 'content_filter' }],
  ['pause', 'response.completed', null],
])('an answer that ended by %s is %s', (reason, type, details) => {
  const wire = wireOf(
    start,
    { kind: 'finish', choice: 0, finish: { reason } },
    { kind: 'usage', usage: { outputText: 3 } },
  )
  expect(wire.at(-1)).toMatchObject({ type, response: { incomplete_details: details, usage: { output_tokens: 3 } } })
})

test('only the first of several choices is shown, and nothing is needed at the start', () => {
  const wire = wireOf(
    { kind: 'begin', choice: 1, part: 0, value: { kind: 'text', text: 'b' } },
    begin(0, { kind: 'text', text: 'a' }),
    grow(7, 'x'),
  )
  expect(fieldsOf(wire.at(-1)?.response)).toMatchObject({
    id: 'resp_new',
    model: 'm',
    created_at: 5,
    output: [{ content: [{ text: 'a' }] }],
  })
})

test('probabilities go with the text that they are of', () => {
  const tokens = [
    { token: 'H', logprob: -1 },
    { token: 'i', logprob: -2 },
  ]
  const wire = wireOf(
    start,
    begin(0, empty),
    { kind: 'logprobs', choice: 0, tokens: tokens.slice(0, 1) },
    grow(0, 'H'),
    grow(0, 'i'),
    { kind: 'logprobs', choice: 0, tokens: tokens.slice(1) },
    finish,
  )
  const said = tokens.map(({ token, logprob }) => ({
    token,
    logprob,
    bytes: [...Buffer.from(token)],
    top_logprobs: [],
  }))
  expect(wire.find(({ type }) => type === 'response.output_text.done')?.logprobs).toEqual(said)
  const parts: readonly Part[] = [
    { kind: 'text', text: 'H' },
    { kind: 'text', text: 'i' },
  ]
  const whole = encodeAnswer({ choices: [{ message: { role: 'assistant', parts }, logprobs: tokens }] }, context)
  expect(whole).toMatchObject({ output: [{ content: [{ logprobs: [said[0]] }, { logprobs: [said[1]] }] }] })
})
