/** Whatever comes, a client hears a typed error or gets a sensible value. */
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import { anthropicMessages as dialect } from './anthropic-messages.ts'

const asked = { model: 'm', stream: false }
const context = {
  request: { model: 'm', stream: false, messages: [], tools: [], settings: {} },
  createdS: 1,
  newId: () => 'x',
}

const words = fc.constantFrom(
  'text',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'tool_result',
  'image',
  'document',
  'search_result',
  'server_tool_use',
  'web_search_tool_result',
  'base64',
  'url',
  'content',
  'user',
  'assistant',
  'system',
  'enabled',
  'ephemeral',
  'trunkline_answer',
  'trunkline_wrapped_answer',
  'trunkline:%:%:',
  '__proto__',
  'constructor',
)
const fieldNames = fc.constantFrom(
  ...['type', 'text', 'role', 'content', 'source', 'data', 'media_type', 'name', 'id', 'input', 'tool_use_id', 'index'],
  ...['citations', 'cache_control', 'thinking', 'signature', 'usage', 'output_tokens', 'cache_creation', 'iterations'],
  ...['system', 'messages', 'tools', 'input_schema', 'tool_choice', 'output_config', 'format', 'effort', 'metadata'],
  ...['delta', 'content_block', 'message', 'error', 'stop_reason', 'stop_details', 'partial_json', 'citation'],
  ...['__proto__', 'constructor', 'toString', 'caller', 'model', 'stream', 'max_tokens', 'stop_sequences'],
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    words,
    fc.constantFrom(null, true, 0, -1, 1.5, '', '{', '{}', '[]'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fieldNames, tie('value')), { maxLength: 6 }).map((entries) =>
      // As JSON.parse makes it: `__proto__` is a member like any other.
      JSON.parse(`{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`).join(',')}}`),
    ),
  ),
}))
const message = fc.record({ role: fc.constantFrom('user', 'assistant', 'system'), content: value })
const body = fc.oneof(
  value,
  fc.record(
    { messages: fc.array(message, { maxLength: 5 }), tools: value, thinking: value },
    { requiredKeys: ['messages'] },
  ),
)
const event = fc.oneof(
  value,
  fc.record({
    type: fc.constantFrom(
      ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta'],
    ),
    index: fc.constantFrom(0, 1, 2),
    message: value,
    content_block: value,
    delta: value,
    usage: value,
  }),
)

const before = Object.getOwnPropertyNames(Object.prototype)
afterAll(() => expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before))

function attempt(run: () => void): void {
  try {
    run()
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
  }
}

test('any JSON as a request', () => {
  fc.assert(
    fc.property(body, (json) =>
      attempt(() => {
        const request = dialect.decodeRequest(json, asked)
        dialect.encodeRequest(request, {})
        // The same in other words: as if it had come from another client.
        const { extra: _, ...foreign } = request
        dialect.encodeRequest(foreign, { reasoning: 'budget', schema: 'tool', prefill: false, systemMidway: false })
      }),
    ),
    { numRuns: 2000 },
  )
})

test('any JSON as an answer', () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.record({ content: fc.array(value), usage: value, stop_reason: words })), (json) =>
      attempt(() => {
        const answer = dialect.decodeAnswer(json)
        dialect.encodeAnswer(answer, context)
        runStep(dialect.encodeStream(context), disassemble(answer))
      }),
    ),
    { numRuns: 2000 },
  )
})

test('any JSON as the events of a stream', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) =>
      attempt(() => {
        const frames = [...events, { type: 'message_stop' }].map((json) => ({ data: JSON.stringify(json) }))
        const decoded = runStep(dialect.decodeStream(), frames)
        assemble(decoded)
        runStep(dialect.encodeStream(context), decoded)
        dialect.readAnswer(Buffer.concat(frames.map(dialect.framing.write)), true)
      }),
    ),
    { numRuns: 2000 },
  )
})

test('any bytes as an error', () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.string()), fc.integer({ min: 200, max: 599 }), (said, status) => {
      const { error } = dialect.readError(status, Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)))
      expect(error).toBeInstanceOf(GatewayError)
      JSON.parse(dialect.encodeError(error))
    }),
  )
})
