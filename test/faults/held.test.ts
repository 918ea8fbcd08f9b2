import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import OpenAI, { APIError } from '../clients/node_modules/openai/index.mjs'
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
  reset,
  type Step,
  until,
  type Wire,
} from '../support/faulty-upstream.ts'
import { rawRequest, rawSocket, readAnswer } from '../support/raw-http.ts'
import { attemptsIn, callIn } from '../support/trunkline.ts'

const { role, hello } = events

const bodyOf = (fields: object): string => JSON.stringify({ model: 'm', messages: [], ...fields })

const ask = ({ trunkline }: Setup, fields: object = {}): Promise<Response> =>
  fetch(`${trunkline.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(fields),
  })

const plain = { stream: true, stream_options: { include_usage: true } }
const edited = { stream: true }

const callOf = async ({ trunkline }: Setup, response: { headers: Headers }) =>
  callIn(await trunkline.trace(response.headers.get('x-trace-id')))

const wholeHead = head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
const blanks = chunked('\n')
const wait = chunked(': wait\n\n')

describe('a whole answer', () => {
  let setup: Setup
  beforeAll(async () => {
    setup = await setUp()
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  test('is held until it is complete, and leaves in one piece with its length', async () => {
    const held = Promise.withResolvers<void>()
    const sent = Promise.withResolvers<void>()
    setup.faulty.script([
      [
        wholeHead,
        chunked(completion.slice(0, 100)),
        () => sent.resolve(),
        until(held.promise),
        chunked(completion.slice(100)),
        lastChunk,
      ],
    ])
    const socket = await rawSocket(setup.trunkline.url)
    socket.write(rawRequest(setup.trunkline.url, { headers: ['Content-Type: application/json'], body: bodyOf({}) }))
    const answered = readAnswer(socket)
    await sent.promise
    // Another call and its answer: whatever was to come of this one would be here by now.
    expect((await fetch(`${setup.trunkline.url}/health/ready`)).status).toBe(200)
    expect(socket.bytesRead).toBe(0)
    held.resolve()
    const { headers, body } = await answered
    expect([headers.get('content-length'), headers.get('transfer-encoding')]).toEqual([
      String(completion.length),
      undefined,
    ])
    expect(body).toBe(completion)
    socket.destroy()
  })

  test('of exactly what may be held is held, and one byte more goes on as it comes', async () => {
    for (const [size, isHeld] of [
      [256 * 1024, true],
      [256 * 1024 + 1, false],
    ] as const) {
      const body = completion.replace('Hello there', 'x'.repeat(size - completion.length + 'Hello there'.length))
      expect(body.length).toBe(size)
      setup.faulty.script([[wholeHead, chunked(body.slice(0, 1_000)), chunked(body.slice(1_000)), lastChunk]])
      const response = await ask(setup)
      expect(response.headers.has('content-length')).toBe(isHeld)
      expect(await response.text()).toBe(body)
    }
  })

  test('that breaks off while it is held is an error that says so', async () => {
    setup.faulty.script([[head(200, jsonOf(completion)), completion.slice(0, 100), reset]])
    const response = await ask(setup)
    expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'upstream_cut' } }])
  })
})

/** A second goes by before each of these is let go, so that they do it together. */
describe.concurrent('signs of life for more than a second', () => {
  /** Blanks or comments until the client has heard of them, and then the rest. */
  async function alive(setup: Setup, fields: object, begin: string, sign: Buffer, rest: readonly Step[]) {
    const heard = Promise.withResolvers<void>()
    let isHeard = false
    void heard.promise.then(() => {
      isHeard = true
    })
    const signs: Step = async (wire: Wire) => {
      while (!isHeard && !wire.isGone) {
        await wire.write(sign)
        await Promise.race([wire.pause(100), heard.promise])
      }
    }
    setup.faulty.script([[begin, signs, ...rest]])
    const startedMs = performance.now()
    const response = await ask(setup, fields)
    const elapsedMs = performance.now() - startedMs
    heard.resolve()
    return { response, elapsedMs }
  }

  test('let a whole answer go, which then ends as it does', async () => {
    await using setup = await setUp()
    const { response, elapsedMs } = await alive(setup, {}, wholeHead, blanks, [chunked(completion), lastChunk])
    expect(elapsedMs).toBeGreaterThan(900)
    expect([response.status, response.headers.has('content-length')]).toEqual([200, false])
    const text = await response.text()
    expect(text.trimStart()).toBe(completion)
    expect(text).toMatch(/^\n/)
    expect(await callOf(setup, response)).toMatchObject({ status: 'ok', detail: { finishReason: 'stop' } })
  })

  test('and then a break cut a whole answer off', async () => {
    await using setup = await setUp()
    const { response } = await alive(setup, {}, wholeHead, blanks, [chunked(completion.slice(0, 100)), reset])
    await expect(response.text()).rejects.toThrow()
    expect(await callOf(setup, response)).toMatchObject({
      status: 'error',
      detail: { error: { code: 'upstream_cut' } },
    })
  })

  for (const [mode, fields] of [
    ['as it comes', plain],
    ['line by line', edited],
  ] as const) {
    const streamHead = head(200, eventStream)

    test(`let a stream go, which then is one, ${mode}`, async () => {
      await using setup = await setUp()
      const rest = [...Object.values(events).map(chunked), lastChunk]
      const { response, elapsedMs } = await alive(setup, fields, streamHead, wait, rest)
      expect(elapsedMs).toBeGreaterThan(900)
      const text = await response.text()
      expect(text).toMatch(/^: wait\n\n/)
      expect(text.trimEnd()).toMatch(/data: \[DONE\]$/)
      expect(await callOf(setup, response)).toMatchObject({ status: 'ok', detail: { finishReason: 'stop' } })
    })

    test(`let a stream go, and an error after them is one in the stream, ${mode}`, async () => {
      await using setup = await setUp()
      const failed = event({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } })
      const { response } = await alive(setup, fields, streamHead, wait, [chunked(failed), lastChunk])
      expect(response.status).toBe(200)
      const text = await response.text()
      expect(text).toContain(failed)
      expect(await callOf(setup, response)).toMatchObject({ status: 'error' })
    })

    test(`let a stream go, and an end after them is an error in the stream, ${mode}`, async () => {
      await using setup = await setUp()
      const { response } = await alive(setup, fields, streamHead, wait, [lastChunk])
      const text = await response.text()
      expect(await callOf(setup, response)).toMatchObject({
        status: 'error',
        detail: { error: { code: 'upstream_invalid' } },
      })
      // A client would take a stream in which nothing stands for an answer that says nothing.
      expect(text).toContain('"code":"upstream_invalid"')
    })

    test(`let a stream go, and a break after them is an error in the stream, ${mode}`, async () => {
      await using setup = await setUp()
      const { response } = await alive(setup, fields, streamHead, wait, [reset])
      const text = await response.text()
      expect(text).toContain('"code":"upstream_cut"')
      expect(await callOf(setup, response)).toMatchObject({
        status: 'error',
        detail: { error: { code: 'upstream_cut' } },
      })
    })
  }

  test("are an error in the stream for the vendor's client, too", async () => {
    await using setup = await setUp()
    const failed = event({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } })
    const signs = Array.from({ length: 15 }, (): Step[] => [wait, (wire) => wire.pause(100)]).flat()
    setup.faulty.script([[head(200, eventStream), ...signs, chunked(failed), lastChunk]])
    const client = new OpenAI({ baseURL: `${setup.trunkline.url}/v1`, apiKey: 'anything', maxRetries: 0 })
    const stream = await client.chat.completions.create({ model: 'm', messages: [], stream: true })
    const read = async (): Promise<void> => {
      for await (const _ of stream) throw new Error('There is nothing to read.')
    }
    const thrown = await read().catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(APIError)
    expect((thrown as InstanceType<typeof APIError>).code).toBe('rate_limit_exceeded')
  })

  test.each([
    ['a whole answer', head(200, jsonOf(completion)), {}],
    ['a stream', head(200, eventStream), plain],
  ] as const)('are more than a head: %s of which nothing has come is still held', async (_what, begin, fields) => {
    await using setup = await setUp({ 'timeouts.first_content_ms': '1500' })
    setup.faulty.script([[begin, hang]])
    const response = await ask(setup, fields)
    expect([response.status, await response.json()]).toMatchObject([504, { error: { code: 'timeout_first_content' } }])
  })

  test('are no end of patience: an error that comes later and first is still one with its status', async () => {
    await using setup = await setUp()
    const failed = event({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } })
    setup.faulty.script([[head(200, eventStream), (wire) => wire.pause(1_300), chunked(failed), lastChunk]])
    const response = await ask(setup, plain)
    expect([response.status, await response.json()]).toMatchObject([429, { error: { code: 'rate_limit_exceeded' } }])
  })
})

test('a stream of known length that breaks off ends for its client at once', async () => {
  await using setup = await setUp()
  setup.faulty.script([
    [head(200, { 'content-type': 'text/event-stream', 'content-length': '100000' }), role, hello, reset],
  ])
  const response = await fetch(`${setup.trunkline.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(plain),
    // Whoever waits for the rest of the bytes that were announced waits for long.
    signal: AbortSignal.timeout(3_000),
  })
  expect(await response.text()).toContain('"code":"upstream_cut"')
})

