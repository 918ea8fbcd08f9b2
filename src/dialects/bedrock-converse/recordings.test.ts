import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import type { ChatAnswer, ChatEvent, ChatRequest } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import { awsFrames } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, listOf } from '../values.ts'
import { bedrockConverse as dialect } from './bedrock-converse.ts'

const rows = recordingsFolder() ? index().filter(({ api }) => /^bedrock\.converse/.test(api)) : []
const streamed = rows.filter((row) => row.streaming && !row.features.includes('error'))
const whole = rows.filter((row) => row.status === 200 && !row.streaming)

const empty: ChatRequest = { model: '', stream: false, messages: [], tools: [], settings: {} }
const context: AnswerContext = { request: empty, createdS: 1, newId: () => 'new' }

const framesOf = (id: string): Frame[] => runStep(awsFrames.split(), [responseBytes(load(id))])
const eventsOf = (frames: readonly Frame[]): ChatEvent[] => runStep(dialect.decodeStream(), frames)

describe.skipIf(!recordingsFolder())(`recordings (${recordingsFolder() ? rows.length : noRecordings})`, () => {
  const asked = rows.filter(({ id }) => load(id).request.body !== null)
  test.each(asked.map(({ id }) => id))('the request %s is the same after it was understood', (id) => {
    const { request, model } = load(id)
    const decoded = dialect.decodeRequest(request.body, { model: model ?? '', stream: false })
    const { body, dropped } = dialect.encodeRequest(decoded, {})
    expect(dropped).toEqual([])
    expect(body).toEqual(plainRequest(fieldsOf(request.body)))
  })

  test.each(whole.map(({ id }) => id))('the answer %s is the same after it was understood', (id) => {
    const { response } = load(id)
    const body = 'body' in response ? response.body : undefined
    const answer = dialect.decodeAnswer(body)
    expect(dialect.encodeAnswer(answer, context)).toEqual({ metrics: { latencyMs: 0 }, ...fieldsOf(body) })
  })

  test.each(streamed.map(({ id }) => id))('the stream %s is the same after it was written anew', (id) => {
    const events = eventsOf(framesOf(id))
    const written = runStep(dialect.encodeStream(context), events)
    const bytes = written.map((frame) => awsFrames.write(frame))
    expect(runStep(awsFrames.split(), [Buffer.concat(bytes)])).toEqual(written)
    expect(assemble(eventsOf(written))).toEqual(assemble(events))
  })

  test.each(streamed.map(({ id }) => id))('the stream %s says what a whole answer would say', (id) => {
    const frames = framesOf(id)
    expect(written(assemble(eventsOf(frames)))).toEqual(written(dialect.decodeAnswer(folded(frames))))
  })

  test.each(streamed.map(({ id }) => id))('the frames of %s are the ones that were recorded', (id) => {
    const { response } = load(id)
    if (!('events' in response)) throw new Error('There are no events.')
    expect(framesOf(id).map(({ event, data }) => [event, JSON.parse(data)])).toEqual(
      response.events.map(({ headers, payload }) => [headers[':event-type'], payload]),
    )
  })
})

/** Arguments are the same when they are the same JSON. */
const written = (answer: ChatAnswer): unknown =>
  JSON.parse(JSON.stringify(answer), (key, value) => (key === 'arguments' ? JSON.parse(value) : value))

/** Empty lists and objects are left out, neighbours of one role are one message, blank texts are none. */
function plainRequest(body: Fields): unknown {
  const messages: { role: unknown; content: unknown[] }[] = []
  for (const { role, content } of listOf(body.messages)) {
    const kept = listOf(content).filter(
      ({ text }, at, all) => typeof text !== 'string' || text.trim() !== '' || all[at + 1]?.cachePoint !== undefined,
    )
    const last = messages.at(-1)
    if (last && last.role === role) last.content.push(...kept)
    else messages.push({ role, content: [...kept] })
  }
  const plain: Record<string, unknown> = { ...body, messages }
  for (const [name, value] of Object.entries(plain))
    if ((Array.isArray(value) || isFields(value)) && Object.keys(value).length === 0) delete plain[name]
  const inference = { ...fieldsOf(body.inferenceConfig) }
  if (Array.isArray(inference.stopSequences) && inference.stopSequences.length === 0) delete inference.stopSequences
  if (Object.keys(inference).length > 0) plain.inferenceConfig = inference
  return plain
}

/** The whole answer that a stream tells, put together by the rules of the wire and by nothing of ours. */
function folded(frames: readonly Frame[]): unknown {
  const blocks = new Map<number, Fields[]>()
  const answer: Record<string, unknown> = {}
  for (const { event, data } of frames) {
    const { p: _, ...payload } = JSON.parse(data)
    if (event === 'contentBlockStart' || event === 'contentBlockDelta') {
      const pieces = blocks.get(payload.contentBlockIndex) ?? []
      blocks.set(payload.contentBlockIndex, [...pieces, payload.start ?? payload.delta])
    } else if (event === 'messageStop' || event === 'metadata') Object.assign(answer, payload)
  }
  const content = [...blocks].toSorted(([a], [b]) => a - b).map(([, pieces]) => blockOf(pieces))
  return { ...answer, output: { message: { role: 'assistant', content } } }
}

function blockOf(pieces: readonly Fields[]): Fields {
  const join = (path: readonly string[]): string =>
    pieces.map((piece) => path.reduce<unknown>((value, key) => fieldsOf(value)[key], piece) ?? '').join('')
  const [first = {}] = pieces
  if (isFields(first.toolUse))
    return { toolUse: { ...first.toolUse, input: JSON.parse(join(['toolUse', 'input']) || '{}') } }
  if (isFields(first.toolResult)) {
    const content = pieces.slice(1).flatMap(({ toolResult }) => listOf(toolResult))
    return { toolResult: { ...first.toolResult, content } }
  }
  if (pieces.some(({ reasoningContent }) => reasoningContent !== undefined)) {
    const redacted = join(['reasoningContent', 'redactedContent'])
    const signature = join(['reasoningContent', 'signature'])
    if (redacted) return { reasoningContent: { redactedContent: redacted } }
    const text = join(['reasoningContent', 'text'])
    return { reasoningContent: { reasoningText: { text, ...(signature && { signature }) } } }
  }
  const citations = pieces.flatMap(({ citation }) => (citation === undefined ? [] : [citation]))
  const text = join(['text'])
  return citations.length > 0
    ? { citationsContent: { citations, ...(text !== '' && { content: [{ text }] }) } }
    : { text }
}
