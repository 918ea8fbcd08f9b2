import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import type { ChatAnswer, ChatEvent } from '../../core/chat.ts'
import { assemble, disassemble } from '../../core/chat-events.ts'
import { compose, runStep } from '../../core/steps.ts'
import { sse } from '../../http/sse.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, listOf } from '../values.ts'
import { openaiResponses } from './openai-responses.ts'

const rows = recordingsFolder()
  ? index().filter(({ api, id }) => api === 'openai.responses' && id !== 'azure-reasoning-1-0-cc4c563c')
  : []
const requests = rows.filter(({ id }) => load(id).request.body !== null)
const wholes = rows.filter(({ status, streaming }) => status === 200 && !streaming)
const streams = rows.filter(({ status, streaming, scenario }) => status === 200 && streaming && !/fail/.test(scenario))

const asked = { model: 'm', stream: false }
const contextOf = (body: unknown): AnswerContext => ({
  request: openaiResponses.decodeRequest(body ?? { model: 'm', input: 'Hi' }, asked),
  createdS: 1,
  newId: () => 'new',
})

const eventsOf = (bytes: Uint8Array, size = bytes.length): ChatEvent[] =>
  runStep(
    compose(sse.split(), openaiResponses.decodeStream()),
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size)),
  )

/** Null, empty lists and what says the same as its absence are left out, and the short forms are written long. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!isFields(value)) return value
  const rest = Object.entries(value).filter(([, one]) => one !== null && !(Array.isArray(one) && one.length === 0))
  return Object.fromEntries(rest.map(([name, one]) => [name, plain(one)]))
}

function plainItem(item: Fields): unknown {
  const { type = 'message', content, output, status, ...rest } = item
  const partType = item.role === 'assistant' ? 'output_text' : 'input_text'
  const long = (said: unknown, name: string): unknown =>
    typeof said === 'string' ? [{ type: name, text: said }] : listOf(said).map(withoutDetail)
  return plain({
    ...rest,
    type,
    ...(status !== 'completed' && { status }),
    ...(content !== undefined && { content: long(content, partType) }),
    ...(output !== undefined && { output: long(output, 'input_text') }),
  })
}

/** A picture's detail is automatic unless it says otherwise, and media types are told by what the data is. */
function withoutDetail(part: Fields): Fields {
  const { detail, ...rest } = part
  return { ...rest, ...(detail !== 'auto' && detail !== undefined && { detail }) }
}

function plainRequest(body: Fields): unknown {
  const { input, stream, instructions, ...rest } = body
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input)
  return {
    ...fieldsOf(plain(rest)),
    input: items.map(plainItem),
    ...(stream === true && { stream }),
    ...(instructions !== '' && { instructions }),
  }
}

const plainResponse = (body: Fields): unknown => plain({ ...body, output: listOf(body.output).map(plainItem) })

/** Begun parts without order of their events: what was said, not in how many pieces. */
const saidBy = (events: readonly ChatEvent[]): ChatAnswer => assemble(events)

describe.skipIf(rows.length === 0)(`recordings (${rows.length || noRecordings})`, () => {
  test.each(requests.map(({ id }) => id))('the request of %s comes back as it was', (id) => {
    const body = load(id).request.body as Fields
    const { body: encoded, dropped } = openaiResponses.encodeRequest(openaiResponses.decodeRequest(body, asked), {})
    expect(plainRequest(encoded)).toEqual(plainRequest(body))
    expect(dropped).toEqual([])
  })

  test.each(wholes.map(({ id }) => id))('the answer %s comes back as it was', (id) => {
    const { request, response } = load(id)
    const body = 'body' in response ? (response.body as Fields) : {}
    const answer = openaiResponses.decodeAnswer(body)
    expect(plainResponse(fieldsOf(openaiResponses.encodeAnswer(answer, contextOf(request.body))))).toEqual(
      plainResponse(body),
    )
    expect(saidBy([...disassemble(answer)])).toEqual(answer)
  })

  test.each(streams.map(({ id }) => id))('the stream %s says what it would have said whole', (id) => {
    const exchange = load(id)
    const bytes = responseBytes(exchange)
    const events = eventsOf(bytes)
    const frames = runStep(sse.split(), [bytes]).filter(({ data }) => data !== '[DONE]')
    // One recording holds two streams in a row.
    const last = frames.find(({ data }) => /"type":"response\.(completed|incomplete)"/.test(data))
    const whole = openaiResponses.decodeAnswer(fieldsOf(JSON.parse(last?.data ?? '{}')).response)
    expect(withoutVolatile(saidBy(events))).toEqual(withoutVolatile(whole))
  })

  test.each(streams.map(({ id }) => id))('the stream %s is written and read again without a loss', (id) => {
    const { request } = load(id)
    const events = eventsOf(responseBytes(load(id)))
    const frames = runStep(openaiResponses.encodeStream(contextOf(request.body)), events)
    const again = runStep(openaiResponses.decodeStream(), frames)
    expect(saidBy(again)).toEqual(saidBy(events))
    const completed = JSON.parse(frames.at(-1)?.data ?? '') as Fields
    const whole = openaiResponses.encodeAnswer(saidBy(events), contextOf(request.body))
    expect(plain(completed.response)).toEqual(plain(whole))
    const numbers = frames.map(({ data }) => (JSON.parse(data) as Fields).sequence_number)
    expect(numbers).toEqual(frames.map((_, at) => at))
  })

  test.each(streams.map(({ id }) => id))('the stream %s may be cut anywhere', (id) => {
    const bytes = responseBytes(load(id)).subarray(0, 60_000)
    const whole = JSON.stringify(runStep(sse.split(), [bytes]))
    for (const size of [1, 7, 1021]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      )
      expect(JSON.stringify(runStep(sse.split(), pieces)) === whole).toBe(true)
    }
  })

  test.each(rows.filter(({ status }) => status >= 400).map(({ id }) => id))('the error %s keeps its status', (id) => {
    const exchange = load(id)
    const { error } = openaiResponses.readError(exchange.response.status, responseBytes(exchange))
    expect(error.status).toBe(exchange.response.status)
  })
})

/** Some hosts seal, and name, the same thoughts anew in the last event. */
function withoutVolatile(answer: ChatAnswer): unknown {
  return JSON.parse(
    JSON.stringify(answer, (name, value: unknown) => {
      if (name === 'seal') return isFields(value) ? { by: value.by } : value
      return typeof value === 'string' && value.startsWith('rs_tmp_') ? 'rs_tmp' : value
    }),
  )
}
