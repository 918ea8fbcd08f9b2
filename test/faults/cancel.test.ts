import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TraceView } from '../../src/store/show.ts'
import OpenAI, { APIUserAbortError } from '../clients/node_modules/openai/index.mjs'
import { type Setup, setUp } from '../support/behind-faulty.ts'
import {
  chunked,
  completion,
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
import { rawRequest, rawSocket } from '../support/raw-http.ts'
import { attemptsIn, callIn, type TestTrunkline } from '../support/trunkline.ts'

const { role, hello, there, finish, usage, done } = events

/** One call for a client that will leave, and how it does. */
interface Leaver {
  /** Everything that has come. */
  readonly seen: { text: string }
  leave(): void
}

const newTraceId = (): string => crypto.randomUUID().replaceAll('-', '')
const chat = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** How clients come and go: a program with the vendor's SDK, and one that simply dies. */
const clients: Record<string, (trunkline: TestTrunkline, stream: boolean, traceId: string) => Promise<Leaver>> = {
  async 'the SDK that aborts'({ url }, stream, traceId) {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'anything', maxRetries: 0 })
    const controller = new AbortController()
    const seen = { text: '' }
    const options = { signal: controller.signal, headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } }
    const gone = (error: unknown): void => {
      if (!(error instanceof APIUserAbortError) && (error as Error).name !== 'AbortError') throw error
    }
    if (stream) {
      const read = async (): Promise<void> => {
        const chunks = await openai.chat.completions.create({ ...chat, stream: true }, options)
        for await (const { choices } of chunks) seen.text += choices[0]?.delta.content ?? ''
      }
      void read().catch(gone)
    } else {
      const read = async (): Promise<void> => {
        const response = await openai.chat.completions.create(chat, options).asResponse()
        for await (const bytes of response.body as ReadableStream<Uint8Array>) {
          seen.text += Buffer.from(bytes).toString()
        }
      }
      void read().catch(gone)
    }
    return { seen, leave: () => controller.abort() }
  },
  async 'a socket that breaks'({ url }, stream, traceId) {
    const socket = await rawSocket(url)
    const seen = { text: '' }
    socket.on('error', () => undefined).on('data', (bytes: Buffer) => (seen.text += bytes.toString()))
    const headers = ['Content-Type: application/json', `Traceparent: 00-${traceId}-00f067aa0ba902b7-01`]
    socket.write(rawRequest(url, { headers, body: JSON.stringify({ ...chat, stream }) }))
    return { seen, leave: () => socket.resetAndDestroy() }
  },
}

/** Waits until it is so, on a busy machine too. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000, interval: 5 })

const traceOf = ({ trunkline }: Setup, traceId: string): Promise<TraceView> =>
  eventually(() => trunkline.trace(traceId))

/** A point at which a client may leave. */
interface Moment {
  readonly stream: boolean
  /** What the provider does before, and what it would do after. */
  readonly before: readonly Step[]
  readonly rest: readonly Step[]
  /** What the client has seen by then; nothing where it has not heard a word. */
  readonly sees: string
}

const packed = gzipSync(completion)
/** A whole answer too long to be held back. */
const long = completion.replace('Hello there', 'x'.repeat(400_000))
const longHead = head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })

/** A right stream, of which more comes when a reader has had time to give up. */
const slowly: readonly Step[] = [
  chunked(role),
  chunked(hello),
  (wire) => wire.pause(20),
  ...[there, finish, usage, done].map(chunked),
  lastChunk,
]

