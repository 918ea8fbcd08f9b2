import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { ollama } from '../ollama/ollama.ts'
import { bedrockConverse } from './bedrock-converse.ts'

const asked = { model: 'anthropic.claude', stream: true }
const context: AnswerContext = {
  request: { ...asked, messages: [], tools: [], settings: {} },
  createdS: 1,
  newId: () => 'new',
}

/** Only typed errors may be thrown, whatever came. */
function typed(act: () => unknown): void {
  try {
    act()
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
  }
}

const names = [
  ...['role', 'content', 'text', 'image', 'document', 'video', 'source', 'bytes', 's3Location', 'uri', 'format'],
  ...['toolUse', 'toolResult', 'toolUseId', 'input', 'name', 'type', 'status', 'json', 'reasoningContent'],
  ...['reasoningText', 'signature', 'redactedContent', 'cachePoint', 'guardContent', 'citationsContent', 'citations'],
  ...['citation', 'location', 'searchResult', 'system', 'messages', 'toolConfig', 'tools', 'toolSpec', 'toolChoice'],
  ...['inferenceConfig', 'additionalModelRequestFields', 'thinking', 'outputConfig', 'output', 'message', 'usage'],
  ...['stopReason', 'delta', 'start', 'contentBlockIndex', 'p', '__proto__', 'constructor', 'tool_calls', 'function'],
  ...['arguments', 'images', 'done', 'done_reason', 'options', 'thinking', 'error', 'created_at', 'logprobs'],
]
const words = [
  'user',
  'assistant',
  'system',
  'tool',
  'default',
  'auto',
  'server_tool_use',
  'end_turn',
  'trunkline_answer',
]

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 7, withCrossShrink: true },
    fc.constantFrom(...words),
    fc.string(),
    fc.jsonValue({ maxDepth: 0 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom(...names), tie('value')), { maxLength: 5 }).map((entries) => {
      const object = {}
      for (const [name, one] of entries)
        Object.defineProperty(object, name, { value: one, enumerable: true, configurable: true, writable: true })
      return object
    }),
  ),
}))

const events = ['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata']
const frames = fc.array(
  fc.record({ event: fc.constantFrom(...events), data: value.map((one) => JSON.stringify(one) ?? '') }),
)

test.each([bedrockConverse, ollama])('$name takes any JSON, or says what is wrong with it', (dialect) => {
  fc.assert(
    fc.property(value, value, (one, other) => {
      for (const body of [one, { messages: one, system: other, toolConfig: { tools: other } }]) {
        typed(() => dialect.encodeRequest(dialect.decodeRequest(body, asked), {}))
      }
      for (const body of [one, { output: { message: { content: one } }, usage: other }, { message: one, done: true }]) {
        typed(() => {
          const answer = dialect.decodeAnswer(body)
          dialect.encodeAnswer(answer, context)
          runStep(dialect.encodeStream(context), disassemble(answer))
        })
        typed(() => dialect.readAnswer(Buffer.from(JSON.stringify(body) ?? ''), false))
      }
      typed(() => dialect.readError(400, Buffer.from(JSON.stringify(one) ?? '')))
    }),
    { numRuns: 400 },
  )
  fc.assert(
    fc.property(frames, (said) => {
      typed(() => runStep(dialect.encodeStream(context), runStep(dialect.decodeStream(), said)))
      for (const frame of said) typed(() => dialect.readAnswer(dialect.framing.write(frame), true))
    }),
    { numRuns: 400 },
  )
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('any bytes in place of frames give a typed error at most', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
      typed(() => runStep(bedrockConverse.framing.split(), chunks))
      typed(() => runStep(ollama.framing.split(), chunks))
    }),
  )
})
