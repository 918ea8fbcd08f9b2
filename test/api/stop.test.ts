import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { ask } from '../../src/cli/ask.ts'
import type { QueryAnswer } from '../../src/store/queries.ts'
import { inThreads } from '../../src/threads/supervisor.ts'
import { startAnswering } from '../support/answering.ts'
import { postChat } from '../support/calls.ts'
import { type Ended, type Serving, serving } from '../support/cli.ts'
import { rawRequest, rawSocket, readAnswer } from '../support/raw-http.ts'
import { attemptsIn, callIn, startTest } from '../support/trunkline.ts'

const hello = 'Hello there, friend'
const hanging = { model: 'mock/hang-stream', stream: true }
const slow = { stream: true, mock: { chunk_ms: 20, chunk_words: 1 } }
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 10 })
const json = 'Content-Type: application/json'
const stopped = { error: { code: 'draining', message: 'Trunkline stopped before the answer was complete.' } }

/** The error event with which a stream ends, and what nobody may take for a good end. */
function expectEndsWithError(text: string): void {
  const events = text.trim().split('\n\n')
  expect(JSON.parse(events.at(-1)?.replace('data: ', '') ?? '')).toMatchObject(stopped)
  expect(text).not.toContain('[DONE]')
}

test('a stream that a stop cuts off ends with an error, and is recorded', async () => {
  await using trunkline = await startTest()
  const response = await postChat(trunkline.url, hello, hanging)
  const text = response.text()
  await trunkline.trunkline.stop(50)
  expectEndsWithError(await text)
  const trace = await trunkline.trace(response.headers.get('x-trace-id'))
  expect(callIn(trace)).toMatchObject({ status: 'error', detail: { httpStatus: 200, error: { code: 'draining' } } })
  expect(attemptsIn(trace)).toMatchObject([{ status: 'cancelled' }])
})

test('a call that has no answer yet when a stop cuts it off hears why', async () => {
  await using trunkline = await startTest()
  const called = postChat(trunkline.url, hello, { model: 'mock/hang' })
  await eventually(() => expect(trunkline.trunkline.running()).toBe(1))
  await trunkline.trunkline.stop(50)
  const response = await called
  expect([response.status, response.headers.get('retry-after'), response.headers.get('connection')]).toEqual([
    503,
    '1',
    'close',
  ])
  expect(await response.json()).toMatchObject(stopped)
  const trace = await trunkline.trace(response.headers.get('x-trace-id'))
  expect(callIn(trace)).toMatchObject({ status: 'error', detail: { httpStatus: 503, error: { code: 'draining' } } })
  expect(attemptsIn(trace)).toMatchObject([{ status: 'cancelled' }])
})

test('a whole answer of which the client has a part when a stop cuts it off ends with a cut connection', async () => {
  await using upstream = await startAnswering((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write(`{"id":"a"${' '.repeat(1 << 20)}`)
  })
  await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
  const response = await postChat(trunkline.url, hello, { model: 'm' })
  const text = response.text()
  await Promise.all([trunkline.trunkline.stop(50), expect(text).rejects.toThrow()])
  const trace = await trunkline.trace(response.headers.get('x-trace-id'))
  expect(callIn(trace)).toMatchObject({ status: 'error', detail: { error: { code: 'draining' } } })
})

test('a provider is let go when a stop cuts off its answer', async () => {
  const { promise: left, resolve } = Promise.withResolvers<void>()
  await using upstream = await startAnswering((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n')
    response.once('close', resolve)
  })
  await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
  const called = postChat(trunkline.url, hello, { model: 'm', stream: true }).then((response) => response.text())
  await eventually(() => expect(upstream.asked).toHaveLength(1))
  await trunkline.trunkline.stop(50)
  await left
  expect(await called).toContain('draining')
})

test('a stop lets a running call end, and takes no other', async () => {
  await using trunkline = await startTest()
  const response = await postChat(trunkline.url, hello, slow)
  const over = trunkline.trunkline.stop(5_000)
  expect(await response.text()).toContain('data: [DONE]')
  await over
  await expect(postChat(trunkline.url, hello)).rejects.toThrow()
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
  expect(traces).toMatchObject([{ model: 'mock/echo', status: 'ok' }])
})

