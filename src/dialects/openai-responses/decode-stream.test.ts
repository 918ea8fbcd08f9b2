import { describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { Fields } from '../values.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeStreamError, readDisguised } from './errors.ts'
import { mayMatter, readFrame, readWhole } from './frame-facts.ts'

const created = {
  type: 'response.created',
  response: { id: 'resp_1', model: 'm', created_at: 7, status: 'in_progress' },
}
const usage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 3, cache_write_tokens: 2 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 19,
}
const completed = (output: readonly Fields[] = [], more: Fields = {}): Fields => ({
  type: 'response.completed',
  response: { id: 'resp_1', model: 'm', created_at: 7, status: 'completed', output, usage, ...more },
})
const eventsOf = (...events: readonly unknown[]): ChatEvent[] =>
  runStep(
    decodeStream(),
    events.map((event) => ({ data: typeof event === 'string' ? event : JSON.stringify(event) })),
  )
const partsOf = (...events: readonly unknown[]): readonly unknown[] =>
  assemble(eventsOf(created, ...events)).choices[0]?.message.parts.map(({ extra: _, ...part }) => part) ?? []

function thrownBy(run: () => unknown): GatewayError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown
    throw thrown
  }
  throw new Error('Nobody threw.')
}

const call = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f' }
const added = { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '' } }
const delta = (text: string): Fields => ({
  type: 'response.function_call_arguments.delta',
  output_index: 0,
  item_id: 'fc_1',
  delta: text,
})
const argumentsDone = {
  type: 'response.function_call_arguments.done',
  output_index: 0,
  item_id: 'fc_1',
  arguments: '{"a":1}',
}
const itemDone = {
  type: 'response.output_item.done',
  output_index: 0,
  item: { ...call, arguments: '{"a":1}', status: 'completed' },
}

describe('the arguments of a call come once', () => {
  test.each<[how: string, events: readonly unknown[]]>([
    ['in deltas and in the end', [added, delta('{"a"'), delta(':1}'), argumentsDone, itemDone]],
    ['in the end alone', [added, argumentsDone, itemDone]],
    ['with the item alone', [added, itemDone]],
    ['at its beginning and in deltas', [{ ...added, item: itemDone.item }, delta('{"a":1}'), argumentsDone, itemDone]],
    ['with an item that nobody announced', [itemDone]],
    ['with the response alone', []],
    ['with a response that repeats them', [added, delta('{"a":1}'), itemDone]],
  ])('%s', (_how, events) => {
    expect(partsOf(...events, completed([itemDone.item]))).toEqual([
      { kind: 'tool-call', id: 'c', name: 'f', arguments: '{"a":1}' },
    ])
  })
})

const message = { type: 'message', id: 'msg_1', role: 'assistant' }
const text = (events: Fields): Fields => ({ output_index: 0, item_id: 'msg_1', content_index: 0, ...events })
const citation = { type: 'url_citation', url: 'https://a', title: 'A', start_index: 0, end_index: 2 }
const saidItem = {
  ...message,
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hi!', annotations: [citation] }],
}

test('what the deltas leave out comes with the item', () => {
  const parts = partsOf(
    { type: 'response.output_item.added', output_index: 0, item: { ...message, content: [] } },
    text({ type: 'response.output_text.delta', delta: 'Hi' }),
    { type: 'response.output_item.done', output_index: 0, item: saidItem },
    completed([saidItem]),
  )
  expect(parts).toEqual([
    {
      kind: 'text',
      text: 'Hi!',
      citations: [{ url: 'https://a', title: 'A', start: 0, end: 2, dialect: 'openai-responses', value: citation }],
    },
  ])
})

test('a text that is counted from another place than the item has it is not said twice', () => {
  expect(
    partsOf(
      { type: 'response.output_item.added', output_index: 0, item: { ...message, content: [] } },
      {
        type: 'response.content_part.added',
        output_index: 0,
        content_index: 1,
        part: { type: 'output_text', text: '' },
      },
      { type: 'response.output_text.delta', output_index: 0, content_index: 1, delta: 'Hi!' },
      {
        type: 'response.output_item.done',
        output_index: 0,
        item: { ...message, content: [{ type: 'output_text', text: 'Hi!' }] },
      },
      completed(),
    ),
  ).toEqual([{ kind: 'text', text: 'Hi!' }])
})

