import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apis,
  type Exchange,
  index,
  load,
  noRecordings,
  providers,
  recordingsFolder,
  responseBytes,
  responseChunks,
} from './recordings.ts'
import { askedOf, decoded, differences, documentedEdits, type Edit, isEqual } from './replay-compare.ts'
import { type Cut, pieces } from './replay-cut.ts'
import { type ReplayUpstream, startReplayUpstream } from './replay-upstream.ts'

const folder = recordingsFolder()
if (!folder) console.warn(`The tests of recorded traffic are skipped: ${noRecordings}.`)
const recorded = describe.skipIf(!folder)
if (!folder) test.skip(`recorded traffic: ${noRecordings}`)

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
}

async function send(url: string, { request }: Exchange, body: unknown = request.body, headers = {}): Promise<Answer> {
  const answer = await fetch(url, {
    method: request.method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  return { status: answer.status, headers: answer.headers, bytes }
}

const urlOf = (upstream: ReplayUpstream, { request: { host, path, query } }: Exchange) =>
  `${upstream.url}/${host}${path}${query === '' ? '' : `?${query}`}`

const ask = (upstream: ReplayUpstream, exchange: Exchange, body?: unknown, headers?: object) =>
  send(urlOf(upstream, exchange), exchange, body, headers)

const errorOf = ({ bytes }: Answer) => JSON.parse(bytes.toString()).error

const first = (wanted: (exchange: Exchange) => boolean, api = 'openai.chat'): Exchange => {
  const row = index().find((row) => row.api === api && row.evidence === 'recorded' && wanted(load(row.id)))
  if (!row) throw new Error(`No recording of ${api} is like that.`)
  return load(row.id)
}

const ofOpenai = (wanted: (exchange: Exchange) => boolean) =>
  first((exchange) => exchange.provider === 'openai' && exchange.response.status === 200 && wanted(exchange))
const aStream = () => ofOpenai(({ streaming, features }) => streaming && features.includes('non-ascii'))
const aWholeAnswer = () => ofOpenai(({ streaming, session }) => !streaming && session.count === 1)

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  )
}

/** An exchange of nobody's, for what no recording shows. */
const made = (id: string, { status = 200, position = 0, session = id, body = {} } = {}): Exchange => ({
  format: 1,
  id,
  evidence: 'constructed',
  provider: 'openai',
  api: 'openai.chat',
  model: 'gpt-4o',
  streaming: false,
  features: [],
  scenario: 'made',
  session: { id: session, index: position, position, count: 1 },
  source: { repo: null, licence: null, note: 'made by a test' },
  request: {
    method: 'POST',
    host: 'api.openai.com',
    path: '/v1/chat/completions',
    query: '',
    headers: {},
    body: { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }], ...body },
  },
  response: { status, headers: { 'content-type': 'application/json' }, body: { id } },
})

recorded('the recordings', () => {
  test('are the files that the index describes', () => {
    const rows = index()
    expect(rows.length).toBeGreaterThan(1000)
    for (const row of rows) {
      const bytes = readFileSync(join(folder ?? '', row.file))
      expect(createHash('sha256').update(bytes).digest('hex'), row.file).toBe(row.sha256)
    }
  })

  test('are of known providers and formats, and their paths end as the table of formats says', () => {
    for (const row of index()) {
      expect(providers, row.id).toContain(row.provider)
      expect(decoded(load(row.id).request.path), row.id).toMatch(apis[row.api])
      expect(row).toMatchObject({ session: load(row.id).session.id, status: load(row.id).response.status })
    }
  })

  test('have no path whose first segment could be taken for a host', () => {
    const likeHosts = index().filter(({ id }) => /^\/(id\/|[^/]*[.:])/.test(load(id).request.path))
    expect(likeHosts).toEqual([])
  })
})