const moments: Record<string, Moment> = {
  'before the head of a stream': {
    stream: true,
    before: [],
    rest: [head(200, eventStream), ...slowly],
    sees: '',
  },
  'before the first event of a stream': {
    stream: true,
    before: [head(200, eventStream), chunked(': wait\n\n')],
    rest: slowly,
    sees: '',
  },
  'in the middle of a stream': {
    stream: true,
    before: [head(200, eventStream), ...[role, hello].map(chunked)],
    rest: [...[there, finish, usage, done].map(chunked), lastChunk],
    sees: 'Hello',
  },
  'before the head of a whole answer': {
    stream: false,
    before: [],
    rest: [head(200, jsonOf(completion)), completion],
    sees: '',
  },
  'in the middle of a whole answer that is held back': {
    stream: false,
    before: [head(200, jsonOf(completion)), completion.slice(0, 60)],
    rest: [completion.slice(60)],
    sees: '',
  },
  'in the middle of a whole answer that comes compressed': {
    stream: false,
    before: [head(200, { ...jsonOf(packed), 'content-encoding': 'gzip' }), packed.subarray(0, 30)],
    rest: [packed.subarray(30)],
    sees: '',
  },
  'in the middle of a whole answer that is long': {
    stream: false,
    before: [longHead, chunked(long.slice(0, 300_000))],
    rest: [chunked(long.slice(300_000)), lastChunk],
    sees: 'xxx',
  },
}

interface Left {
  /** When, on the clock of `performance.now()`. */
  readonly leftMs: number
  readonly traceId: string
}

/** A client comes, has what there is at that moment, and leaves; the provider goes on when the gateway knows. */
async function leaveAt(setup: Setup, moment: Moment, client: keyof typeof clients, rest = moment.rest): Promise<Left> {
  const { trunkline, faulty } = setup
  const atMoment = Promise.withResolvers<void>()
  const known = Promise.withResolvers<void>()
  faulty.script([[...moment.before, () => atMoment.resolve(), until(known.promise), ...rest]])
  const traceId = newTraceId()
  const { seen, leave } = await (clients[client] as (typeof clients)[string])(trunkline, moment.stream, traceId)
  await atMoment.promise
  await eventually(() => expect(seen.text).toContain(moment.sees))
  expect(trunkline.trunkline.running()).toBe(1)
  leave()
  const leftMs = performance.now()
  await eventually(() => expect(trunkline.trunkline.running()).toBe(0))
  known.resolve()
  return { leftMs, traceId }
}

const drain = { 'cancel.mode': 'drain' } as const
const used = { inputUncached: 3, outputText: 2 }

describe('a client leaves', () => {
  let aborting: Setup
  let draining: Setup

  beforeAll(async () => {
    aborting = await setUp()
    draining = await setUp(drain)
  })

  afterAll(async () => {
    await aborting[Symbol.asyncDispose]()
    await draining[Symbol.asyncDispose]()
  })

  for (const client of Object.keys(clients)) {
    for (const [name, moment] of Object.entries(moments)) {
      const httpStatus = moment.sees === '' ? 499 : 200

      test(`${name}, and the provider is told at once: ${client}`, async () => {
        const { leftMs, traceId } = await leaveAt(aborting, moment, client, [hang])
        const closed = await aborting.faulty.requests.at(-1)?.connection.closed
        expect(closed?.by).toBe('client')
        expect((closed?.atMs ?? Number.POSITIVE_INFINITY) - leftMs).toBeLessThan(1_000)
        const view = await traceOf(aborting, traceId)
        expect(callIn(view)).toMatchObject({ status: 'cancelled', detail: { httpStatus } })
        expect(attemptsIn(view)).toMatchObject([
          { status: 'cancelled', detail: { error: { code: 'cancelled' }, usageMissing: 'cancelled' } },
        ])
      })

      test(`${name}, and the answer is read to its end for what it used: ${client}`, async () => {
        const { traceId } = await leaveAt(draining, moment, client)
        const view = await traceOf(draining, traceId)
        expect(callIn(view)).toMatchObject({
          status: 'cancelled',
          detail: { httpStatus, usage: used, finishReason: 'stop' },
        })
        expect(attemptsIn(view)).toMatchObject([{ status: 'cancelled', detail: { usage: used, finishReason: 'stop' } }])
        // What was read to its end leaves its connection for the next call.
        expect(draining.faulty.connections).toHaveLength(1)
      })
    }
  }
})