test('thoughts have their seal at their end, also those that are nothing else', () => {
  const summary = (summary_index: number, events: Fields): Fields => ({
    output_index: 0,
    item_id: 'rs_1',
    summary_index,
    ...events,
  })
  const events = [
    { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'rs_1', summary: [] } },
    summary(0, { type: 'response.reasoning_summary_part.added', part: { type: 'summary_text', text: '' } }),
    summary(0, { type: 'response.reasoning_summary_text.delta', delta: 'a' }),
    summary(1, { type: 'response.reasoning_summary_text.delta', delta: 'b' }),
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: {
        type: 'reasoning',
        id: 'rs_1',
        summary: [
          { type: 'summary_text', text: 'a' },
          { type: 'summary_text', text: 'b' },
        ],
        encrypted_content: 'x',
      },
    },
    { type: 'response.output_item.added', output_index: 1, item: { type: 'reasoning', id: 'rs_2', summary: [] } },
    {
      type: 'response.output_item.done',
      output_index: 1,
      item: { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'y' },
    },
    completed(),
  ]
  expect(partsOf(...events)).toEqual([
    { kind: 'reasoning', text: 'a', form: 'summary', id: 'rs_1' },
    { kind: 'reasoning', text: 'b', form: 'summary', id: 'rs_1', seal: { by: 'openai', value: 'x' } },
    { kind: 'reasoning', text: '', id: 'rs_2', seal: { by: 'openai', value: 'y' } },
  ])
})