test('what comes on an open connection during a stop is told so, and an idle connection is closed at once', async () => {
  await using trunkline = await startTest()
  const { url } = trunkline
  const [busy, idle] = [await rawSocket(url), await rawSocket(url)]
  const answered = readAnswer(idle)
  idle.write(rawRequest(url, { method: 'GET', target: '/health/live' }))
  await answered
  const idleClosed = new Promise((resolve) => idle.once('close', resolve))
  let bytes = ''
  busy.on('data', (chunk: Buffer) => (bytes += chunk.toString()))
  const call = (fields: object): Buffer =>
    rawRequest(url, { headers: [json], body: JSON.stringify({ model: 'mock/echo', messages: [], ...fields }) })
  busy.write(call({ ...slow, messages: [{ role: 'user', content: 'one two three four five six seven eight' }] }))
  await eventually(() => expect(bytes).toContain('data:'))
  const busyClosed = new Promise((resolve) => busy.once('close', resolve))
  const over = trunkline.trunkline.stop(5_000)
  await idleClosed
  expect(bytes).not.toContain('[DONE]')
  busy.write(call({}))
  await Promise.all([over, busyClosed])
  const answers = bytes.split('HTTP/1.1 ').slice(1)
  expect(answers).toHaveLength(2)
  expect(answers[0]).toContain('[DONE]')
  expect(answers[1]).toMatch(/^503 .*retry-after: 1.*Connection: close.*"code":"draining"/s)
})

test('a call in the first moment of a server that is stopped in the next is recorded', async () => {
  await using trunkline = await startTest({ spawn: inThreads })
  const response = await postChat(trunkline.url, hello)
  await response.text()
  await trunkline.trunkline.stop(5_000)
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
  expect(traces).toMatchObject([{ model: 'mock/echo', status: 'ok' }])
})

/** A server in a process of its own, and what it has recorded when it is over. */
async function withServer(
  environment: Readonly<Record<string, string>>,
  use: (server: Serving) => Promise<void>,
): Promise<Ended & QueryAnswer<'listTraces'>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trunkline-stop-'))
  try {
    await using server = await serving(['--data-dir', dataDir], environment)
    await use(server)
    const ended = await server.ended
    const { traces } = await ask(dataDir, 'listTraces', { project: 'default', filter: {}, page: { limit: 10 } })
    return { ...ended, traces }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

describe.concurrent('a server in its own process', () => {
  test('finishes what runs when it is told to stop, says so, and ends well', async () => {
    let text = ''
    const { code, stderr, traces } = await withServer({}, async (server) => {
      for (let done = 0; done < 3; done++) await (await postChat(server.url, hello)).text()
      const response = await postChat(server.url, hello, { ...slow, mock: { chunk_ms: 100, chunk_words: 1 } })
      server.signal('SIGINT')
      // As a terminal does: once to the group and once more by the parent.
      server.signal('SIGINT')
      text = await response.text()
    })
    expect(text).toContain('[DONE]')
    expect(code).toBe(0)
    expect(stderr).toContain('Waiting for 1 call to end, at most 30 s. Ctrl-C once more ends them now')
    expect(traces.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once at a second %s', async (signal, expected) => {
    const { code } = await withServer({}, async (server) => {
      const response = await postChat(server.url, hello, hanging)
      const again = setInterval(() => server.signal(signal), 100)
      await expect(response.text()).rejects.toThrow()
      await server.ended
      clearInterval(again)
    })
    expect(code).toBe(expected)
  })

  test('cuts off what takes longer than it may, and records it', async () => {
    const { code, traces } = await withServer({ TRUNKLINE_DRAIN_MS: '100' }, async (server) => {
      const response = await postChat(server.url, hello, hanging)
      server.signal('SIGTERM')
      expectEndsWithError(await response.text())
    })
    expect(code).toBe(0)
    expect(traces).toMatchObject([{ model: 'mock/hang-stream', status: 'error' }])
  })
})