recorded('a recorded request', () => {
  // Several recordings of one request are all given, each once, before any is given again.
  const asked = () =>
    index()
      .map(({ id }) => load(id))
      .filter(({ request }) => request.body !== null)

  test('of every format is answered with the recorded status, headers and bytes', { timeout: 60_000 }, async () => {
    await using upstream = await startReplayUpstream()
    for (const exchange of asked()) {
      const answer = await ask(upstream, exchange)
      const served = load(upstream.seen.at(-1)?.recording ?? exchange.id)
      expect(upstream.unmatched.at(-1), exchange.id).toBeUndefined()
      expect(isEqual(askedOf(exchange), askedOf(served)), exchange.id).toBe(true)
      expect(answer.status, exchange.id).toBe(served.response.status)
      expect(answer.bytes.equals(responseBytes(served)), exchange.id).toBe(true)
      const headers = Object.entries(served.response.headers).filter(([, value]) => value !== '**REDACTED**')
      expect(headers.filter(([name, value]) => answer.headers.get(name) !== value)).toEqual([])
      expect(answer.headers.get('content-type'), exchange.id).toMatch(/^[a-z]+\/[a-z.-]+/)
    }
    expect(new Set(upstream.seen.map(({ recording }) => recording))).toEqual(new Set(asked().map(({ id }) => id)))
  })

  test('that is a GET needs no body', async () => {
    const models = first(({ request }) => request.host === 'api.openai.com', 'models')
    await using upstream = await startReplayUpstream()
    expect((await ask(upstream, models)).bytes).toEqual(responseBytes(models))
  })

  test('may have its keys in any order', async () => {
    const exchange = aWholeAnswer()
    await using upstream = await startReplayUpstream()
    expect((await ask(upstream, exchange, reversed(exchange.request.body))).bytes).toEqual(responseBytes(exchange))
  })

  test('may name another model, in the body or in the path', async () => {
    await using upstream = await startReplayUpstream()
    const chat = aWholeAnswer()
    await ask(upstream, chat, { ...chat.request.body, model: 'another-model' })
    const inPath = [
      first(() => true, 'gemini.generateContent'),
      first(() => true, 'bedrock.converse'),
      first(({ request }) => request.path.includes('/deployments/'), 'openai.embeddings'),
    ]
    for (const exchange of inPath) {
      const path = exchange.request.path.replace(/(?<=\/(models?|deployments)\/)[^/:]+(%3A\d)?/, 'another-model')
      const { request } = exchange
      expect(path).not.toBe(request.path)
      await ask(upstream, { ...exchange, request: { ...request, path } })
      expect(isEqual(load(upstream.seen.at(-1)?.recording ?? '').request.body, request.body), exchange.id).toBe(true)
    }
    expect(upstream.unmatched).toEqual([])
  })

  test('may have include_usage added to a stream, but what the recording says must stay', async () => {
    const silent = first(({ request }) => request.body?.stream === true && !('stream_options' in request.body))
    const asking = first(({ request }) => isEqual(request.body?.stream_options, { include_usage: true }))
    await using upstream = await startReplayUpstream()

    const added = { ...silent.request.body, stream_options: { include_usage: true } }
    expect((await ask(upstream, silent, added)).bytes).toEqual(responseBytes(silent))

    const { stream_options: _, ...dropped } = asking.request.body ?? {}
    expect(errorOf(await ask(upstream, asking, dropped))).toMatchObject({
      nearest: asking.id,
      difference: [{ path: 'body.stream_options', expected: '{"include_usage":true}', got: '(absent)' }],
    })
    const refused = { ...asking.request.body, stream_options: { include_usage: false } }
    expect((await ask(upstream, asking, refused)).status).toBe(599)
  })

  test('may carry any credential, in a header or in the query', async () => {
    const exchange = first(({ request }) => request.query === 'alt=sse', 'gemini.streamGenerateContent')
    await using upstream = await startReplayUpstream()
    const answer = await send(`${urlOf(upstream, exchange)}&key=secret`, exchange, undefined, {
      'x-goog-api-key': 'other',
    })
    expect(answer.bytes).toEqual(responseBytes(exchange))
    expect(upstream.seen[0]?.headers['x-goog-api-key']).toBe('other')
    const withoutAlt = await send(urlOf(upstream, exchange).replace('?alt=sse', ''), exchange)
    expect(errorOf(withoutAlt).difference).toEqual([{ path: 'query.alt', expected: '"sse"', got: '(absent)' }])
  })

  test('may have its colons escaped or not', async () => {
    const exchange = first(({ request }) => request.path.includes('%3A'), 'bedrock.converse')
    await using upstream = await startReplayUpstream()
    expect((await send(urlOf(upstream, exchange).replace('%3A', ':'), exchange)).bytes).toEqual(responseBytes(exchange))
    expect(upstream.seen[0]?.path).toContain(':0/converse')
  })

  test('reaches any host without the host segment, and only the named one with it', async () => {
    const exchange = aWholeAnswer()
    await using upstream = await startReplayUpstream()
    expect((await send(`${upstream.url}${exchange.request.path}`, exchange)).bytes).toEqual(responseBytes(exchange))
    const elsewhere = await send(`${upstream.url}/api.example.com${exchange.request.path}`, exchange)
    expect(errorOf(elsewhere).difference).toMatchObject([{ path: 'host', got: '"api.example.com"' }])
  })

  test('is reached by the base URL of each host', async () => {
    await using upstream = await startReplayUpstream()
    const hosts = new Map(
      index()
        .filter(({ api, evidence }) => api === 'openai.chat' && evidence === 'recorded')
        .map(({ id }) => [`${load(id).request.host}${load(id).request.path}`, load(id)]),
    )
    for (const exchange of hosts.values()) {
      const base = upstream.baseUrlFor(exchange, '/chat/completions')
      const { query } = exchange.request
      await send(`${base}/chat/completions${query && `?${query}`}`, exchange)
      expect(upstream.unmatched, exchange.id).toEqual([])
    }
    expect(hosts.size).toBeGreaterThan(20)
    expect(() => upstream.baseUrlFor(aWholeAnswer(), '/messages')).toThrow('does not end with /messages')
  })

  test('may be edited in further ways that a test allows', async () => {
    const exchange = aWholeAnswer()
    const marker: Edit = (arrived) => {
      const { marker: _, ...body } = arrived.body as Record<string, unknown>
      return { ...arrived, body }
    }
    await using upstream = await startReplayUpstream({ edits: [...documentedEdits, marker] })
    expect((await ask(upstream, exchange, { ...exchange.request.body, marker: 1 })).status).toBe(200)
  })
})

