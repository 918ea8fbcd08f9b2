import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import type { ChatRequest } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { runStep } from '../../core/steps.ts'
import { fieldsOf } from '../values.ts'
import { vertexAnthropic as dialect } from './vertex-anthropic.ts'

const request: ChatRequest = {
  model: 'claude-sonnet-4-5@20250929',
  stream: true,
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }],
  tools: [],
  settings: {},
}
const context = { request, createdS: 1, newId: () => 'new' }

test('the body names its version and whether it streams, and no model', () => {
  const { body } = dialect.encodeRequest(request, {})
  expect(body).toMatchObject({ anthropic_version: 'vertex-2023-10-16', stream: true })
  expect(body).not.toHaveProperty('model')
})

test('whose tokens are counted is said in the body', () => {
  const { body } = dialect.counting.encodeRequest(request, { bodyVersion: 'vertex-2023-10-16' })
  expect(body).toMatchObject({ model: request.model, messages: [{ role: 'user' }] })
  expect(body).not.toHaveProperty('anthropic_version')
})

test("errors are Google's, in a list or not, or Anthropic's", () => {
  const google = { error: { code: 403, message: 'No access.', status: 'PERMISSION_DENIED' } }
  const anthropic = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
  const inside = { error: { code: 400, message: JSON.stringify(anthropic), status: 'INVALID_ARGUMENT' } }
  const read = (status: number, body: unknown): unknown => {
    const { error } = dialect.readError(status, Buffer.from(JSON.stringify(body)))
    return [error.code, error.message]
  }
  expect(read(403, google)).toEqual(['permission_denied', 'No access.'])
  expect(read(403, [google])).toEqual(['permission_denied', 'No access.'])
  expect(read(529, anthropic)).toEqual(['upstream_overloaded', 'Overloaded'])
  expect(read(529, inside)).toEqual(['upstream_overloaded', 'Overloaded'])
})

const rows = recordingsFolder() ? index().filter(({ api }) => api === 'vertex.anthropic') : []

describe.skipIf(!recordingsFolder())(`recordings (${recordingsFolder() ? rows.length : noRecordings})`, () => {
  test.each(rows.map(({ id }) => id))('the request %s keeps everything', (id) => {
    const asked = { model: load(id).model ?? '', stream: false }
    const decoded = dialect.decodeRequest(load(id).request.body, asked)
    const encoded = dialect.encodeRequest(decoded, {})
    expect(encoded.dropped).toEqual([])
    expect(dialect.decodeRequest(encoded.body, asked)).toEqual(decoded)
  })

  test.each(rows.filter((row) => !row.streaming).map(({ id }) => id))('the answer %s is the same', (id) => {
    const { response } = load(id)
    const body = 'body' in response ? response.body : undefined
    expect(dialect.encodeAnswer(dialect.decodeAnswer(body), context)).toMatchObject(fieldsOf(body))
  })

  test.each(rows.filter((row) => row.streaming).map(({ id }) => id))('the stream %s is the same anew', (id) => {
    const events = runStep(dialect.decodeStream(), runStep(dialect.framing.split(), [responseBytes(load(id))]))
    const again = runStep(dialect.decodeStream(), runStep(dialect.encodeStream(context), events))
    expect(assemble(again)).toEqual(assemble(events))
  })
})
