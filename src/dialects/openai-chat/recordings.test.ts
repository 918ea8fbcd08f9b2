/** Every recorded chat completion goes into its inner form and comes back as it was. */
import { describe, expect, test } from 'vitest'
import {
  type Exchange,
  index,
  load,
  noRecordings,
  recordingsFolder,
  responseBytes,
} from '../../../test/support/recordings.ts'
import { pieces } from '../../../test/support/replay-cut.ts'
import type { ChatAnswer } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { compose, runStep } from '../../core/steps.ts'
import { sseFrames } from '../../http/sse.ts'
import type { AnswerContext } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'

const here = recordingsFolder() !== undefined
const chats = here ? index().filter(({ api }) => api === 'openai.chat') : []
const answered = chats.filter(({ status }) => status < 400)
const context: AnswerContext = {
  request: { model: 'm', stream: true, messages: [], tools: [], settings: { includeUsage: true } },
  createdS: 0,
  newId: () => 'new',
}

/** Fields that say nothing, or nothing that anybody would miss. */
const silent: Readonly<Record<string, (value: unknown) => boolean>> = {
  // Snowflake has an empty one of everything.
  audio: (value) => (value as { id: string }).id === '',
  function_call: (value) => (value as { name: string }).name === '',
  custom: (value) => (value as { name: string }).name === '',
  finish_reason: (value) => value === '',
  id: (value) => value === '' || value === 'chatcmpl-new',
  model: (value) => value === '',
  stream: (value) => value === false,
  type: (value) => value === 'function',
  // The place of a call in its list.
  index: (value) => typeof value === 'number',
  // Azure leaves out a message that it has filtered.
  message: (value) => Object.keys(normal(value) as object).join() === 'role',
  // A delta beside the message of a whole answer.
  delta: () => true,
}

/** JSON without what is null, empty or silent, each thing in one of the ways in which it may be written. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (field === null || field === '' || silent[name]?.(field)) return []
    if (name === 'stop' && typeof field === 'string') return [[name, [field]]]
    if (name === 'image_url' && typeof field === 'string') return [[name, { url: field }]]
    if (name === 'content' && Array.isArray(field) && field.length > 0) return [[name, contentOf(field)]]
    const inner = normal(field)
    return typeof inner === 'object' && Object.keys(inner as object).length === 0 ? [] : [[name, inner]]
  })
  return Object.fromEntries(fields)
}

/** One text in a list is that text. */
function contentOf(content: readonly { readonly type?: unknown; readonly text?: unknown }[]): unknown {
  const [only, ...more] = content
  const isPlain = more.length === 0 && only?.type === 'text' && Object.keys(only).length === 2
  return isPlain ? only.text : normal(content)
}

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const bodyOf = (exchange: Exchange): unknown => ('body' in exchange.response ? exchange.response.body : undefined)

const answerOf = (
  exchange: Exchange,
  chunks: Iterable<Uint8Array> = [responseBytes(exchange)],
): ChatAnswer | string => {
  try {
    return exchange.streaming
      ? assemble(runStep(compose(sseFrames(), decodeStream()), chunks))
      : decodeAnswer(bodyOf(exchange))
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.code
    throw thrown
  }
}

/** Without what a host that never says why its answers end, or who they are, has said for it. */
const told = ({ id: _, choices, ...answer }: ChatAnswer): object => ({
  ...answer,
  choices: choices.map((choice) => ({ ...choice, finish: choice.finish?.reason })),
})

if (!here) test.skip(`recorded chats come back as they were: ${noRecordings}`, () => undefined)

describe.skipIf(!here)('recorded chats come back as they were', () => {
  test('requests', () => {
    for (const { id } of chats) {
      const { body } = load(id).request
      if (body === null) continue
      const { body: again, dropped } = encodeRequest(decodeRequest(body, { model: '', stream: false }), {})
      expect(dropped, id).toEqual([])
      const { response_format: format, ...rest } = normal(json(again)) as Record<string, unknown>
      const { response_format: wanted, ...others } = normal(body) as Record<string, unknown>
      expect(rest, id).toEqual(others)
      // A schema has to have a name at OpenAI.
      expect(format, id).toMatchObject(wanted ?? {})
    }
  })

  test('whole answers', () => {
    for (const { id } of answered.filter(({ streaming }) => !streaming)) {
      const body = bodyOf(load(id)) as { choices: { finish_reason: string }[]; model: string }
      const again = json(encodeAnswer(decodeAnswer(body), context)) as typeof body
      for (const [place, choice] of body.choices.entries())
        if (choice.finish_reason === '') (again.choices[place] as typeof choice).finish_reason = ''
      if (body.model === '') again.model = ''
      expect(normal(again), id).toEqual(normal(body))
    }
  })

  test('streams', () => {
    for (const { id } of answered.filter(({ streaming }) => streaming)) {
      const answer = answerOf(load(id))
      if (typeof answer === 'string') continue
      const events = runStep(compose(sseFrames(), decodeStream()), [responseBytes(load(id))])
      const again = assemble(runStep(decodeStream(), runStep(encodeStream(context), events)))
      expect(told(again), id).toEqual(told(answer))
      // As a whole answer it says the same.
      expect(told(decodeAnswer(json(encodeAnswer(answer, context)))), id).toEqual(told(answer))
    }
  })

  test('streams that fail say how', () => {
    const failed = answered.flatMap(({ id }) => {
      const answer = answerOf(load(id))
      return typeof answer === 'string' ? [`${answer} ${id}`] : []
    })
    expect(failed).toEqual([
      expect.stringMatching(/^bad_request groq-/),
      expect.stringMatching(/^upstream_cut openai-constructed-cut/),
      expect.stringMatching(/^upstream_error openai-constructed-error/),
      expect.stringMatching(/^bad_request openrouter-test-openrouter-stream-error/),
    ])
  })

  test('however the network cuts them', () => {
    const streams = answered.filter(({ streaming }) => streaming)
    for (const { id } of streams.filter((_, place) => place % 10 === 0)) {
      const exchange = load(id)
      const bytes = responseBytes(exchange)
      const whole = answerOf(exchange)
      for (const size of [1, 2, 3, 7, 64, 1000]) expect(answerOf(exchange, pieces([bytes], size)), id).toEqual(whole)
    }
  })
})
