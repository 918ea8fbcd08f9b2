import { expect, test } from 'vitest'
import type { ChatEvent, ChatRequest } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import { madeCallId } from '../ids.ts'
import { ollama as dialect } from './ollama.ts'

const request: ChatRequest = { model: 'llama3', stream: true, messages: [], tools: [], settings: {} }
const context = { request, createdS: 0, newId: () => 'new' }
const asked = { model: '', stream: false }

const lines = (...said: unknown[]): { data: string }[] => said.map((one) => ({ data: JSON.stringify(one) }))
const decoded = (...said: unknown[]): ChatEvent[] => runStep(dialect.decodeStream(), lines(...said))

test('an answer is streamed unless the client says otherwise', () => {
  const limits = { jsonDepth: 100, jsonValues: 100 }
  const streams = ['{"model":"m","messages":[]}', '{"model":"m","messages":[],"stream":false}'].map(
    (body) => dialect.readRequest(Buffer.from(body), limits, () => undefined).stream,
  )
  expect(streams).toEqual([true, false])
  expect(dialect.decodeRequest({ model: 'm', messages: [] }, asked).stream).toBe(true)
})

test('options, pictures, thoughts, calls and results find their places, both ways', () => {
  const body = {
    model: 'qwen3',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'See', images: ['iVBORw0KGgo='] },
      {
        role: 'assistant',
        content: 'Yes',
        thinking: 'Hm',
        tool_calls: [{ id: 'a', function: { name: 'look', arguments: { x: 1 } } }],
      },
      { role: 'tool', content: '1', tool_name: 'look', tool_call_id: 'a' },
    ],
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
    stream: false,
    format: { type: 'object' },
    options: { num_predict: 5, temperature: 0.5, top_k: 3, stop: ['x'], num_ctx: 4096 },
    think: 'high',
    logprobs: true,
    top_logprobs: 2,
    keep_alive: '5m',
  }
  const inner = dialect.decodeRequest(body, asked)
  expect(inner).toMatchObject({
    settings: { maxTokens: 5, temperature: 0.5, topK: 3, stop: ['x'], logprobs: 2 },
    reasoning: { effort: 'high' },
    format: { kind: 'schema' },
  })
  expect(dialect.encodeRequest(inner, { reasoning: 'effort' })).toEqual({ body, dropped: [] })
})

test('what it has no place for is named', () => {
  const { body, dropped } = dialect.encodeRequest(
    {
      ...request,
      messages: [
        {
          role: 'assistant',
          parts: [
            { kind: 'tool-call', id: madeCallId('abc'), name: 'look', arguments: 'no json' },
            { kind: 'image', source: { kind: 'url', url: 'https://example.test/a.png' } },
          ],
        },
        { role: 'tool', parts: [{ kind: 'tool-result', callId: madeCallId('abc'), parts: [] }] },
      ],
      tools: [
        { kind: 'function', name: 'look' },
        { kind: 'custom', name: 'free' },
      ],
      toolChoice: { mode: 'required' },
      settings: { logitBias: { a: 1 }, choices: 1, store: false },
      reasoning: { mode: 'off' },
    },
    {},
  )
  expect(dropped).toEqual(['logitBias', 'toolChoice', 'tools[1].free', 'messages[0].image'])
  expect(body).toMatchObject({
    think: false,
    messages: [
      { role: 'assistant', tool_calls: [{ function: { name: 'look', arguments: { input: 'no json' } } }] },
      { role: 'tool', content: '', tool_name: 'look' },
    ],
  })
})

test('a stream says thoughts, words and whole calls, and why it ended', () => {
  const head = { model: 'm', created_at: '1970-01-01T00:00:10Z', done: false }
  const events = decoded(
    { ...head, message: { role: 'assistant', content: '', thinking: 'H' } },
    { ...head, message: { role: 'assistant', content: '', thinking: 'm' } },
    { ...head, message: { role: 'assistant', content: 'Hi' } },
    {
      ...head,
      message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'look', arguments: {} } }] },
    },
    { ...head, done: true, done_reason: 'stop', message: { content: '' }, prompt_eval_count: 3, eval_count: 2 },
  )
  const answer = assemble(events)
  expect(answer).toMatchObject({
    model: 'm',
    createdS: 10,
    usage: { inputUncached: 3, outputText: 2 },
    choices: [
      {
        message: {
          parts: [
            { kind: 'reasoning', text: 'Hm' },
            { kind: 'text', text: 'Hi' },
            { kind: 'tool-call', id: '', name: 'look', arguments: '{}' },
          ],
        },
        finish: { reason: 'tool_calls', native: 'stop' },
      },
    ],
  })
  const again = runStep(dialect.encodeStream(context), disassemble(answer))
  expect(assemble(runStep(dialect.decodeStream(), again))).toEqual(answer)
})

test('a line that is an error ends the stream, and so does one that never came', () => {
  const codeOf = (act: () => unknown): string => {
    try {
      act()
    } catch (thrown) {
      return (thrown as GatewayError).code
    }
    return 'none'
  }
  const head = { model: 'm', message: { content: 'Hi' }, done: false }
  expect(codeOf(() => decoded(head, { error: 'prompt too long; exceeded max context length by 5 tokens' }))).toBe(
    'context_length',
  )
  expect(codeOf(() => decoded(head))).toBe('upstream_cut')
  expect(codeOf(() => runStep(dialect.decodeStream(), [{ data: '{' }]))).toBe('upstream_invalid')
  expect(codeOf(() => dialect.decodeAnswer({ error: 'model is overloaded' }))).toBe('upstream_overloaded')
})

test('errors have a word for all of it', () => {
  const { error, asItCame } = dialect.readError(404, Buffer.from('{"error":"model \'x\' not found"}'))
  expect([error.code, error.message, asItCame]).toEqual(['model_not_found', "model 'x' not found", true])
  expect(dialect.encodeError(new GatewayError('bad_request', 'No.'))).toBe('{"error":"No."}')
})

test('a time that is none is not told', () => {
  const answer = { choices: [], createdS: 1e300 }
  expect(dialect.encodeAnswer(answer, context)).toMatchObject({ created_at: '1970-01-01T00:00:00.000Z' })
  const frames = runStep(dialect.encodeStream(context), [
    { kind: 'start', createdS: 1e300 },
    { kind: 'finish', choice: 0, finish: { reason: 'stop' } },
  ])
  expect(JSON.parse(frames[0]?.data ?? '')).toMatchObject({ created_at: '1970-01-01T00:00:00.000Z', done: true })
})

test('the facts of an answer are found as it passes', () => {
  const head = { model: 'm', message: { content: 'Hi' }, done: false }
  const end = { model: 'm', message: { content: '' }, done: true, done_reason: 'length', eval_count: 2 }
  const bytes = Buffer.concat(lines(head, head, end).map((line) => dialect.framing.write(line)))
  const facts = { model: 'm', finishReason: 'length', usage: { outputText: 2 }, usageReported: { eval_count: 2 } }
  expect(dialect.readAnswer(bytes, true)).toEqual(facts)
  expect(dialect.readAnswer(Buffer.from(JSON.stringify(end)), false)).toEqual(facts)
})