recorded('a request that was not recorded', () => {
  test('gets 599 with the nearest recording and where it differs', async () => {
    const exchange = first(({ request }) => Array.isArray(request.body?.messages) && request.body.messages.length > 2)
    const body = structuredClone(exchange.request.body) as { messages: { content: unknown }[] }
    const message = body.messages[1]
    if (message) message.content = 'Something else'
    await using upstream = await startReplayUpstream()

    const answer = await ask(upstream, exchange, body)

    expect(answer.status).toBe(599)
    expect(errorOf(answer)).toMatchObject({
      nearest: exchange.id,
      difference: [{ path: 'body.messages[1].content', got: '"Something else"' }],
    })
    expect(upstream.unmatched).toMatchObject([{ nearest: exchange.id, request: { status: 599 } }])
    expect(upstream.seen[0]).toMatchObject({ body, status: 599 })
    expect(upstream.seen[0]?.recording).toBeUndefined()
  })

  test('at an unknown path still hears of the nearest one', async () => {
    const exchange = aWholeAnswer()
    await using upstream = await startReplayUpstream()
    const answer = await send(`${upstream.url}/v9/unheard-of`, exchange)
    expect(errorOf(answer)).toMatchObject({ difference: [{ path: 'path', got: '"/v9/unheard-of"' }] })
  })

  test('or whose body is no JSON gets 599 as well', async () => {
    await using upstream = await startReplayUpstream()
    const answer = await fetch(`${upstream.url}/v1/chat/completions`, { method: 'POST', body: 'model=x' })
    expect(answer.status).toBe(599)
    await answer.arrayBuffer()
    expect(upstream.seen[0]?.bytes.toString()).toBe('model=x')
  })

  test('is not answered with a recording that is not served', async () => {
    const exchange = aWholeAnswer()
    await using upstream = await startReplayUpstream({
      exchanges: (row) => row.provider === 'groq' && row.id !== exchange.id,
    })
    expect((await send(`${upstream.url}/v1/chat/completions`, exchange)).status).toBe(599)
    expect(errorOf(await ask(upstream, exchange, undefined, { 'x-recording-id': exchange.id })).message).toContain(
      'among those served',
    )
  })
})

describe('an edited request', () => {
  test('gets the recording of its own model before that of another', async () => {
    const of = (model: string) => made(`of-${model}`, { body: { model } })
    await using upstream = await startReplayUpstream({ exchanges: [of('a'), of('b'), of('c')] })
    for (const model of ['b', 'c', 'b', 'a']) await ask(upstream, of(model))
    expect(upstream.seen.map(({ recording }) => recording)).toEqual(['of-b', 'of-c', 'of-b', 'of-a'])
  })

  test('may have include_usage added beside other stream options', async () => {
    const plain = made('plain', { body: { stream: true, stream_options: { include_obfuscation: false } } })
    await using upstream = await startReplayUpstream({ exchanges: [plain] })
    const options = { include_obfuscation: false, include_usage: true }
    expect((await ask(upstream, plain, { ...plain.request.body, stream_options: options })).status).toBe(200)
  })
})

