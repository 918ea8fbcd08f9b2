import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import OpenAI from '../clients/node_modules/openai/index.mjs'
import { type Setup, setUp } from '../support/behind-faulty.ts'
import {
  chunked,
  completion,
  end,
  event,
  eventStream,
  events,
  forever,
  hang,
  head,
  jsonOf,
  lastChunk,
  type Step,
  until,
} from '../support/faulty-upstream.ts'
import { attemptsIn, callIn } from '../support/trunkline.ts'

const encodings = [
  { encoding: 'gzip', compress: gzipSync, stream: createGzip, flush: constants.Z_SYNC_FLUSH },
  { encoding: 'deflate', compress: deflateSync, stream: createDeflate, flush: constants.Z_SYNC_FLUSH },
  {
    encoding: 'br',
    compress: brotliCompressSync,
    stream: createBrotliCompress,
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  { encoding: 'zstd', compress: zstdCompressSync, stream: createZstdCompress, flush: constants.ZSTD_e_flush },
]

/** Each part packed so that it can be unpacked as soon as it is there; the last one is the end. */
async function packedEach(
  parts: readonly string[],
  { stream, flush }: Pick<(typeof encodings)[number], 'stream' | 'flush'>,
): Promise<Buffer[]> {
  const compressor = stream()
  let pieces: Buffer[] = []
  compressor.on('data', (piece: Buffer) => pieces.push(piece))
  const packed: Buffer[] = []
  const take = (): void => {
    packed.push(Buffer.concat(pieces))
    pieces = []
  }
  for (const part of parts) {
    compressor.write(part)
    await new Promise<void>((resolve) => compressor.flush(flush, () => resolve()))
    take()
  }
  await once(compressor.end(), 'end')
  take()
  return packed
}

const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000, interval: 5 })

const bodyOf = (fields: object): string => JSON.stringify({ model: 'm', messages: [], ...fields })