test('refusals, free text for tools and probabilities are told too', () => {
  const logprob = {
    token: 'Hi',
    logprob: -0.5,
    bytes: [72, 105],
    top_logprobs: [{ token: 'Ho', logprob: -2, bytes: null }],
  }
  const answer = assemble(
    eventsOf(
      created,
      { type: 'response.output_item.added', output_index: 0, item: { ...message, content: [] } },
      text({ type: 'response.output_text.delta', delta: 'Hi', logprobs: [logprob] }),
      text({ type: 'response.output_text.done', text: 'Hi', logprobs: [logprob] }),
      text({ type: 'response.refusal.delta', content_index: 1, delta: 'No' }),
      text({ type: 'response.refusal.done', content_index: 1, refusal: 'No.' }),
      {
        type: 'response.output_item.added',
        output_index: 1,
        item: { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c', name: 'g', input: '' },
      },
      { type: 'response.custom_tool_call_input.delta', output_index: 1, delta: 'free' },
      completed(),
    ),
  )
  expect(answer.choices[0]).toMatchObject({
    message: {
      parts: [{ text: 'Hi' }, { kind: 'refusal', text: 'No.' }, { kind: 'tool-call', custom: true, arguments: 'free' }],
    },
    logprobs: [{ token: 'Hi', logprob: -0.5, bytes: [72, 105], top: [{ token: 'Ho', logprob: -2 }] }],
    finish: { reason: 'tool_calls', native: 'completed' },
  })
})

test('usage is apart, and the tier is the one that it was', () => {
  const events = eventsOf(
    { ...created, response: { ...created.response, service_tier: 'auto' } },
    completed([], { service_tier: 'default' }),
    '[DONE]',
  )
  expect(assemble(events)).toMatchObject({
    id: 'resp_1',
    createdS: 7,
    serviceTier: 'default',
    usage: { inputUncached: 5, cacheRead: 3, cacheWrite5m: 2, outputText: 5, reasoning: 4 },
    usageReported: usage,
  })
})

test.each<[status: string, details: unknown, finish: Partial<ChatAnswer['choices'][0]['finish']>]>([
  ['incomplete', { reason: 'max_output_tokens' }, { reason: 'length', native: 'max_output_tokens' }],
  ['incomplete', { reason: 'content_filter' }, { reason: 'content_filter', native: 'content_filter' }],
  ['incomplete', { reason: 'constructor' }, { reason: 'other', native: 'constructor' }],
  ['cancelled', null, { reason: 'other', native: 'cancelled' }],
])('a response that is %s with %j says why', (status, incomplete_details, finish) => {
  const response = { id: 'r', status, incomplete_details, output: [] }
  expect(decodeAnswer(response).choices[0]?.finish).toMatchObject(finish as object)
  expect(assemble(eventsOf({ type: 'response.incomplete', response })).choices[0]?.finish).toMatchObject(
    finish as object,
  )
})

describe('what fails', () => {
  const error = { code: 'rate_limit_exceeded', message: 'Too fast.' }
  test.each<[how: string, events: readonly unknown[], code: string, status: number]>([
    ['flat', [created, { type: 'error', ...error, param: null, sequence_number: 3 }], 'rate_limited', 429],
    ['one level down', [{ type: 'error', error }], 'rate_limited', 429],
    ['without a type', [{ error: { message: 'Overloaded', code: 503 } }], 'upstream_overloaded', 503],
    [
      'as a response',
      [created, { type: 'response.failed', response: { status: 'failed', error } }],
      'rate_limited',
      429,
    ],
    [
      'without a reason',
      [created, { type: 'response.failed', response: { status: 'failed', error: null } }],
      'upstream_error',
      502,
    ],
    ['for its picture', [{ type: 'error', code: 'invalid_image_url', message: 'No.' }], 'bad_request', 400],
    ['for no JSON', ['{'], 'upstream_invalid', 502],
    ['without an end', [created, added, delta('{')], 'upstream_cut', 502],
  ])('%s is told', (_how, events, code, status) => {
    const thrown = thrownBy(() => eventsOf(...events))
    expect([thrown.code, thrown.status]).toEqual([code, status])
  })

  test('as a whole is told, whatever its status was', () => {
    const failed = { id: 'r', object: 'response', status: 'failed', error, output: [] }
    expect(thrownBy(() => decodeAnswer(failed))).toMatchObject({ code: 'rate_limited', message: 'Too fast.' })
    expect(thrownBy(() => decodeAnswer({ error: { message: 'No.', code: 'invalid_api_key' } })).code).toBe(
      'unauthorized',
    )
    expect(thrownBy(() => decodeAnswer({ choices: [] })).code).toBe('upstream_invalid')
    expect(readDisguised(Buffer.from(JSON.stringify(failed))).code).toBe('rate_limited')
    expect(readWhole(failed).error).toEqual({ code: 'rate_limit_exceeded', message: 'Too fast.' })
  })

  test('is an event on which clients throw', () => {
    const written = encodeStreamError(new GatewayError('rate_limited', 'Too fast.', { param: 'p' }))
    expect(written).toMatch(/^\n\nevent: error\ndata: \{.*\}\n\n$/)
    const event = JSON.parse(/data: (.*)/.exec(written)?.[1] ?? '') as Fields
    expect(event).toMatchObject({
      type: 'error',
      code: 'rate_limit_exceeded',
      message: 'Too fast.',
      param: 'p',
      error: { type: 'rate_limit_error' },
      sequence_number: expect.any(Number),
    })
    expect(thrownBy(() => eventsOf(event)).code).toBe('rate_limited')
  })
})

test('a frame says at a glance what is needed at once', () => {
  const frame = (event: Fields): { data: string } => ({ data: JSON.stringify(event) })
  expect(readFrame(frame(created))).toEqual({ model: 'm' })
  expect(readFrame(frame(text({ type: 'response.output_text.delta', delta: 'Hi' })))).toEqual({ hasContent: true })
  expect(readFrame(frame({ type: 'response.in_progress' }))).toEqual({ hasContent: false })
  expect(readFrame(frame(added))).toEqual({ hasContent: true })
  expect(readFrame(frame(completed([itemDone.item])))).toMatchObject({
    finishReason: 'tool_calls',
    usage: { reasoning: 4 },
    isDone: true,
  })
  expect(readFrame(frame({ type: 'error', message: 'No.' }))?.error?.message).toBe('No.')
  expect(readFrame({ data: '[DONE]' })).toBeUndefined()
  expect([mayMatter(frame(added)), mayMatter(frame(completed())), mayMatter({ data: 'x' })]).toEqual([
    false,
    true,
    true,
  ])
})
