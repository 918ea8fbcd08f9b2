import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatRequest } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import { awsFrames } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { bedrockConverse as dialect } from './bedrock-converse.ts'

const request: ChatRequest = { model: 'm', stream: true, messages: [], tools: [], settings: {} }
const context: AnswerContext = { request, createdS: 1, newId: () => 'new' }

const frame = (event: string, payload: unknown): Frame => ({ event, data: JSON.stringify(payload) })
const delta = (index: number, value: unknown): Frame =>
  frame('contentBlockDelta', { contentBlockIndex: index, delta: value, p: 'abc' })
const stop = (index: number): Frame => frame('contentBlockStop', { contentBlockIndex: index })
const callStart = (index: number, name: string): Frame =>
  frame('contentBlockStart', { contentBlockIndex: index, start: { toolUse: { toolUseId: `id-${index}`, name } } })
const ended = (stopReason: string): Frame => frame('messageStop', { stopReason })

const decoded = (...frames: Frame[]): ChatEvent[] => runStep(dialect.decodeStream(), frames)
const encoded = (events: readonly ChatEvent[]): unknown[] =>
  runStep(dialect.encodeStream(context), events).map(({ event, data }) => [event, JSON.parse(data)])

const problemOf = (act: () => unknown): GatewayError => {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown
    throw thrown
  }
  throw new Error('Nothing was thrown.')
}

describe('reading', () => {
  test('texts begin at their first words, calls where they are announced, and numbers come after the end', () => {
    expect(
      decoded(
        frame('messageStart', { role: 'assistant' }),
        delta(0, { text: '' }),
        delta(0, { text: 'Hel' }),
        delta(0, { text: 'lo' }),
        stop(0),
        callStart(1, 'look'),
        delta(1, { toolUse: { input: '' } }),
        delta(1, { toolUse: { input: '{"a":' } }),
        delta(1, { toolUse: { input: '1}' } }),
        stop(1),
        ended('tool_use'),
        frame('metadata', { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 9, cacheWriteInputTokens: 4 } }),
      ),
    ).toEqual([
      { kind: 'start' },
      { kind: 'begin', choice: 0, part: 0, value: { kind: 'text', text: 'Hel' } },
      { kind: 'grow', choice: 0, part: 0, text: 'lo' },
      { kind: 'end', choice: 0, part: 0 },
      { kind: 'begin', choice: 0, part: 1, value: { kind: 'tool-call', id: 'id-1', name: 'look', arguments: '' } },
      { kind: 'grow', choice: 0, part: 1, text: '{"a":' },
      { kind: 'grow', choice: 0, part: 1, text: '1}' },
      { kind: 'end', choice: 0, part: 1 },
      { kind: 'finish', choice: 0, finish: { reason: 'tool_calls', native: 'tool_use' } },
      {
        kind: 'usage',
        usage: { inputUncached: 3, cacheWrite5m: 4, outputText: 2 },
        reported: { inputTokens: 3, outputTokens: 2, totalTokens: 9, cacheWriteInputTokens: 4 },
      },
      {
        kind: 'extra',
        extra: {
          dialect: 'bedrock-converse',
          fields: {},
          echo: { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 9, cacheWriteInputTokens: 4 } },
        },
      },
    ])
  })

  test('a call without arguments has an empty object for them, as a whole answer says', () => {
    const answer = assemble(decoded(callStart(0, 'look'), stop(0), ended('tool_use')))
    expect(answer.choices[0]?.message.parts).toMatchObject([{ kind: 'tool-call', arguments: '{}' }])
  })

  test('the answer that a model was made to give by a tool is its text', () => {
    const input = (text: string): Frame => delta(0, { toolUse: { input: text } })
    const plain = decoded(callStart(0, 'trunkline_answer'), input('{"a"'), input(':1}'), stop(0), ended('tool_use'))
    const wrapped = decoded(
      callStart(0, 'trunkline_wrapped_answer'),
      input('{"answer"'),
      input(':[1]}'),
      stop(0),
      ended('tool_use'),
    )
    expect([plain, wrapped].map((events) => assemble(events).choices[0])).toEqual([
      { message: { role: 'assistant', parts: [{ kind: 'text', text: '{"a":1}' }] }, finish: { reason: 'stop' } },
      { message: { role: 'assistant', parts: [{ kind: 'text', text: '[1]' }] }, finish: { reason: 'stop' } },
    ])
  })

  test('an exception is the error that it says it is, and a stream that just ends was cut', () => {
    const start = frame('messageStart', { role: 'assistant' })
    const throttled = problemOf(() => decoded(start, frame('exception:throttlingException', { message: 'Wait.' })))
    expect([throttled.code, throttled.status, throttled.message]).toEqual(['rate_limited', 429, 'Wait.'])
    const codes = ['validationException', 'serviceUnavailableException', 'modelStreamErrorException', 'x'].map(
      (name) => problemOf(() => decoded(start, frame(`exception:${name}`, {}))).code,
    )
    expect(codes).toEqual(['bad_request', 'upstream_overloaded', 'upstream_error', 'upstream_error'])
    expect(problemOf(() => decoded(start, delta(0, { text: 'Hi' }), stop(0))).code).toBe('upstream_cut')
    expect(problemOf(() => decoded({ event: 'messageStart', data: '{' })).code).toBe('upstream_invalid')
  })

  test('events that nobody knows are passed over', () => {
    expect(decoded(frame('tomorrow', {}), ended('end_turn')).map(({ kind }) => kind)).toEqual(['start', 'finish'])
  })
})