describe('one request with several answers', () => {
  const answers = async (exchanges: readonly Exchange[], asks: readonly Exchange[]) => {
    await using upstream = await startReplayUpstream({ exchanges })
    for (const exchange of asks) await ask(upstream, exchange)
    return upstream.seen.map(({ recording }) => recording)
  }

  test('gets them in the order of its session, and then from the start again', async () => {
    const turn = (position: number) => made(`turn-${position}`, { session: 's', position })
    const asks = [turn(0), turn(0), turn(0), turn(0)]
    expect(await answers([turn(0), turn(1), turn(2)], asks)).toEqual(['turn-0', 'turn-1', 'turn-2', 'turn-0'])
  })

  test('goes on with the session under way, whatever another session has for it', async () => {
    const hello = { messages: [{ role: 'user', content: 'And now?' }] }
    const start = made('start', { session: 's', position: 0, body: hello })
    const other = made('other', { session: 't', position: 0 })
    const next = made('next', { session: 's', position: 1 })
    expect(await answers([start, other, next], [start, next, next])).toEqual(['start', 'next', 'other'])
  })

  test.skipIf(!folder)('works for a recorded session whose second call is a repetition', async () => {
    const ids = index()
      .filter(
        ({ scenario, provider }) => provider === 'openai' && scenario.endsWith('test_openai_chat_prompt_cache_e2e'),
      )
      .map(({ id }) => id)
    expect(ids).toHaveLength(2)
    expect(await answers(ids.map(load), [load(ids[0] ?? ''), load(ids[0] ?? '')])).toEqual(ids)
  })
})

recorded('a recording asked for by its id', () => {
  const constructed = () => load('openai-constructed-500')
  const forms: Record<string, (upstream: ReplayUpstream) => [url: string, headers: Record<string, string>]> = {
    'x-recording-id': (upstream) => [urlOf(upstream, constructed()), { 'x-recording-id': constructed().id }],
    'a bearer token': (upstream) => [
      urlOf(upstream, constructed()),
      { authorization: `Bearer recording:${constructed().id}` },
    ],
    'x-api-key': (upstream) => [urlOf(upstream, constructed()), { 'x-api-key': `recording:${constructed().id}` }],
    'api-key': (upstream) => [urlOf(upstream, constructed()), { 'api-key': `recording:${constructed().id}` }],
    'x-goog-api-key': (upstream) => [
      urlOf(upstream, constructed()),
      { 'x-goog-api-key': `recording:${constructed().id}` },
    ],
    'an AWS signature': (upstream) => [
      urlOf(upstream, constructed()),
      {
        authorization: `AWS4-HMAC-SHA256 Credential=recording:${constructed().id}/20260101/us-east-1/bedrock/aws4_request`,
      },
    ],
    'a query key': (upstream) => [`${urlOf(upstream, constructed())}?key=recording:${constructed().id}`, {}],
    'the path, with its host': (upstream) => [
      `${upstream.baseUrlFor(constructed(), '/chat/completions', { byId: true })}/chat/completions`,
      {},
    ],
    'the path, with anything behind it': (upstream) => [`${upstream.url}/id/${constructed().id}/any/thing`, {}],
  }

  test.each(Object.entries(forms))('in %s is served', async (_, form) => {
    await using upstream = await startReplayUpstream()
    const [url, headers] = form(upstream)
    const answer = await send(url, constructed(), undefined, headers)
    expect(upstream.unmatched).toEqual([])
    expect(upstream.seen[0]?.recording).toBe(constructed().id)
    expect(answer).toMatchObject({ status: 500, bytes: responseBytes(constructed()) })
  })

  test('wins over whatever else the request would match', async () => {
    await using upstream = await startReplayUpstream()
    const [quota, limit] = [load('openai-constructed-429-quota'), load('openai-constructed-429-rate-limit')]
    const headers = { 'x-recording-id': limit.id, authorization: `Bearer recording:${quota.id}` }
    await ask(upstream, limit, undefined, headers)
    expect(upstream.seen[0]?.recording).toBe(limit.id)
  })

  test('is the only way to a response whose request nobody kept', async () => {
    const exchange = load(index().find(({ evidence }) => evidence === 'response-only')?.id ?? '')
    await using upstream = await startReplayUpstream()
    const body = { model: exchange.model, messages: [] }
    expect((await ask(upstream, exchange, body)).status).toBe(599)
    const answer = await ask(upstream, exchange, body, { 'x-recording-id': exchange.id })
    expect(answer.bytes).toEqual(responseBytes(exchange))
  })

  test('says where the request differs, unless the upstream is not strict', async () => {
    const exchange = aWholeAnswer()
    const [body, headers] = [{ ...exchange.request.body, extra: true }, { 'x-recording-id': exchange.id }]
    await using strict = await startReplayUpstream()
    expect(errorOf(await ask(strict, exchange, body, headers))).toMatchObject({
      nearest: exchange.id,
      difference: [{ path: 'body.extra', expected: '(absent)', got: 'true' }],
    })
    await using lenient = await startReplayUpstream({ strict: false })
    expect((await ask(lenient, exchange, body, headers)).bytes).toEqual(responseBytes(exchange))
  })
})

