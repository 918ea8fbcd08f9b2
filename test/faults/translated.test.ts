/** A provider of another dialect than the client's that does not do what it should. */
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Setup, setUp } from '../support/behind-faulty.ts'
import {
  chunked,
  completion,
  event,
  eventStream,
  events,
  hang,
  head,
  jsonOf,
  lastChunk,
  pause,
  type SeenRequest,
  until,
} from '../support/faulty-upstream.ts'
import { rawRequest, rawSocket } from '../support/raw-http.ts'
import { attemptsIn, callIn } from '../support/trunkline.ts'

let setup: Setup
beforeAll(async () => {
  setup = await setUp()
})
afterAll(() => setup[Symbol.asyncDispose]())

const { role, hello, there, finish, usage, done } = events

/** A client of Anthropic asks a provider that speaks only OpenAI's dialects. */
const ask = (fields: object = {}, init: RequestInit = {}, { trunkline } = setup): Promise<Response> =>
  fetch(`${trunkline.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'openai/m',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Hi' }],
      ...fields,
    }),
    ...init,
  })

const callOf = async (response: Response, { trunkline } = setup) =>
  callIn(await trunkline.trace(response.headers.get('x-trace-id')))
const attemptOf = async (response: Response, { trunkline } = setup) =>
  attemptsIn(await trunkline.trace(response.headers.get('x-trace-id')))[0]

/** How long after this moment the provider sees its connection end. */
async function closedWithin(sinceMs: number): Promise<number> {
  const { connection } = setup.faulty.requests.at(-1) as SeenRequest
  return (await connection.closed).atMs - sinceMs
}

const failure = event({ error: { message: 'Out of luck.', type: 'server_error', code: 'no_luck' } })

describe('a stream whose provider fails and does not hang up', () => {
  test('at its beginning is refused by its status, and the provider is left', async () => {
    setup.faulty.script([[head(200, { ...eventStream, 'retry-after': '7' }), chunked(failure), hang]])
    const response = await ask({ stream: true })
    const atMs = performance.now()
    expect(response.status).toBeGreaterThanOrEqual(500)
    expect(await response.json()).toMatchObject({ type: 'error', error: { message: 'Out of luck.' } })
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await closedWithin(atMs)).toBeLessThan(100)
    expect(await attemptOf(response)).toMatchObject({ status: 'error', detail: { error: { code: 'upstream_error' } } })
  })

  test('in the middle says so to its client, and the provider is left', async () => {
    setup.faulty.script([[head(200, eventStream), chunked(role + hello), chunked(failure), hang]])
    const response = await ask({ stream: true })
    const said = await response.text()
    const atMs = performance.now()
    expect(said).toContain('Hello')
    expect(said).toMatch(/event: error\ndata: .*Out of luck/)
    expect(said).not.toContain('message_stop')
    expect(await closedWithin(atMs)).toBeLessThan(100)
    expect(await attemptOf(response)).toMatchObject({ status: 'error', detail: { error: { code: 'no_luck' } } })
  })

  test('with what is no JSON is called invalid, and the provider is left', async () => {
    setup.faulty.script([[head(200, eventStream), chunked(role + hello), chunked(event('{"x')), hang]])
    const response = await ask({ stream: true })
    const said = await response.text()
    const atMs = performance.now()
    expect(said).toMatch(/event: error\n/)
    expect(await closedWithin(atMs)).toBeLessThan(100)
    expect(await attemptOf(response)).toMatchObject({
      status: 'error',
      detail: { error: { code: 'upstream_invalid' } },
    })
  })
})

describe('a client that leaves', () => {
  test('ends the call of a whole answer that is still coming', async () => {
    const begun = Promise.withResolvers<void>()
    setup.faulty.script([[head(200, jsonOf(completion)), completion.slice(0, 50), () => begun.resolve(), hang]])
    const controller = new AbortController()
    const asked = ask({}, { signal: controller.signal }).catch(() => undefined)
    await begun.promise
    const atMs = performance.now()
    controller.abort()
    await asked
    expect(await closedWithin(atMs)).toBeLessThan(100)
  })

  test('ends the call of a stream', async () => {
    setup.faulty.script([[head(200, eventStream), chunked(role + hello), hang]])
    const controller = new AbortController()
    const response = await ask({ stream: true }, { signal: controller.signal })
    const atMs = performance.now()
    controller.abort()
    expect(await closedWithin(atMs)).toBeLessThan(100)
    expect(await callOf(response)).toMatchObject({ status: 'cancelled' })
  })
})

describe('a client that leaves where answers are read to their end', () => {
  let draining: Setup
  beforeAll(async () => {
    draining = await setUp({ 'cancel.mode': 'drain', 'cancel.drain_bytes': '1000000' })
  })
  afterAll(() => draining[Symbol.asyncDispose]())

  /** Leaves once the provider says so, and gives the only attempt as it was recorded. */
  async function leave(fields: object, first: string, rest: readonly (string | Buffer)[], headers: string) {
    const begun = Promise.withResolvers<void>()
    const left = Promise.withResolvers<void>()
    draining.faulty.script([
      [headers, chunked(first), () => begun.resolve(), until(left.promise), ...rest.map(chunked), lastChunk],
    ])
    const controller = new AbortController()
    const trace = '0af7651916cd43dd8448eb211c80319c'.replace(/^./, () => (traces++).toString(16))
    const asked = ask(
      fields,
      {
        signal: controller.signal,
        headers: { 'content-type': 'application/json', traceparent: `00-${trace}-b7ad6b7169203331-01` },
      },
      draining,
    ).catch(() => undefined)
    await begun.promise
    if (fields !== whole) await asked
    controller.abort()
    await asked
    // Until the gateway has seen it.
    await setTimeout(50)
    left.resolve()
    return vi.waitFor(async () => {
      const [attempt] = attemptsIn(await draining.trunkline.trace(trace))
      if (!attempt) throw new Error('It is not there yet.')
      return attempt
    })
  }
  let traces = 1
  const whole = {}

  test('is told by what its stream used', async () => {
    const attempt = await leave({ stream: true }, role + hello, [there, finish, usage, done], head(200, eventStream))
    expect(attempt).toMatchObject({ status: 'cancelled', detail: { usage: { inputUncached: 3, outputText: 2 } } })
  })

  test('is told by what its whole answer used', async () => {
    const headers = head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    const attempt = await leave(whole, completion.slice(0, 50), [completion.slice(50)], headers)
    expect(attempt).toMatchObject({ status: 'cancelled', detail: { usage: { inputUncached: 3, outputText: 2 } } })
  })
})

describe('a whole answer', () => {
  test('that is large comes whole', async () => {
    const text = 'All of it. '.repeat(500_000)
    const body = completion.replace('Hello there', text)
    setup.faulty.script([[head(200, jsonOf(body)), body]])
    const response = await ask()
    const { content } = (await response.json()) as { content: { text: string }[] }
    expect(content[0]?.text === text).toBe(true)
  })

  test('that is larger than anybody can read is refused', async () => {
    const piece = chunked('x'.repeat(1 << 20))
    const steps = Array.from({ length: 200 }, () => piece)
    setup.faulty.script([
      [head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }), chunked('"'), ...steps, hang],
    ])
    const response = await ask()
    expect(response.status).toBe(502)
    expect(await response.text()).toMatch(/larger than/)
  })

  test('that comes slowly is no silence', async () => {
    await using slow = await setUp({ 'timeouts.first_content_ms': '600', 'timeouts.headers_ms': '600' })
    slow.faulty.script([
      [
        head(200, jsonOf(completion)),
        ...[...completion.matchAll(/.{1,60}/gs)].flatMap(([piece]) => [piece, pause(300)]),
      ],
    ])
    const response = await ask({}, {}, slow)
    expect(await response.json()).toMatchObject({ content: [{ text: 'Hello there' }] })
  })

  test('is what a client gets that asked for a stream of a provider that has none', async () => {
    setup.faulty.script([[head(200, jsonOf(completion)), completion]])
    const response = await ask({ stream: true })
    expect(await response.text()).toMatch(/message_start[\s\S]*Hello there[\s\S]*message_stop/)
  })

  test('is made of a stream where the provider has nothing else', async () => {
    setup.faulty.script([
      [head(200, eventStream), ...[role, hello, there, finish, usage, done].map(chunked), lastChunk],
    ])
    const response = await ask()
    expect(await response.json()).toMatchObject({ content: [{ type: 'text', text: 'Hello there' }] })
  })
})

test('a provider that gives signs of life only keeps the client from giving up', async () => {
  const heard = Promise.withResolvers<void>()
  setup.faulty.script([
    [
      head(200, eventStream),
      ...Array.from({ length: 6 }, () => [chunked(': wait\n\n'), pause(400)]).flat(),
      until(heard.promise),
      ...[role, hello, finish, usage, done].map(chunked),
      lastChunk,
    ],
  ])
  const response = await ask({ stream: true })
  heard.resolve()
  expect(response.status).toBe(200)
  expect(await response.text()).toMatch(/^:[\s\S]*message_stop/)
})

test('a stream that is done and does not end is whole when its client has waited long enough', async () => {
  setup.faulty.script([[head(200, eventStream), chunked(role + hello + finish + done), hang]])
  const response = await ask({ stream: true })
  expect(await response.text()).toContain('message_stop')
})

test('a request that passes and that nobody here can read is refused where its answer has to be written anew', async () => {
  await using other = await setUp()
  await using claude = await setUp({ 'providers.anthropic.base_url': other.faulty.url })
  other.faulty.script([[head(200, jsonOf('{}')), '{}']])
  const response = await ask({ model: 'anthropic/m', stream: true, tools: 'none' }, {}, claude)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining('tools') } })
})

test('a client that leaves while a stored response is fetched ends the fetching', async () => {
  const asked = Promise.withResolvers<void>()
  setup.faulty.script([[() => asked.resolve(), hang]])
  const controller = new AbortController()
  const got = fetch(`${setup.trunkline.url}/v1/responses/resp_1`, { signal: controller.signal }).catch(() => undefined)
  await asked.promise
  const atMs = performance.now()
  controller.abort()
  await got
  expect(await closedWithin(atMs)).toBeLessThan(100)
})

test('a conversation that goes on may not grow beyond what a request may be', async () => {
  await using small = await setUp({ 'limits.body_bytes': '3000' })
  const say = (fields: object): Promise<Response> =>
    fetch(`${small.trunkline.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mock/echo', input: 'x'.repeat(1_000), ...fields }),
    })
  const first = await say({})
  const { id } = (await first.json()) as { id: string }
  const second = await say({ previous_response_id: id })
  expect(second.status).toBe(413)
  expect(await second.json()).toMatchObject({ error: { message: expect.stringContaining('limits.body_bytes') } })
})

