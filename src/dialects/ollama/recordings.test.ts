import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import type { ChatEvent } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { ndjson } from '../../http/ndjson.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { ollama as dialect } from './ollama.ts'

const rows = recordingsFolder() ? index().filter(({ api }) => api === 'ollama.chat') : []
const streamed = rows.filter((row) => row.streaming)
const whole = rows.filter((row) => row.status === 200 && !row.streaming)

const context: AnswerContext = {
  request: { model: '', stream: false, messages: [], tools: [], settings: {} },
  createdS: 1,
  newId: () => 'new',
}
const framesOf = (id: string): Frame[] => runStep(ndjson.split(), [responseBytes(load(id))])
const eventsOf = (frames: readonly Frame[]): ChatEvent[] => runStep(dialect.decodeStream(), frames)

describe.skipIf(!recordingsFolder())(`recordings (${recordingsFolder() ? rows.length : noRecordings})`, () => {
  test.each(rows.map(({ id }) => id))('the request %s is the same after it was understood', (id) => {
    const { body } = load(id).request
    const encoded = dialect.encodeRequest(dialect.decodeRequest(body, { model: '', stream: false }), {})
    expect(encoded).toEqual({ body: plainRequest(fieldsOf(body)), dropped: [] })
  })

  test.each(whole.map(({ id }) => id))('the answer %s is the same after it was understood', (id) => {
    const { response } = load(id)
    const body = 'body' in response ? response.body : undefined
    expect(dialect.encodeAnswer(dialect.decodeAnswer(body), context)).toEqual(body)
  })

  test.each(streamed.map(({ id }) => id))('the stream %s is the same after it was written anew', (id) => {
    const events = eventsOf(framesOf(id))
    expect(assemble(eventsOf(runStep(dialect.encodeStream(context), events)))).toEqual(assemble(events))
  })

  test.each(streamed.map(({ id }) => id))('the stream %s says what a whole answer would say', (id) => {
    const lines = framesOf(id).map(({ data }) => JSON.parse(data))
    const content = lines.map(({ message }) => message.content).join('')
    const { created_at } = lines[0]
    const said = { ...lines.at(-1), created_at, message: { role: 'assistant', content } }
    expect(assemble(eventsOf(framesOf(id)))).toEqual(dialect.decodeAnswer(said))
  })
})

/** What is empty or null is left out. */
function plainRequest(body: Fields): Fields {
  const isNothing = (value: unknown): boolean =>
    value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(body).filter(([, value]) => !isNothing(value)))
}