recorded('the bytes of a body', () => {
  const cuts: Cut[] = ['event', 'whole', 'byte', 7, 1000, { seed: 1 }, { seed: 2 }]

  test.each(cuts)('are the same with cut %j', async (cut) => {
    const frames = first(({ streaming }) => streaming, 'bedrock.converse-stream')
    await using upstream = await startReplayUpstream({ cut })
    for (const exchange of [aStream(), aWholeAnswer(), frames]) {
      const answer = await ask(upstream, exchange)
      expect(answer.bytes.equals(responseBytes(exchange)), exchange.id).toBe(true)
    }
  })

  test('come as one HTTP chunk for each piece', async () => {
    const exchange = aStream()
    for (const cut of ['event', 'byte', 100, { seed: 3 }] satisfies Cut[]) {
      await using upstream = await startReplayUpstream({ cut })
      const sizes = [...pieces(responseChunks(exchange), cut)].map(({ length }) => length)
      expect(chunkSizes(await wire(upstream, exchange))).toEqual(sizes)
    }
  })

  test('come chunked for a stream and with their length for a whole answer', async () => {
    await using upstream = await startReplayUpstream({ cut: 50 })
    const [stream, whole] = [aStream(), aWholeAnswer()]
    const heads = [await wire(upstream, stream), await wire(upstream, whole)].map((bytes) =>
      bytes.toString('latin1').split('\r\n\r\n')[0]?.toLowerCase(),
    )
    expect(heads[0]).toContain('transfer-encoding: chunked')
    expect(heads[0]).not.toContain('content-length')
    expect(heads[1]).toContain(`content-length: ${responseBytes(whole).length}`)
    expect(heads[1]).not.toContain('transfer-encoding')
  })
})