test('a slow client holds up the provider of a stream that is written anew, and gets all of it', async () => {
  let written = 0
  const piece = chunked(hello.repeat(1_000))
  const pieces = 100
  const count = (): void => {
    written += 1
  }
  const steps = Array.from({ length: pieces }, () => [piece, count]).flat()
  setup.faulty.script([[head(200, eventStream), chunked(role), ...steps, chunked(finish + usage + done), lastChunk]])
  const socket = await rawSocket(setup.trunkline.url)
  socket.pause()
  const body = JSON.stringify({
    model: 'openai/m',
    max_tokens: 10,
    stream: true,
    messages: [{ role: 'user', content: 'Hi' }],
  })
  socket.write(
    rawRequest(setup.trunkline.url, { target: '/v1/messages', headers: ['Content-Type: application/json'], body }),
  )
  let before = -1
  await vi.waitFor(
    () => {
      const isSame = written === before
      before = written
      expect([isSame, written > 0]).toEqual([true, true])
    },
    { interval: 500, timeout: 10_000 },
  )
  expect(written).toBeLessThan(pieces)
  const chunks: Buffer[] = []
  const all = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (chunk.subarray(-5).toString() === lastChunk) resolve()
    })
  })
  socket.resume()
  await all
  const said = Buffer.concat(chunks).toString()
  expect(said.match(/"Hello"/g)).toHaveLength(pieces * 1_000)
  expect(said).toContain('message_stop')
  socket.destroy()
})

