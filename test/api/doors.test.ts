/** Every door for chats, asked in its own dialect for a model behind another one: the built-in mock speaks openai-chat. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

let trunkline: TestTrunkline
beforeAll(async () => {
  trunkline = await startTest()
})
afterAll(() => trunkline.stop())

const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(trunkline.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const json = async (response: Response): Promise<Record<string, never>> => (await response.json()) as never

describe('a client of Anthropic', () => {
  const ask = { model: 'mock/echo', max_tokens: 100, messages: [{ role: 'user', content: 'Hello there' }] }

  test.each(['/v1/messages', '/anthropic/v1/messages'])('is answered at %s', async (path) => {
    const response = await post(path, ask, { 'anthropic-version': '2023-06-01' })
    expect(response.status).toBe(200)
    expect(await json(response)).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'Hello there' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    })
    expect(response.headers.get('x-provider-name')).toBe('mock')
  })

  test('sees an answer come in events of its own kind', async () => {
    const response = await post('/v1/messages', { ...ask, stream: true })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const names = [...(await response.text()).matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)
    expect([names[0], names.at(-2), names.at(-1)]).toEqual(['message_start', 'message_delta', 'message_stop'])
  })

  test('reads of its mistakes in the form that it knows', async () => {
    const response = await post('/v1/messages', { max_tokens: 1, messages: [] })
    expect(response.status).toBe(400)
    expect(await json(response)).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })

  test('is told so in the same form where nothing is', async () => {
    const response = await post('/anthropic/v1/nothing', {})
    expect(response.status).toBe(404)
    expect(await json(response)).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
  })

  test('has its tokens counted, and hears that they are estimated', async () => {
    const response = await post('/v1/messages/count_tokens', ask)
    expect([response.status, response.headers.get('x-trunkline-estimated')]).toEqual([200, 'tokens'])
    expect(await json(response)).toMatchObject({ input_tokens: 2 })
  })
})

describe('a client of Gemini', () => {
  const ask = { contents: [{ role: 'user', parts: [{ text: 'Hello there' }] }] }
  const place = '/gemini/v1beta/models/mock/echo'

  test('is answered', async () => {
    const response = await post(`${place}:generateContent`, ask)
    expect(response.status).toBe(200)
    expect(await json(response)).toMatchObject({
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hello there' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: expect.any(Number), candidatesTokenCount: expect.any(Number) },
    })
  })

  test('sees an answer come as events', async () => {
    const response = await post(`${place}:streamGenerateContent?alt=sse`, ask)
    const texts = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string))
    expect(texts.map(({ candidates }) => candidates?.[0]?.content?.parts?.[0]?.text ?? '').join('')).toBe('Hello there')
  })

  test('sees it come as one list when it does not ask for events', async () => {
    const response = await post(`${place}:streamGenerateContent`, ask)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const list = (await response.json()) as { candidates?: { content?: { parts?: { text?: string }[] } }[] }[]
    expect(list.map(({ candidates }) => candidates?.[0]?.content?.parts?.[0]?.text ?? '').join('')).toBe('Hello there')
  })

  test('reads of its mistakes in the form that it knows', async () => {
    const response = await post(`${place}:generateContent`, { contents: 7 })
    expect(response.status).toBe(400)
    expect(await json(response)).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
  })

  test('has its tokens counted', async () => {
    expect(await json(await post(`${place}:countTokens`, ask))).toMatchObject({ totalTokens: 2 })
  })
})

describe('a client of OpenAI Responses', () => {
  const ask = { model: 'mock/echo', input: 'Hello there' }

  test('is answered, and can ask for the answer again until it deletes it', async () => {
    const response = await post('/v1/responses', ask)
    const made = (await json(response)) as unknown as { id: string; output: object[] }
    expect(made).toMatchObject({
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello there' }] }],
    })
    expect(made.id).toMatch(/^resp_tl_/)
    const url = `${trunkline.url}/v1/responses/${made.id}`
    expect(await (await fetch(url)).json()).toMatchObject({ id: made.id, output: made.output })
    expect(await (await fetch(`${url}/input_items`)).json()).toMatchObject({
      object: 'list',
      data: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello there' }] }],
      has_more: false,
    })
    expect(await (await fetch(url, { method: 'DELETE' })).json()).toMatchObject({ id: made.id, deleted: true })
    const gone = await fetch(url)
    expect([gone.status, await gone.json()]).toMatchObject([404, { error: { code: 'not_found' } }])
  })

  test('goes on from an answer by its id', async () => {
    const first = (await json(await post('/v1/responses', { ...ask, input: 'One' }))) as unknown as { id: string }
    const second = await post('/v1/responses', { ...ask, input: 'Two', previous_response_id: first.id })
    const { id } = (await json(second)) as unknown as { id: string }
    const items = (await (await fetch(`${trunkline.url}/v1/responses/${id}/input_items?order=asc`)).json()) as {
      data: { role: string; content: { text: string }[] }[]
    }
    expect(items.data.map(({ role, content }) => [role, content[0]?.text])).toEqual([
      ['user', 'One'],
      ['assistant', 'One'],
      ['user', 'Two'],
    ])
  })

  test('hears that an answer is gone which was not to be stored', async () => {
    const { id } = (await json(await post('/v1/responses', { ...ask, store: false }))) as unknown as { id: string }
    expect((await fetch(`${trunkline.url}/v1/responses/${id}`)).status).toBe(404)
    const next = await post('/v1/responses', { ...ask, previous_response_id: id })
    expect([next.status, await json(next)]).toMatchObject([400, { error: { code: 'previous_response_not_found' } }])
  })

  test.each([
    ['background', true],
    ['conversation', 'conv_1'],
    ['previous_response_id', 'resp_of_somebody_else'],
  ])('is refused by name what the provider cannot keep: %s', async (field, value) => {
    const response = await post('/v1/responses', { ...ask, [field]: value })
    expect([response.status, await json(response)]).toMatchObject([400, { error: { param: field } }])
  })

  test('sees an answer come, the whole of it last', async () => {
    const text = await (await post('/v1/responses', { ...ask, stream: true })).text()
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { status: 'completed' } })
  })
})

describe('what a provider cannot take', () => {
  const ask = {
    contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
  }
  const path = '/gemini/v1beta/models/mock/echo:generateContent'

  test('is left out and named', async () => {
    const response = await post(path, ask)
    expect([response.status, response.headers.get('x-trunkline-dropped')]).toEqual([200, 'safetySettings'])
    const { spans } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(spans).toMatchObject([{ kind: 'call' }, { kind: 'attempt', detail: { dropped: ['safetySettings'] } }])
  })

  test('is refused when the client is strict', async () => {
    const response = await post(path, ask, { 'x-trunkline-strict': 'true' })
    expect([response.status, await json(response)]).toMatchObject([400, { error: { status: 'INVALID_ARGUMENT' } }])
  })

  test('a wish to be strict that cannot be understood is refused', async () => {
    const response = await post(path, ask, { 'x-trunkline-strict': 'yes' })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('x-trunkline-strict')])
  })

  test('is refused where the setting says so', async () => {
    await using strict = await startTest({ settings: { translation: 'strict' } })
    const response = await fetch(strict.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
    })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('safetySettings')])
  })
})