const ask = ({ trunkline }: Setup, fields: object = {}): Promise<Response> =>
  fetch(`${trunkline.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(fields),
  })

const traceOf = (setup: Setup, response: Response) => setup.trunkline.trace(response.headers.get('x-trace-id'))

const clientOf = ({ trunkline }: Setup): OpenAI =>
  new OpenAI({ baseURL: `${trunkline.url}/v1`, apiKey: 'anything', maxRetries: 0 })

const used = { inputUncached: 3, outputText: 2 }
const closing = { connection: 'close' }

describe.each(encodings)('an answer that comes as $encoding', ({ encoding, compress, stream, flush }) => {
  let setup: Setup
  beforeAll(async () => {
    setup = await setUp()
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  const whole = (bytes: Buffer): Step[] => [
    head(200, { ...jsonOf(bytes), 'content-encoding': encoding, ...closing }),
    bytes,
    end,
  ]
  const streamHead = head(200, { ...eventStream, 'content-encoding': encoding })

  test('is plain to its client, and is recorded, when it is whole', async () => {
    setup.faulty.script([whole(compress(completion))])
    const response = await ask(setup)
    expect([response.headers.get('content-encoding'), response.headers.get('content-length')]).toEqual([
      null,
      String(completion.length),
    ])
    expect(await response.text()).toBe(completion)
    const view = await traceOf(setup, response)
    expect(callIn(view)).toMatchObject({ status: 'ok', detail: { usage: used, finishReason: 'stop' } })
    expect(attemptsIn(view)).toMatchObject([{ detail: { answerBytes: completion.length } }])
    expect(callIn(view).conversation?.answer).toBeDefined()
  })

  test('is plain to its client, and is recorded, when it is a stream, and each event comes when it was sent', async () => {
    const parts = Object.values(events)
    const heard = parts.map(() => Promise.withResolvers<void>())
    const packed = await packedEach(parts, { stream, flush })
    setup.faulty.script([
      [
        streamHead,
        ...packed.flatMap((bytes, index) => [chunked(bytes), until(heard[index]?.promise ?? Promise.resolve())]),
        lastChunk,
      ],
    ])
    const response = await ask(setup, { stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-encoding')).toBeNull()
    let text = ''
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      // The provider waits for this before it sends the next one.
      for (const [index] of parts.entries()) {
        if (text.startsWith(parts.slice(0, index + 1).join(''))) heard[index]?.resolve()
      }
    }
    expect(text).toBe(parts.join(''))
    expect(callIn(await traceOf(setup, response))).toMatchObject({
      status: 'ok',
      detail: { usage: used, finishReason: 'stop' },
    })
  })

  test("is read by the vendor's client, whole and streamed, as if it had come plain", async () => {
    const packed = await packedEach(Object.values(events), { stream, flush })
    setup.faulty.script([whole(compress(completion)), [streamHead, ...packed.map(chunked), lastChunk]])
    const client = clientOf(setup)
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }] }
    const { choices } = await client.chat.completions.create(asked)
    expect(choices[0]?.message.content).toBe('Hello there')
    let text = ''
    for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
      text += choices[0]?.delta.content ?? ''
    }
    expect(text).toBe('Hello there')
  })

  test('and ends within its compressed form is cut off', async () => {
    const bytes = compress(completion)
    setup.faulty.script([whole(bytes.subarray(0, -4))])
    const response = await ask(setup)
    expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'upstream_cut' } }])
    expect(callIn(await traceOf(setup, response))).toMatchObject({
      status: 'error',
      detail: { error: { code: 'upstream_cut' } },
    })
  })

  test('and ends within its compressed form as a stream has every event that came, and an error', async () => {
    const packed = await packedEach(Object.values(events), { stream, flush })
    setup.faulty.script([
      [streamHead, ...packed.slice(0, 2).map(chunked), chunked(packed[2]?.subarray(0, 3) ?? ''), lastChunk],
    ])
    const response = await ask(setup, { stream: true, stream_options: { include_usage: true } })
    const text = await response.text()
    expect(text.startsWith(events.role + events.hello)).toBe(true)
    expect(text).toContain('"code":"upstream_cut"')
    expect(text).not.toContain('[DONE]')
    expect(callIn(await traceOf(setup, response)).detail.error?.code).toBe('upstream_cut')
  })

  test('and is something else is no answer', async () => {
    setup.faulty.script([whole(Buffer.from(completion)), [streamHead, chunked(events.role), lastChunk]])
    for (const fields of [{}, { stream: true }]) {
      const response = await ask(setup, fields)
      expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'upstream_invalid' } }])
    }
  })

  test('and is followed by something else is no answer, and its connection is closed', async () => {
    const bytes = Buffer.concat([compress(completion), Buffer.from('and more of it')])
    setup.faulty.script([
      [head(200, { 'content-type': 'application/json', 'content-encoding': encoding }), bytes, hang],
    ])
    const response = await ask(setup)
    expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'upstream_invalid' } }])
    expect((await setup.faulty.requests.at(-1)?.connection.closed)?.by).toBe('client')
  })

  test('and is a refusal is told in its own words', async () => {
    const bytes = compress(
      JSON.stringify({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } }),
    )
    setup.faulty.script([[head(429, { ...jsonOf(bytes), 'content-encoding': encoding }), bytes]])
    const response = await ask(setup)
    expect([response.status, await response.json()]).toMatchObject([429, { error: { message: 'Slow down.' } }])
    expect(response.headers.get('content-encoding')).toBeNull()
  })
})

test.each(['constructor', 'gzip, br', 'compress'])('an answer in the encoding %j is none', async (encoding) => {
  await using setup = await setUp()
  setup.faulty.script([[head(200, { ...jsonOf(completion), 'content-encoding': encoding }), completion]])
  const response = await ask(setup)
  expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'upstream_invalid' } }])
})

test.each(['identity', 'Identity', ''])('an answer in the encoding %j is plain', async (encoding) => {
  await using setup = await setUp()
  setup.faulty.script([[head(200, { ...jsonOf(completion), 'content-encoding': encoding }), completion]])
  expect(await (await ask(setup)).text()).toBe(completion)
})

/** Thousands of these fit into a packet. */
const zeros = event({ choices: [{ index: 0, delta: { content: '0'.repeat(1 << 16) } }] })
const times = 400
const huge = Buffer.from(zeros.repeat(times))

/** What may be unpacked for a client that reads nothing: mostly what the system holds for its connection. */
const mostBytes = 16 << 20

/** A client that has not read for so long that nothing moves any more. */
async function clogged({ trunkline }: Setup): Promise<{ response: IncomingMessage; traceId: string }> {
  const asking = request(`${trunkline.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  asking.end(bodyOf({ stream: true, stream_options: { include_usage: true } }))
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  let before = -1
  await vi.waitFor(
    () => {
      const { bytesRead } = response.socket
      const isStill = bytesRead === before
      before = bytesRead
      expect(isStill).toBe(true)
    },
    { timeout: 10_000, interval: 100 },
  )
  return { response, traceId: String(response.headers['x-trace-id']) }
}

const beginAs = (encoding: string): string => head(200, { ...eventStream, 'content-encoding': encoding })

describe('a small answer that is huge inside', () => {
  test.each(encodings)('as $encoding is unpacked no faster than its client reads', async ({ encoding, ...packing }) => {
    await using setup = await setUp()
    const [first, more] = (await packedEach([zeros, zeros], packing)) as [Buffer, Buffer]
    setup.faulty.script([[beginAs(encoding), chunked(first), forever(chunked(more), 0)]])
    const { response, traceId } = await clogged(setup)
    response.destroy()
    expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
    const [attempt] = attemptsIn(await eventually(() => setup.trunkline.trace(traceId)))
    expect(attempt?.status).toBe('cancelled')
    expect(attempt?.detail.answerBytes).toBeGreaterThan(2 * zeros.length)
    expect(attempt?.detail.answerBytes).toBeLessThan(mostBytes)
  })

  const begin = beginAs('gzip')
  const small = gzipSync(huge)

  test('is let go with its client when all of it has come', async () => {
    await using setup = await setUp()
    setup.faulty.script([[begin, chunked(small), lastChunk]])
    const { response, traceId } = await clogged(setup)
    response.destroy()
    const view = await eventually(() => setup.trunkline.trace(traceId))
    expect(callIn(view).status).toBe('cancelled')
    expect(attemptsIn(view)[0]?.status).toBe('cancelled')
    expect(attemptsIn(view)[0]?.detail.answerBytes).toBeLessThan(mostBytes)
  })

  test('takes no longer than it may when all of it has come', async () => {
    await using setup = await setUp({ 'timeouts.total_ms': '400' })
    setup.faulty.script([[begin, chunked(small), lastChunk]])
    const { response, traceId } = await clogged(setup)
    let text = ''
    // Bit by bit, so that there is always more.
    await eventually(() => {
      text = (text + (response.read() ?? '')).slice(-1_000)
      expect(text).toContain('"code":"timeout_total"')
    })
    response.destroy()
    expect(callIn(await eventually(() => setup.trunkline.trace(traceId)))).toMatchObject({
      status: 'error',
      detail: { error: { code: 'timeout_total' } },
    })
  })

  test('arrives as it was at a client that reads slowly', async () => {
    await using setup = await setUp()
    setup.faulty.script([[begin, chunked(small), lastChunk]])
    const { response, traceId } = await clogged(setup)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).equals(huge)).toBe(true)
    expect(attemptsIn(await eventually(() => setup.trunkline.trace(traceId)))).toMatchObject([
      { status: 'ok', detail: { answerBytes: huge.length } },
    ])
  })
})