test('a provider that is overloaded says so by the status that the client knows, however it says it', async () => {
  const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
  const text = JSON.stringify(overloaded)
  await using other = await setUp()
  await using claude = await setUp({ 'providers.anthropic.base_url': other.faulty.url })
  const askOpenAi = (fields: object): Promise<Response> =>
    fetch(`${claude.trunkline.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'anthropic/m', messages: [{ role: 'user', content: 'Hi' }], ...fields }),
    })
  const hints = { 'retry-after': '9', 'request-id': 'req_1' }
  for (const [stream, steps] of [
    [false, [head(529, { ...jsonOf(text), ...hints }), text]],
    [false, [head(200, { ...jsonOf(text), ...hints }), text]],
    [true, [head(200, { ...eventStream, ...hints }), chunked(`event: error\n${event(text)}`), lastChunk]],
  ] as const) {
    other.faulty.script([steps])
    const response = await askOpenAi({ stream })
    expect(response.status).toBe(503)
    expect([response.headers.get('retry-after'), response.headers.get('x-request-id')]).toEqual(['9', 'req_1'])
    expect(await response.json()).toMatchObject({ error: { message: 'Overloaded' } })
  }
  const count = await fetch(`${claude.trunkline.url}/v1/messages/count_tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/m', messages: [{ role: 'user', content: 'Hi' }] }),
  })
  expect(count.status).toBe(200)
})
