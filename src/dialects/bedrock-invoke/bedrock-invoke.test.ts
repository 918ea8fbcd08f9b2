import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import type { ChatEvent, ChatRequest } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import { awsFrames } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { fieldsOf } from '../values.ts'
import { bedrockInvoke as dialect } from './bedrock-invoke.ts'

const request: ChatRequest = {
  model: 'anthropic.claude',
  stream: true,
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [],
  settings: {},
}
const context: AnswerContext = { request, createdS: 1, newId: () => 'new' }

const pack = (event: unknown): Buffer => dialect.framing.write({ data: JSON.stringify(event) })
const eventsOf = (bytes: Uint8Array): ChatEvent[] =>
  runStep(dialect.decodeStream(), runStep(dialect.framing.split(), [bytes]))

const message = { type: 'message_start', message: { id: 'msg_1', model: 'claude', role: 'assistant', content: [] } }
const metrics = { inputTokenCount: 4, outputTokenCount: 10, cacheWriteInputTokenCount: 5 }
const told = [
  message,
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
  { type: 'message_stop', 'amazon-bedrock-invocationMetrics': metrics },
]
const stream = Buffer.concat(told.map(pack))

test('the body names its version, and neither model nor stream', () => {
  const { body } = dialect.encodeRequest(request, {})
  expect(body).toMatchObject({ anthropic_version: 'bedrock-2023-05-31', messages: [{ role: 'user' }] })
  expect(body).not.toHaveProperty('model')
  expect(body).not.toHaveProperty('stream')
})

test('model and stream are what the address says', () => {
  const body = Buffer.from('{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[]}')
  const asked = { model: 'm', stream: true }
  const limits = { jsonDepth: 100, jsonValues: 100 }
  expect(dialect.readRequest(body, { ...limits, asked }, () => undefined)).toMatchObject(asked)
  expect(dialect.decodeRequest(JSON.parse(body.toString()), asked)).toMatchObject(asked)
  expect(() => dialect.readRequest(body, limits, () => undefined)).toThrow(GatewayError)
})

test("the provider's own count stands in where the message has none", () => {
  const usage = { inputUncached: 4, cacheWrite5m: 5, outputText: 10 }
  expect(assemble(eventsOf(stream))).toMatchObject({ usage, choices: [{ finish: { reason: 'stop' } }] })
  expect(dialect.readAnswer(stream, true)).toMatchObject({ usage, usageReported: metrics, finishReason: 'stop' })
})

test('events that are cut at any byte are the same', () => {
  const whole = runStep(dialect.framing.split(), [stream])
  expect(whole.map(({ data }) => JSON.parse(data))).toEqual(told)
  for (let at = 1; at < stream.length; at++)
    expect(runStep(dialect.framing.split(), [stream.subarray(0, at), stream.subarray(at)])).toEqual(whole)
})

test('an exception between the events is the error that it says it is', () => {
  const exception = awsFrames.write({ event: 'exception:throttlingException', data: '{"message":"Wait."}' })
  expect(() => eventsOf(Buffer.concat([pack(message), exception]))).toThrow('Wait.')
  expect(dialect.readAnswer(Buffer.concat([pack(message), exception]), true).error?.message).toBe('Wait.')
  const broken = awsFrames.write({ event: 'chunk', data: '{' })
  expect(() => eventsOf(broken)).toThrow(GatewayError)
})

test('tokens are counted of the body as it would be sent', () => {
  const { body } = dialect.counting.encodeRequest(request, {})
  const packed = fieldsOf(fieldsOf(body.input).invokeModel).body as string
  expect(JSON.parse(Buffer.from(packed, 'base64').toString())).toMatchObject({ messages: [{ role: 'user' }] })
  expect(dialect.counting.decodeAnswer({ inputTokens: 7 })).toBe(7)
})

/** Titan, Nova, Llama, Mistral and Cohere have bodies of their own here, and Claude once had: Converse speaks to all of them. */
const isMessages = (id: string): boolean => Array.isArray(fieldsOf(load(id).request.body).messages)
const rows = recordingsFolder()
  ? index().filter(
      ({ api, model, status, id }) =>
        /^bedrock\.invoke/.test(api) && status === 200 && /claude/.test(model ?? '') && isMessages(id),
    )
  : []

describe.skipIf(!recordingsFolder())(`recordings (${recordingsFolder() ? rows.length : noRecordings})`, () => {
  test.each(rows.map(({ id }) => id))('the request %s keeps everything', (id) => {
    const body = fieldsOf(load(id).request.body)
    const decoded = dialect.decodeRequest(body, { model: load(id).model ?? '', stream: false })
    const encoded = dialect.encodeRequest(decoded, {})
    expect(encoded.dropped).toEqual([])
    expect(dialect.decodeRequest(encoded.body, { model: load(id).model ?? '', stream: false })).toEqual(decoded)
  })

  test.each(rows.filter((row) => !row.streaming).map(({ id }) => id))('the answer %s is the same', (id) => {
    const { response } = load(id)
    const body = 'body' in response ? response.body : undefined
    expect(dialect.encodeAnswer(dialect.decodeAnswer(body), context)).toMatchObject(fieldsOf(body))
  })

  test.each(rows.filter((row) => row.streaming).map(({ id }) => id))('the stream %s is the same anew', (id) => {
    const events = eventsOf(responseBytes(load(id)))
    const frames: Frame[] = runStep(dialect.encodeStream(context), events)
    const written = Buffer.concat(frames.map((frame) => dialect.framing.write(frame)))
    expect(assemble(eventsOf(written))).toEqual(assemble(events))
    expect(assemble(events).usage?.outputText).toBeGreaterThan(0)
  })
})
