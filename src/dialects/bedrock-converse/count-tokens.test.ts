import { expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder } from '../../../test/support/recordings.ts'
import { fieldsOf } from '../values.ts'
import { counting } from './count-tokens.ts'

const asked = { model: 'anthropic.claude-sonnet-4', stream: false }

test('what is counted is the conversation, without what has nothing to do with its length', () => {
  const converse = {
    messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
    system: [{ text: 'Be brief.' }],
    inferenceConfig: { maxTokens: 5 },
  }
  const { inferenceConfig: _, ...counted } = converse
  const { body } = counting.encodeRequest(counting.decodeRequest({ input: { converse } }, asked), {})
  expect(body).toEqual({ input: { converse: counted } })
  expect(counting.decodeAnswer(counting.encodeAnswer(7))).toBe(7)
  expect(counting.decodeAnswer({ message: 'No.' })).toBeUndefined()
})

test.skipIf(!recordingsFolder())(`recorded counts (${recordingsFolder() ? 'all' : noRecordings})`, () => {
  for (const { id } of index().filter(({ api }) => api === 'bedrock.count-tokens')) {
    const { request, response } = load(id)
    const { converse } = fieldsOf(fieldsOf(request.body).input)
    const { system, ...rest } = fieldsOf(converse)
    const { body } = counting.encodeRequest(counting.decodeRequest(request.body, asked), {})
    expect(body).toEqual({ input: { converse: Array.isArray(system) && system.length === 0 ? rest : converse } })
    expect(counting.decodeAnswer('body' in response && response.body)).toBeGreaterThan(0)
  }
})
