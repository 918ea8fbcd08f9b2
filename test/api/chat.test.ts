import { expect, test } from 'vitest'
import { callIn, startTest } from '../support/trunkline.ts'

const hello = { model: 'mock/echo', messages: [{ role: 'user', content: 'Hello there' }] }

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

test('a call is answered and its trace tells what happened', async () => {
  await using trunkline = await startTest()
  const response = await post(trunkline.url, hello, {
    'x-run-id': 'run-1',
    'x-thread-id': 'thread-1',
    'x-thread-title': 'Grüße',
    'x-label': 'greeter',
    'x-tags': 'a=1&b',
    'user-agent': 'a-test/1',
  })
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'Hello there' } }] })
  const header = (name: string): string | null => response.headers.get(name)
  expect(header('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  expect([header('x-run-id'), header('x-thread-id'), header('x-model-name'), header('x-provider-name')]).toEqual([
    'run-1',
    'thread-1',
    'mock/echo',
    'mock',
  ])

  const view = await trunkline.trace(header('x-trace-id'))
  const { trace, spans } = view
  expect(trace).toMatchObject({
    runId: 'run-1',
    threadId: 'thread-1',
    label: 'greeter',
    status: 'ok',
    httpStatus: 200,
    calls: 1,
  })
  expect(spans.map(({ kind, status }) => [kind, status])).toEqual([
    ['call', 'ok'],
    ['attempt', 'ok'],
  ])
  expect(spans[1]?.parentId).toBe(spans[0]?.spanId)
  expect(spans[0]?.detail).toMatchObject({
    userAgent: 'a-test/1',
    threadTitle: 'Grüße',
    tags: { a: '1', b: '-' },
    finishReason: 'stop',
  })
  expect(callIn(view).conversation?.messages).toEqual([
    { role: 'user', parts: [{ kind: 'text', text: 'Hello there' }] },
  ])
  expect(callIn(view).conversation?.answer?.choices).toEqual([
    {
      message: { role: 'assistant', parts: [{ kind: 'text', text: 'Hello there' }] },
      finish: { reason: 'stop', native: 'stop' },
    },
  ])
})

test('a streamed call is told like a whole one', async () => {
  await using trunkline = await startTest()
  const whole = await post(trunkline.url, hello)
  const streamed = await post(trunkline.url, { ...hello, stream: true, stream_options: { include_usage: true } })
  await whole.text()
  expect(await streamed.text()).toContain('data: [DONE]')
  const [first, second] = [
    await trunkline.trace(whole.headers.get('x-trace-id')),
    await trunkline.trace(streamed.headers.get('x-trace-id')),
  ]
  expect(second.trace).toMatchObject({ inputTokens: first.trace.inputTokens, outputTokens: first.trace.outputTokens })
  expect(callIn(second).conversation?.answer?.choices).toEqual(callIn(first).conversation?.answer?.choices)
  expect(second.spans[1]?.detail).toMatchObject({ streaming: true })
})

test('a call that fails is recorded with its reason', async () => {
  await using trunkline = await startTest()
  const response = await post(trunkline.url, '{"model": 7}')
  expect(response.status).toBe(400)
  const { trace, spans } = await trunkline.trace(response.headers.get('x-trace-id'))
  expect(trace.status).toBe('error')
  expect(spans.map(({ kind }) => kind)).toEqual(['call'])
  expect(spans[0]?.detail.error?.message).toContain('`model` must be a string')
})