describe('a client', () => {
  test('that reads slowly holds the upstream back', async () => {
    const size = 32 << 20
    const long: Exchange = { ...made('long'), response: { status: 200, headers: {}, text: 'x'.repeat(size) } }
    let written = 0
    await using upstream = await startReplayUpstream({
      exchanges: [long, made('short')],
      cut: 1 << 20,
      beforeWrite: ({ recording }, bytes) => {
        if (recording === 'long') written = bytes
      },
    })
    const client = request(`${upstream.url}/id/long/`, { method: 'POST' })
    const answered = new Promise<IncomingMessage>((resolve) => client.once('response', resolve))
    client.end(JSON.stringify(long.request.body))
    const answer = await answered

    // Many other calls come and go, more than there are pieces, while nobody reads this one.
    for (let call = 0; call < 100; call++) {
      await send(`${upstream.url}/id/short/`, made('short'))
    }

    expect(written).toBeLessThan(size - (1 << 20))
    let read = 0
    for await (const part of answer) read += (part as Buffer).length
    expect(read).toBe(size)
  })

  test('that leaves in the middle is noticed, and the rest is not sent', async () => {
    const chunks = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']
    const stream: Exchange = {
      ...made('stream', { body: { stream: true } }),
      streaming: true,
      response: { status: 200, headers: {}, encoding: 'utf8', chunks, framing: 'constructed' },
    }
    const offsets: number[] = []
    await using upstream = await startReplayUpstream({
      exchanges: [stream],
      // Holds the stream open behind its first event, for good: only the client can end it.
      beforeWrite: (_, written) => {
        offsets.push(written)
        return written === 0 ? undefined : new Promise(() => {})
      },
    })
    const client = new AbortController()
    const answer = await fetch(urlOf(upstream, stream), {
      method: 'POST',
      body: JSON.stringify(stream.request.body),
      signal: client.signal,
    })
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(chunks[0])
    expect(upstream.seen[0]?.aborted).toBe(false)

    client.abort()
    await upstream.idle()

    expect(upstream.seen).toMatchObject([{ recording: 'stream', aborted: true }])
    expect(offsets).toEqual([0, 9])
  })

  test('that stays is not reported as gone', async () => {
    const exchange = made('calm')
    await using upstream = await startReplayUpstream({ exchanges: [exchange] })
    await ask(upstream, exchange)
    await upstream.idle()
    expect(upstream.seen).toMatchObject([{ recording: 'calm', aborted: false, status: 200 }])
  })

  test('that leaves before its body is complete is seen as well', async () => {
    await using upstream = await startReplayUpstream({ exchanges: [made('calm')] })
    const { port, hostname } = new URL(upstream.url)
    const socket = connect(Number(port), hostname)
    const reached = new Promise((resolve) => socket.once('data', resolve))
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n{',
    )
    await reached
    socket.destroy()
    await upstream.idle()
    expect(upstream.seen).toMatchObject([
      { aborted: true, recording: undefined, status: undefined, bytes: Buffer.from('{') },
    ])
    expect(upstream.unmatched).toEqual([])
  })

  test('that is still connected does not keep the upstream from closing', async () => {
    const held = made('held')
    const upstream = await startReplayUpstream({ exchanges: [held], beforeWrite: () => new Promise(() => {}) })
    const failed = fetch(urlOf(upstream, held), { method: 'POST', body: JSON.stringify(held.request.body) }).catch(
      () => 'cut off',
    )
    await new Promise<void>((resolve) =>
      get(`${upstream.url}/v1/models`, (answer) => answer.resume().once('end', resolve)),
    )
    await upstream.close()
    expect(await failed).toBe('cut off')
  })
})

describe('pieces', () => {
  test('joined are the whole, however it is cut', () => {
    const cut = fc.oneof(
      fc.constantFrom<Cut>('event', 'whole', 'byte'),
      fc.integer({ min: 1, max: 300 }),
      fc.record({ seed: fc.integer() }),
    )
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), cut, (chunks, cut) => {
        const cutUp = [...pieces(chunks, cut)]
        expect(cutUp.every(({ length }) => length > 0)).toBe(true)
        expect(Buffer.concat(cutUp)).toEqual(Buffer.concat(chunks))
        expect([...pieces(chunks, cut)]).toEqual(cutUp)
      }),
    )
  })

  test('of no bytes do not exist', () => {
    expect(() => pieces([], 0)).toThrow(RangeError)
  })
})

describe('differences', () => {
  test('are none between a value and itself with its keys turned round', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect([...differences(value, reversed(structuredClone(value)))]).toEqual([])
      }),
    )
  })

  test('name each place and show the part of a long text that differs', () => {
    const expected = { a: [1, { b: 'x' }], long: `${'y'.repeat(500)}end`, 'odd key': null, gone: [] }
    const got = { a: [1, { b: 'z' }, 3], long: `${'y'.repeat(500)}stop`, 'odd key': 0 }
    expect([...differences(expected, got)]).toEqual([
      { path: 'a[1].b', expected: '"x"', got: '"z"' },
      { path: 'a[2]', expected: '(absent)', got: '3' },
      {
        path: 'long',
        expected: `(480 characters)…"${'y'.repeat(20)}end"`,
        got: `(480 characters)…"${'y'.repeat(20)}stop"`,
      },
      { path: '["odd key"]', expected: 'null', got: '0' },
      { path: 'gone', expected: '[]', got: '(absent)' },
    ])
  })
})

/** All that comes over the socket for one request, as it is on the wire. */
async function wire(upstream: ReplayUpstream, { request }: Exchange): Promise<Buffer> {
  const { port, hostname } = new URL(upstream.url)
  const socket = connect(Number(port), hostname)
  const body = Buffer.from(JSON.stringify(request.body))
  const head = `${request.method} /${request.host}${request.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n`
  socket.write(`${head}content-length: ${body.length}\r\n\r\n`)
  socket.write(body)
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function chunkSizes(bytes: Buffer): readonly number[] {
  const sizes: number[] = []
  for (let at = bytes.indexOf('\r\n\r\n') + 4; ; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    if (size === 0) return sizes
    sizes.push(size)
    at = end + 2 + size + 2
  }
}
