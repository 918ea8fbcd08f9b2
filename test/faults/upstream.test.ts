import { once } from 'node:events'
import { constants, createGzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runStep } from '../../src/core/steps.ts'
import type { Frame } from '../../src/http/frames.ts'
import { sseFrames } from '../../src/http/sse.ts'
import {
  chunked,
  completion,
  end,
  event,
  eventStream,
  type Faulty,
  hang,
  head,
  jsonOf,
  lastChunk,
  reset,
  rightAnswer,
  type SeenRequest,
  type Step,
  startFaulty,
  until,
} from '../support/faulty-upstream.ts'
import { type RawAnswer, rawCall } from '../support/raw-http.ts'
import { attemptsIn, startTest, type TestTrunkline } from '../support/trunkline.ts'

interface Pair extends AsyncDisposable {
  readonly faulty: Faulty
  readonly trunkline: TestTrunkline
}

/** A provider that can do wrong, and the Trunkline before it, whose clocks are too long to fire. */
async function startPair(): Promise<Pair> {
  const resources = new AsyncDisposableStack()
  const faulty = resources.use(await startFaulty())
  const trunkline = resources.use(await startTest({ settings: { 'providers.openai.base_url': faulty.url } }))
  return { faulty, trunkline, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** One pair for all tests of a group that leave nothing behind on its connections. */
function sharedPair(): () => Pair {
  let pair: Pair
  beforeAll(async () => {
    pair = await startPair()
  })
  afterAll(() => pair[Symbol.asyncDispose]())
  return () => pair
}

const bodyOf = (fields: object): string => JSON.stringify({ model: 'm', messages: [], ...fields })

const askRaw = ({ trunkline }: Pair, fields: object = {}): Promise<RawAnswer> =>
  rawCall(trunkline.url, { headers: ['Content-Type: application/json'], body: bodyOf(fields) })

const ask = ({ trunkline }: Pair, fields: object = {}): Promise<Response> =>
  fetch(`${trunkline.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(fields),
  })

/** A stream passes as it came; where the client asks for no usage, the gateway does, and takes it out line by line. */
const streams = [
  ['as it came', { stream: true, stream_options: { include_usage: true } }],
  ['line by line', { stream: true }],
] as const

const said = (content: string): string => event({ choices: [{ index: 0, delta: { content } }] })
const [one, two, three] = ['One', ' tẅo', ' three'].map(said) as [string, string, string]

/** What is behind the chunks of a body; the last of them must be there, and nothing after it. */
function dechunked({ bytes }: RawAnswer): string {
  const body = Buffer.from(bytes.slice(bytes.indexOf('\r\n\r\n') + 4), 'latin1')
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, line), 16)
    const start = line + 2
    at = start + size + 2
    expect(body.toString('latin1', start + size, at)).toBe('\r\n')
    if (size === 0) break
    parts.push(body.subarray(start, start + size))
  }
  expect(at).toBe(body.length)
  return Buffer.concat(parts).toString('utf8')
}

const framesIn = (body: string): Frame[] => runStep(sseFrames(), [Buffer.from(body)])

const errorEvent = (code: string): RegExp =>
  new RegExp(
    `^\\n*data: \\{"error":\\{"message":"[^"]+","type":"server_error","param":null,"code":"${code}"\\}\\}\\n\\n$`,
  )

describe('a stream that breaks off', () => {
  const shared = sharedPair()
  const endings: readonly (readonly [name: string, ending: readonly Step[], code: string])[] = [
    ['by a reset', [reset], 'upstream_cut'],
    ['without its last chunk', [end], 'upstream_cut'],
    ['in a chunk', ['ff\r\n', end], 'upstream_cut'],
    ['with a chunk that is none', ['xyz\r\n', hang], 'upstream_invalid'],
  ]
  for (const [mode, fields] of streams) {
    for (const [name, ending, code] of endings) {
      test(`${name}, ${mode}, has every byte that came, then an error, and no [DONE]`, async () => {
        const pair = shared()
        pair.faulty.script([[head(200, eventStream), chunked(one), chunked(two), ...ending]])
        const answer = await askRaw(pair, fields)
        const body = dechunked(answer)
        expect(answer.status).toBe(200)
        expect(body.slice(0, (one + two).length)).toBe(one + two)
        expect(body.slice((one + two).length)).toMatch(errorEvent(code))
      })
    }

    const halves = [
      three.slice(0, -20),
      three.slice(0, -1),
      three.slice(0, -2),
      'data',
      'data: {"choices": [\n',
      'event: x\n',
      ': a comm',
      '\r',
      '\r\n',
    ]
    for (const half of halves) {
      test(`after ${JSON.stringify(half.slice(-12))}, ${mode}, says so in an event of its own`, async () => {
        const pair = shared()
        pair.faulty.script([[head(200, eventStream), chunked(one + two + half), reset]])
        const body = dechunked(await askRaw(pair, fields))
        const frames = framesIn(body)
        expect(frames.slice(0, 2)).toEqual(framesIn(one + two))
        expect(JSON.parse(frames.at(-1)?.data ?? '')).toMatchObject({ error: { code: 'upstream_cut' } })
        expect(frames.length).toBeLessThanOrEqual(4)
        expect(body).not.toContain('[DONE]')
      })
    }

    test(`in the middle of a character, ${mode}, says so in an event of its own`, async () => {
      const pair = shared()
      const bytes = Buffer.from(two)
      const inside = bytes.subarray(0, bytes.indexOf(Buffer.from('ẅ')) + 1)
      pair.faulty.script([[head(200, eventStream), chunked(one), chunked(inside), reset]])
      const frames = framesIn(dechunked(await askRaw(pair, fields)))
      expect(JSON.parse(frames.at(-1)?.data ?? '')).toMatchObject({ error: { code: 'upstream_cut' } })
    })
  }
})

describe('a stream that ends well as HTTP', () => {
  const shared = sharedPair()
  for (const [mode, fields] of streams) {
    for (const last of ['', three.slice(0, -1), three.slice(0, 30), event('[DONE]'), ': bye\n\n']) {
      test(`with ${JSON.stringify(last.slice(0, 20))} at its end, ${mode}, gets nothing added`, async () => {
        const pair = shared()
        pair.faulty.script([[head(200, eventStream), chunked(one + two + last), lastChunk]])
        expect(dechunked(await askRaw(pair, fields))).toBe(one + two + last)
      })
    }
  }
})

describe('the pauses of a provider are those of the client', () => {
  const shared = sharedPair()
  for (const [mode, fields] of streams) {
    for (const encoding of ['identity', 'gzip']) {
      test(`${mode}, ${encoding}`, async () => {
        const pair = shared()
        const written = [one, two, three, event('[DONE]')]
        const heard = written.map(() => Promise.withResolvers<void>())
        const packed = encoding === 'gzip' ? await packedEach(written) : written.map((text) => Buffer.from(text))
        pair.faulty.script([
          [
            head(200, { ...eventStream, 'content-encoding': encoding }),
            ...packed.flatMap((bytes, index) => [
              chunked(bytes),
              until((heard[index] as PromiseWithResolvers<void>).promise),
            ]),
            lastChunk,
          ],
        ])
        const response = await ask(pair, fields)
        let text = ''
        for await (const chunk of response.body as ReadableStream<Uint8Array>) {
          text += Buffer.from(chunk).toString('utf8')
          const index = written.findIndex((_, at) => written.slice(0, at + 1).join('') === text)
          heard[index]?.resolve()
        }
        expect(text).toBe(written.join(''))
      })
    }
  }

  /** Each part packed so that it can be unpacked as soon as it is there; the last has the end with it. */
  async function packedEach(parts: readonly string[]): Promise<Buffer[]> {
    const gzip = createGzip()
    let pieces: Buffer[] = []
    gzip.on('data', (piece: Buffer) => pieces.push(piece))
    const packed: Buffer[] = []
    for (const [index, part] of parts.entries()) {
      gzip.write(part)
      if (index < parts.length - 1)
        await new Promise<void>((resolve) => gzip.flush(constants.Z_SYNC_FLUSH, () => resolve()))
      else await once(gzip.end(), 'end')
      packed.push(Buffer.concat(pieces))
      pieces = []
    }
    return packed
  }
})

describe('hints of a provider reach the client as they are', () => {
  const shared = sharedPair()
  const forms: readonly Record<string, string>[] = [
    { 'retry-after': '7' },
    { 'retry-after': '0.5' },
    { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
    { 'retry-after': 'soon' },
    { 'retry-after': '-1' },
    { 'retry-after-ms': '1500' },
    { 'x-should-retry': 'true' },
    { 'x-should-retry': 'false', 'retry-after': '3', 'retry-after-ms': '3000' },
    { 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-remaining-tokens': '0' },
  ]
  const bodies = {
    'an error as it came': '{"error":{"message":"No.","type":"odd","code":"odd"}}',
    'an error in another form': '<html>No.</html>',
    nothing: '',
  }
  const limit = { message: 'Slow down.', code: 'rate_limit_exceeded' }
  for (const hints of forms) {
    test(JSON.stringify(hints), async () => {
      const pair = shared()
      const answers: readonly (readonly [status: number, body: string, fields: object, type?: string])[] = [
        ...[429, 503, 400, 529].flatMap((status) => Object.values(bodies).map((body) => [status, body, {}] as const)),
        [200, JSON.stringify({ error: limit }), {}],
        [200, event({ error: limit }), { stream: true }, 'text/event-stream'],
      ]
      for (const [status, body, fields, type = 'application/json'] of answers) {
        pair.faulty.script([[head(status, { ...jsonOf(body), 'content-type': type, ...hints }), body]])
        const response = await ask(pair, fields)
        expect(response.status).toBe(status === 200 ? 429 : status)
        const got = Object.fromEntries(Object.keys(hints).map((name) => [name, response.headers.get(name)]))
        expect(got).toEqual(hints)
        expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
      }
    })
  }
})

describe('what comes before an answer', () => {
  const shared = sharedPair()
  for (const status of [301, 302, 303, 307, 308]) {
    test(`a ${status} is not followed`, async () => {
      const pair = shared()
      await using elsewhere = await startFaulty()
      const headers = { location: `${elsewhere.url}/v1/chat/completions`, 'content-length': '0' }
      pair.faulty.script(() => [head(status, headers)])
      const before = pair.faulty.requests.length
      for (const fields of [{}, { stream: true }]) expect((await ask(pair, fields)).status).toBe(502)
      expect(pair.faulty.requests).toHaveLength(before + 2)
      expect(elsewhere.connections).toHaveLength(0)
    })
  }

  for (const status of [102, 103]) {
    test(`a ${status}, even twice, stays with us`, async () => {
      const pair = shared()
      const early = head(status, { link: '</secret>; rel=preload' })
      pair.faulty.script([[early, early, head(200, jsonOf(completion)), completion]])
      const answer = await askRaw(pair)
      expect(answer.bytes.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true)
      expect(answer.bytes).not.toContain('secret')
      expect(answer.body).toBe(completion)
    })
  }
})

describe('a connection that was kept alive', () => {
  /** Each request of a new connection is held until so many are there, so that as many connections are kept. */
  async function warmUp(pair: Pair, connections: number): Promise<void> {
    const allThere = Promise.withResolvers<void>()
    pair.faulty.script((request) => {
      if (pair.faulty.requests.length === connections) allThere.resolve()
      return [until(allThere.promise), ...rightAnswer(request)]
    })
    const answers = await Promise.all(Array.from({ length: connections }, () => ask(pair, { model: 'warm-up' })))
    await Promise.all(answers.map((answer) => answer.text()))
    expect(pair.faulty.connections).toHaveLength(connections)
  }

  const requestsAfter = ({ faulty }: Pair, before: number): readonly SeenRequest[] => faulty.requests.slice(before)

  for (const [name, fault] of [
    ['ends', end],
    ['is reset', reset],
  ] as const) {
    test(`and ${name} when it is used again, is followed by a fresh one, whatever else is kept`, async () => {
      await using pair = await startPair()
      await warmUp(pair, 4)
      pair.faulty.script((request) => (request.number === 1 ? rightAnswer(request) : [fault]))
      const response = await ask(pair, { user: 'Ünïcode and a large body '.repeat(20_000) })
      expect(await response.text()).toBe(completion)
      const requests = requestsAfter(pair, 4)
      expect(requests.map(({ number }) => number)).toEqual([2, 1])
      expect(requests[1]?.body.equals(requests[0]?.body as Buffer)).toBe(true)
      expect(requests[1]?.head).toBe(requests[0]?.head)
      const view = await pair.trunkline.trace(response.headers.get('x-trace-id'))
      expect(view.trace).toMatchObject({ status: 'ok', httpStatus: 200 })
      expect(attemptsIn(view).map(({ status }) => status)).toEqual(['ok'])
    })

    test(`and ${name} as does the fresh one after it, is not followed by a third`, async () => {
      await using pair = await startPair()
      await warmUp(pair, 4)
      pair.faulty.script(() => [fault])
      const response = await ask(pair)
      expect(response.status).toBe(502)
      expect(await response.json()).toMatchObject({ error: { code: 'upstream_cut' } })
      expect(requestsAfter(pair, 4).map(({ number }) => number)).toEqual([2, 1])
    })

    test(`and ${name} after one byte of an answer, is not followed by another`, async () => {
      await using pair = await startPair()
      await warmUp(pair, 1)
      pair.faulty.script(() => ['H', fault])
      expect((await ask(pair)).status).toBe(502)
      expect(requestsAfter(pair, 1)).toHaveLength(1)
    })

    test(`and ${name} right after each answer, costs no call`, async () => {
      await using pair = await startPair()
      pair.faulty.script((request) => [...rightAnswer(request), fault])
      for (let turn = 0; turn < 30; turn++) {
        const response = await ask(pair, { model: `turn-${turn}`, stream: turn % 2 === 1 })
        expect([response.status, (await response.text()).length > 100]).toEqual([200, true])
      }
      const perTurn = Map.groupBy(pair.faulty.requests, ({ asks }) => asks.model)
      expect(perTurn.size).toBe(30)
      for (const requests of perTurn.values()) expect(requests.length).toBeLessThanOrEqual(2)
    })
  }

  test('is not used again after "connection: close"', async () => {
    await using pair = await startPair()
    pair.faulty.script(() => [head(200, { ...jsonOf(completion), connection: 'close' }), completion])
    for (let turn = 0; turn < 3; turn++) expect(await (await ask(pair)).text()).toBe(completion)
    expect(pair.faulty.requests.map(({ number }) => number)).toEqual([1, 1, 1])
    for (const { closed } of pair.faulty.connections) expect(await closed).toMatchObject({ by: 'client' })
  })

  test('is used again after a stream and after a refusal', async () => {
    await using pair = await startPair()
    pair.faulty.script([
      rightAnswerTo({ stream: true }),
      [head(429, jsonOf('{}')), '{}'],
      rightAnswerTo({ stream: false }),
    ])
    const statuses: number[] = []
    for (const fields of [{ stream: true }, {}, {}]) {
      const response = await ask(pair, fields)
      await response.text()
      statuses.push(response.status)
    }
    expect(statuses).toEqual([200, 429, 200])
    expect(pair.faulty.connections).toHaveLength(1)
  })

  const rightAnswerTo = (asks: SeenRequest['asks']): readonly Step[] => rightAnswer({ asks } as SeenRequest)
})
