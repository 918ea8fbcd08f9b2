/** What passes from a client of this dialect to a provider of it. */
import { describe, expect, test } from 'vitest'
import { runStep } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { anthropicMessages as dialect } from './anthropic-messages.ts'

const limits = { jsonDepth: 100, jsonValues: 10_000 }
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

const stream = [
  ['message_start', { message: { model: 'claude-x', usage: { input_tokens: 5, output_tokens: 1 } } }],
  ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
  ['ping', {}],
  ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hé 😀 "content_block_delta"' } }],
  ['content_block_stop', { index: 0 }],
  ['message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }],
  ['message_stop', {}],
] as const

const frames: readonly Frame[] = stream.map(([event, rest]) => ({
  event,
  data: JSON.stringify({ type: event, ...rest }),
}))
const body = Buffer.concat(frames.map(dialect.framing.write))

describe('requests', () => {
  test('pass with another name for the model and nothing else changed', () => {
    const sent =
      '{ "model" : "a/b", "max_tokens":1, "mcp_servers":[],\n"messages":[{"role":"user","content":"Hi"}],"stream":true }'
    const seen: string[] = []
    const facts = dialect.readRequest(bytes(sent), limits, (model) => seen.push(model))
    expect(facts).toMatchObject({ model: 'a/b', stream: true, asksUsage: true })
    expect(seen).toEqual(['a/b'])
    const edited = dialect.editRequest(bytes(sent), facts, { model: 'b', addUsage: true })
    expect(edited.toString()).toBe(sent.replace('"a/b"', '"b"'))
  })

  test.each([
    ['no model', { messages: [] }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['a stream that is no yes or no', { model: 'm', messages: [], stream: 'yes' }, 'stream'],
  ])('with %s are refused', (_, sent, param) => {
    expect(() => dialect.readRequest(bytes(sent), limits, () => undefined)).toThrow(
      expect.objectContaining({ code: 'bad_request', details: { param } }),
    )
  })
})

describe('the watch', () => {
  test('sees model, usage, end and content of a stream, however it is cut', () => {
    for (let size = 1; size < body.length; size++) {
      const watch = dialect.watchAnswer(true)
      for (let from = 0; from < body.length; from += size) watch.next(body.subarray(from, from + size))
      expect(watch.end()).toMatchObject({
        model: 'claude-x',
        finishReason: 'stop',
        usage: { inputUncached: 5, outputText: 9 },
      })
      expect([watch.isDone, watch.hasContent, watch.refusal]).toEqual([true, true, undefined])
    }
  })

  test('has seen no content before a text, a thought or a call', () => {
    const watch = dialect.watchAnswer(true)
    const at = (count: number) => Buffer.concat(frames.slice(0, count).map(dialect.framing.write))
    watch.next(at(3))
    expect([watch.hasBegun, watch.hasContent]).toEqual([true, false])
    watch.next(at(4).subarray(at(3).length))
    expect(watch.hasContent).toBe(true)
  })

  test('takes an error for what it is, as the first event and under a good status', () => {
    const said = { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }
    const watch = dialect.watchAnswer(true)
    watch.next(dialect.framing.write({ event: 'error', data: JSON.stringify(said) }))
    expect(watch.refusal).toMatchObject({ code: 'upstream_overloaded', status: 529 })
    const whole = dialect.watchAnswer(false)
    whole.next(bytes(said))
    whole.end()
    expect(whole.refusal).toMatchObject({ code: 'upstream_overloaded' })
  })

  test('reads a whole answer', () => {
    const answer = { type: 'message', model: 'm', content: [], stop_reason: 'max_tokens', usage: { input_tokens: 1 } }
    expect(dialect.readAnswer(bytes(answer), false)).toEqual({
      model: 'm',
      finishReason: 'length',
      usage: { inputUncached: 1 },
      usageReported: { input_tokens: 1 },
    })
  })
})

test('frames are the same however the network cuts them', () => {
  for (const wire of [body, bytes(body.toString().replaceAll('\n', '\r\n'))]) {
    for (let size = 1; size < 60; size++) {
      const cuts = Array.from({ length: Math.ceil(wire.length / size) }, (_, at) =>
        wire.subarray(at * size, (at + 1) * size),
      )
      expect(runStep(dialect.framing.split(), cuts)).toEqual(frames)
    }
  }
})