describe('a client that reads slowly has its provider wait', () => {
  /** What a provider sends of a long answer, and how far it has come. */
  function flood(chunk: string, times: number): { readonly sent: () => number; readonly step: Step } {
    let sent = 0
    const step: Step = async (wire) => {
      for (; sent < times && !wire.isGone; sent++) await wire.write(chunked(chunk))
    }
    return { sent: () => sent, step }
  }

  const times = 600
  const filler = 'x'.repeat(1 << 16)
  const long = event({ choices: [{ index: 0, delta: { content: filler } }] })
  const [before, after] = completion.split('Hello there') as [string, string]

  const answers: Record<
    string,
    { fields: object; begin: readonly Step[]; chunk: string; rest: readonly Step[]; all: string }
  > = {
    'for a whole answer that is too long to be held': {
      fields: {},
      begin: [wholeHead, chunked(before)],
      chunk: filler,
      rest: [chunked(after), lastChunk],
      all: before + filler.repeat(times) + after,
    },
    'for a stream': {
      fields: plain,
      begin: [head(200, eventStream)],
      chunk: long,
      rest: [lastChunk],
      all: long.repeat(times),
    },
    'for a stream that goes on line by line': {
      fields: edited,
      begin: [head(200, eventStream)],
      chunk: long,
      rest: [lastChunk],
      all: long.repeat(times),
    },
    'for a stream that was let go after a second': {
      fields: plain,
      begin: [head(200, eventStream), wait, (wire) => wire.pause(1_300)],
      chunk: long,
      rest: [lastChunk],
      all: `: wait\n\n${long.repeat(times)}`,
    },
  }

  test.concurrent.each(Object.entries(answers))('%s', async (_name, { fields, begin, chunk, rest, all }) => {
    await using setup = await setUp()
    const { sent, step } = flood(chunk, times)
    setup.faulty.script([[...begin, step, ...rest]])
    const asking = request(`${setup.trunkline.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    asking.end(bodyOf(fields))
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    // Nothing moves any more when everything between them is full.
    let last = -1
    await vi.waitFor(
      () => {
        const isStill = sent() > 0 && sent() === last
        last = sent()
        expect(isStill).toBe(true)
      },
      { timeout: 10_000, interval: 100 },
    )
    expect(sent()).toBeLessThan(times)
    const chunks: Buffer[] = []
    for await (const piece of response) chunks.push(piece as Buffer)
    expect(Buffer.concat(chunks).toString() === all).toBe(true)
    const view = await setup.trunkline.trace(String(response.headers['x-trace-id']))
    expect(attemptsIn(view)).toMatchObject([{ status: 'ok', detail: { answerBytes: all.length } }])
  })
})