describe('writing', () => {
  test('calls that grow in turns are blocks one after another', () => {
    const begin = (part: number, name: string): ChatEvent => ({
      kind: 'begin',
      choice: 0,
      part,
      value: { kind: 'tool-call', id: name, name, arguments: '' },
    })
    const grow = (part: number, text: string): ChatEvent => ({ kind: 'grow', choice: 0, part, text })
    const frames = encoded([
      { kind: 'usage', usage: { inputUncached: 1, outputText: 2 } },
      { kind: 'begin', choice: 0, part: 0, value: { kind: 'text', text: 'Hi' } },
      begin(1, 'a'),
      grow(1, '{"x"'),
      begin(2, 'b'),
      grow(2, '{}'),
      grow(1, ':1}'),
      { kind: 'begin', choice: 1, part: 0, value: { kind: 'text', text: 'another choice' } },
      { kind: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
    ])
    const start = (index: number, name: string): unknown => [
      'contentBlockStart',
      { contentBlockIndex: index, start: { toolUse: { toolUseId: name, name } } },
    ]
    const more = (index: number, value: unknown): unknown => [
      'contentBlockDelta',
      { contentBlockIndex: index, delta: value },
    ]
    const end = (index: number): unknown => ['contentBlockStop', { contentBlockIndex: index }]
    expect(frames).toEqual([
      ['messageStart', { role: 'assistant' }],
      more(0, { text: 'Hi' }),
      end(0),
      start(1, 'a'),
      more(1, { toolUse: { input: '{"x"' } }),
      more(1, { toolUse: { input: ':1}' } }),
      end(1),
      start(2, 'b'),
      more(2, { toolUse: { input: '{}' } }),
      end(2),
      ['messageStop', { stopReason: 'tool_use' }],
      ['metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, metrics: { latencyMs: 0 } }],
    ])
  })

  test('a text that goes on after another part began goes on in a block of its own', () => {
    const events: ChatEvent[] = [
      { kind: 'begin', choice: 0, part: 0, value: { kind: 'text', text: 'a' } },
      { kind: 'begin', choice: 0, part: 1, value: { kind: 'reasoning', text: 'b' } },
      { kind: 'grow', choice: 0, part: 0, text: 'c' },
      { kind: 'finish', choice: 0, finish: { reason: 'stop' } },
    ]
    const again = assemble(runStep(dialect.decodeStream(), runStep(dialect.encodeStream(context), events)))
    expect(again.choices[0]?.message.parts).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'reasoning', text: 'b' },
      { kind: 'text', text: 'c' },
    ])
  })

  test('an answer that came whole is a stream that says the same', () => {
    const answer = dialect.decodeAnswer({
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: '', signature: 'Er8B' } } },
            { reasoningContent: { redactedContent: Buffer.from('EuYBCk').toString('base64') } },
            { citationsContent: { content: [{ text: 'a' }], citations: [{ title: 't' }] } },
            { toolUse: { toolUseId: '1', name: 'nova_grounding', input: { q: 1 }, type: 'server_tool_use' } },
            { toolResult: { toolUseId: '1', content: [{ text: 'x' }], type: 'nova_grounding_result' } },
            { toolUse: { toolUseId: '2', name: 'look', input: { a: 1 } } },
          ],
        },
      },
      stopReason: 'tool_use',
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
      metrics: { latencyMs: 5 },
      trace: { guardrail: {} },
    })
    const frames = runStep(dialect.encodeStream(context), disassemble(answer))
    expect(assemble(runStep(dialect.decodeStream(), frames))).toEqual(answer)
  })

  test('an error in a stream is an exception frame, of the kind that it is', () => {
    const names = (['rate_limited', 'upstream_overloaded', 'upstream_cut', 'bad_request', 'internal'] as const).map(
      (code) =>
        runStep(awsFrames.split(), [dialect.encodeStreamError(new GatewayError(code, 'No.')) as Buffer])[0]?.event,
    )
    expect(names).toEqual([
      'exception:throttlingException',
      'exception:serviceUnavailableException',
      'exception:modelStreamErrorException',
      'exception:validationException',
      'exception:internalServerException',
    ])
  })
})

describe('watching', () => {
  const bytes = (...frames: Frame[]): Buffer => Buffer.concat(frames.map((one) => awsFrames.write(one)))

  test('the facts of a stream are found as it passes', () => {
    const facts = dialect.readAnswer(
      bytes(
        frame('messageStart', { role: 'assistant' }),
        delta(0, { text: 'Hi' }),
        ended('max_tokens'),
        frame('metadata', { usage: { inputTokens: 1, outputTokens: 2 } }),
      ),
      true,
    )
    expect(facts).toEqual({
      finishReason: 'length',
      usage: { inputUncached: 1, outputText: 2 },
      usageReported: { inputTokens: 1, outputTokens: 2 },
    })
  })

  test('an exception before anything else is a refusal, and empty words are no content', () => {
    const watch = dialect.watchAnswer(true)
    watch.next(bytes(frame('exception:throttlingException', { message: 'Wait.' })))
    expect(watch.refusal?.code).toBe('rate_limited')
    const other = dialect.watchAnswer(true)
    other.next(bytes(frame('messageStart', { role: 'assistant' }), delta(0, { text: '' })))
    expect([other.hasBegun, other.hasContent]).toEqual([true, false])
    other.next(bytes(delta(0, { text: 'Hi' })))
    expect([other.hasContent, other.isDone]).toEqual([true, false])
    other.next(bytes(ended('end_turn')))
    expect(other.isDone).toBe(true)
  })

  test('the facts of a whole answer are its own', () => {
    const body = Buffer.from(JSON.stringify({ stopReason: 'tool_use', usage: { inputTokens: 1, outputTokens: 2 } }))
    expect(dialect.readAnswer(body, false)).toMatchObject({ finishReason: 'tool_calls', usage: { inputUncached: 1 } })
  })
})
