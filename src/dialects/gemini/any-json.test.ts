import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disassemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { AnswerContext } from '../dialect.ts'
import { gemini } from './gemini.ts'
import { fromOpenApi, toOpenApi } from './schema.ts'

/** Objects of the names that mean something, with anything for values, several deep. */
const names = [
  'contents',
  'parts',
  'role',
  'text',
  'thought',
  'thoughtSignature',
  'functionCall',
  'functionResponse',
  'name',
  'args',
  'id',
  'partialArgs',
  'willContinue',
  'jsonPath',
  'stringValue',
  'response',
  'inlineData',
  'fileData',
  'mimeType',
  'data',
  'fileUri',
  'candidates',
  'content',
  'index',
  'finishReason',
  'groundingMetadata',
  'groundingSupports',
  'groundingChunks',
  'segment',
  'startIndex',
  'endIndex',
  'groundingChunkIndices',
  'citationMetadata',
  'citations',
  'uri',
  'usageMetadata',
  'promptTokenCount',
  'promptTokensDetails',
  'logprobsResult',
  'chosenCandidates',
  'topCandidates',
  'tools',
  'function_declarations',
  'parameters',
  'generationConfig',
  'thinkingConfig',
  'responseSchema',
  'responseMimeType',
  'toolConfig',
  'functionCallingConfig',
  'mode',
  'systemInstruction',
  'promptFeedback',
  'blockReason',
  'error',
  'type',
  'properties',
  'items',
  '$ref',
  'anyOf',
  '__proto__',
  'constructor',
]
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1,
    1e12,
    '',
    'STOP',
    'model',
    'a',
    '$.a[0].b',
    '#/$defs/a',
    'application/json',
  ),
  fc.string(),
  fc.double(),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...names), tie('value')), { maxLength: 6 })
      .map((fields) => Object.fromEntries(fields)),
  ),
}))
const body = fc
  .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 8 })
  .map((fields) => Object.fromEntries(fields))

const context: AnswerContext = {
  request: { model: 'm', stream: true, messages: [], tools: [], settings: {} },
  createdS: 0,
  newId: () => 'new',
}

/** Runs what may refuse its input in our own words, and only so. */
function typed<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    return undefined
  }
}

test('any JSON is a request or is refused', () => {
  fc.assert(
    fc.property(fc.oneof(body, value), (any) => {
      const request = typed(() => gemini.decodeRequest(any, { model: 'm', stream: false }))
      if (request) typed(() => JSON.stringify(gemini.encodeRequest(request, {}).body))
      if (request) {
        const { extra: _, ...foreign } = request
        typed(() => JSON.stringify(gemini.encodeRequest(foreign, { thinkingLevels: true, jsonSchema: false }).body))
      }
    }),
    { numRuns: 2000 },
  )
})

test('any JSON is an answer or is refused, whole and streamed', () => {
  const part = fc
    .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 4 })
    .map((fields) => Object.fromEntries(fields))
  const candidate = fc.record({
    content: fc.record({ parts: fc.array(fc.oneof(part, value), { maxLength: 4 }) }),
    index: leaf,
    finishReason: leaf,
    groundingMetadata: value,
    citationMetadata: value,
    logprobsResult: value,
  })
  const answer = fc.record({
    candidates: fc.array(fc.oneof(candidate, value), { maxLength: 3 }),
    usageMetadata: value,
    promptFeedback: value,
  })
  fc.assert(
    fc.property(fc.array(fc.oneof(answer, body, value), { maxLength: 4 }), (chunks) => {
      const frames = chunks.map((chunk) => ({ data: JSON.stringify(chunk) ?? 'null' }))
      const events = typed(() => runStep(gemini.decodeStream(), frames))
      if (events) runStep(gemini.encodeStream(context), events)
      for (const { data } of frames) {
        const whole = typed(() => gemini.decodeAnswer(JSON.parse(data)))
        if (whole) JSON.stringify(gemini.encodeAnswer(whole, context))
        if (whole) runStep(gemini.encodeStream(context), disassemble(whole))
        gemini.readAnswer(Buffer.from(data), false)
        gemini.readError(400, Buffer.from(data))
      }
    }),
    { numRuns: 1500 },
  )
})

test('any JSON is a schema', () => {
  fc.assert(
    fc.property(value, (any) => void JSON.stringify([toOpenApi(any), fromOpenApi(any)])),
    { numRuns: 2000 },
  )
})

test('nothing has touched what all objects share', () => {
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('long streams and many citations take linear time', { timeout: 20_000 }, () => {
  const groundingSupports = Array.from({ length: 20_000 }, (_, i) => ({
    segment: { startIndex: i * 6, endIndex: i * 6 + 5 },
    groundingChunkIndices: [0],
  }))
  const chunks = Array.from({ length: 20_000 }, () => ({ candidates: [{ content: { parts: [{ text: 'wörd ' }] } }] }))
  const last = {
    candidates: [
      { finishReason: 'STOP', groundingMetadata: { groundingChunks: [{ web: { uri: 'u' } }], groundingSupports } },
    ],
  }
  const events = runStep(
    gemini.decodeStream(),
    [...chunks, last].map((chunk) => ({ data: JSON.stringify(chunk) })),
  )
  runStep(gemini.encodeStream(context), events)
  // Another provider's stream has its citations written anew.
  runStep(gemini.encodeStream(context), [{ kind: 'start' }, ...events.slice(1).filter(({ kind }) => kind !== 'extra')])
  expect(events.filter(({ kind }) => kind === 'amend')).toHaveLength(20_000)
})