const raw = 'a socket that breaks'
const middle = moments['in the middle of a stream'] as Moment
describe('an answer that nobody waits for is read on', () => {
  test('for so many bytes', async () => {
    await using setup = await setUp({ ...drain, 'cancel.drain_bytes': '50000' })
    const { traceId } = await leaveAt(setup, middle, raw, [forever(chunked(there), 0)])
    expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
    const view = await traceOf(setup, traceId)
    expect(callIn(view).status).toBe('cancelled')
    const [attempt] = attemptsIn(view)
    expect(attempt).toMatchObject({ status: 'cancelled', detail: { usageMissing: 'cancelled' } })
    expect(attempt?.detail.answerBytes).toBeGreaterThan(50_000)
    // What was on its way in that moment comes on top.
    expect(attempt?.detail.answerBytes).toBeLessThan(500_000)
  })

  test('for so long', async () => {
    await using setup = await setUp({ ...drain, 'cancel.drain_ms': '200' })
    const { leftMs, traceId } = await leaveAt(setup, middle, raw, [forever(chunked(there), 20)])
    const closed = await setup.faulty.requests[0]?.connection.closed
    expect(closed?.by).toBe('client')
    expect((closed?.atMs ?? 0) - leftMs).toBeGreaterThan(190)
    const view = await traceOf(setup, traceId)
    expect(callIn(view).status).toBe('cancelled')
    expect(attemptsIn(view)).toMatchObject([{ status: 'cancelled', detail: { usageMissing: 'cancelled' } }])
  })

  test('no longer than any other', async () => {
    await using setup = await setUp({ ...drain, 'timeouts.idle_ms': '200' })
    const { traceId } = await leaveAt(setup, middle, raw, [hang])
    expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
    expect(callIn(await traceOf(setup, traceId)).status).toBe('cancelled')
  })

  test('before its head too', async () => {
    await using setup = await setUp({ ...drain, 'cancel.drain_ms': '200' })
    const { traceId } = await leaveAt(setup, moments['before the head of a stream'] as Moment, raw, [hang])
    expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
    const view = await traceOf(setup, traceId)
    expect(callIn(view)).toMatchObject({ status: 'cancelled', detail: { httpStatus: 499 } })
    expect(attemptsIn(view)).toMatchObject([{ status: 'cancelled', detail: { usageMissing: 'cancelled' } }])
  })

  test('until the process stops, which waits for none and records it', async () => {
    await using setup = await setUp(drain)
    const { traceId } = await leaveAt(setup, middle, raw, [hang])
    await setup.trunkline.trunkline.stop(60_000)
    expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
    const view = await setup.trunkline.trace(traceId)
    expect(callIn(view)).toMatchObject({ status: 'cancelled', detail: { httpStatus: 200 } })
    expect(attemptsIn(view)).toMatchObject([{ status: 'cancelled', detail: { usageMissing: 'cancelled' } }])
  })

  test("and a refusal that comes then is the provider's, not the call's", async () => {
    await using setup = await setUp(drain)
    const body = JSON.stringify({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } })
    const { traceId } = await leaveAt(setup, moments['before the head of a stream'] as Moment, raw, [
      head(429, jsonOf(body)),
      body,
    ])
    const view = await traceOf(setup, traceId)
    expect(callIn(view)).toMatchObject({ status: 'cancelled', detail: { httpStatus: 499 } })
    expect(attemptsIn(view)).toMatchObject([
      { status: 'error', detail: { httpStatus: 429, error: { code: 'rate_limited' } } },
    ])
  })
})

describe('a client that hangs up at the end mark', () => {
  for (const mode of ['abort', 'drain'] as const) {
    test(`has had its answer, when the provider takes its time after it: ${mode}`, async () => {
      await using setup = await setUp({ 'cancel.mode': mode, 'cancel.drain_ms': '200' })
      const all: Moment = {
        stream: true,
        before: [head(200, eventStream), ...Object.values(events).map(chunked)],
        rest: [hang],
        sees: '[DONE]',
      }
      const { traceId } = await leaveAt(setup, all, raw)
      expect((await setup.faulty.requests[0]?.connection.closed)?.by).toBe('client')
      const view = await traceOf(setup, traceId)
      expect(callIn(view)).toMatchObject({ status: 'ok', detail: { finishReason: 'stop', usage: used } })
      expect(attemptsIn(view)).toMatchObject([{ status: 'ok', detail: { usage: used } }])
    })
  }
})
