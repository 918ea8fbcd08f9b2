import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../src/core/error.ts'
import { type MadeAnswer, startAnswering } from '../support/answering.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

const chat = { model: 'some-model', messages: [{ role: 'user', content: 'Hello there' }] }

const post = (url: string, body: object = chat): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const pointedAt = (baseUrl: string): Promise<TestTrunkline> =>
  startTest({ settings: { 'providers.openai.base_url': baseUrl, 'providers.openai.api_key': 'sk-test' } })

interface Told {
  readonly status: number
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

async function told(response: Response): Promise<Told> {
  expect(response.headers.get('content-type')).toBe('application/json')
  const { error } = (await response.json()) as Told
  return { status: response.status, error }
}

const written = (value: unknown): string => JSON.stringify(value)
const problem = { message: 'No such thing.', type: 'invalid_request_error', param: 'thing', code: 'no_thing' }

describe("an error that is OpenAI's already passes byte for byte", () => {
  for (const [name, status, body] of [
    ['with all fields', 400, written({ error: problem })],
    ['with null where there is nothing', 500, written({ error: { ...problem, param: null, code: null } })],
    ['with a type only', 404, '{"error":{"message":"No such model.","type":"invalid_request_error"}}'],
    ['with a code only', 401, '{"error":{"code":"401","message":"Access denied."}}'],
    [
      'with fields that only its host knows',
      400,
      `{ "error": ${written({ ...problem, failed_generation: '<x>' })},\n "extra": 1 }`,
    ],
    ['with a status that only its host knows', 498, written({ error: problem })],
    ['in a strange layout', 422, `\n{"error":\t${written(problem)} }\n`],
  ] as const) {
    test(name, async () => {
      await using upstream = await startAnswering({ status, body })
      await using trunkline = await pointedAt(upstream.url)
      const response = await post(trunkline.url)
      expect([response.status, await response.text()]).toEqual([status, body])
      const { trace, spans } = await trunkline.trace(response.headers.get('x-trace-id'))
      expect(trace).toMatchObject({ status: 'error', httpStatus: status })
      expect(spans.map(({ detail }) => detail.error?.message)).toEqual([
        JSON.parse(body).error.message,
        JSON.parse(body).error.message,
      ])
    })
  }
})

describe("an error in another shape becomes OpenAI's, with the provider's words and status", () => {
  const html = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'
  const validation = { detail: [{ loc: ['body', 'model'], msg: 'field required', type: 'value_error.missing' }] }
  const cases: readonly (MadeAnswer & {
    name: string
    message: string
    code?: string
    type?: string
    told?: number
  })[] = [
    {
      name: "FastAPI's detail",
      status: 401,
      body: written({ detail: 'Invalid API Key' }),
      message: 'Invalid API Key',
      code: 'invalid_api_key',
    },
    {
      name: "FastAPI's list of what is missing",
      status: 422,
      body: written(validation),
      message: 'field required',
      code: 'bad_request',
    },
    { name: 'a message on the outside', status: 404, body: written({ message: 'Not here.' }), message: 'Not here.' },
    { name: 'an error that is a text', status: 403, body: written({ error: 'Not for you.' }), message: 'Not for you.' },
    { name: 'a bare string', status: 400, body: '"Just no."', message: 'Just no.', code: 'bad_request' },
    {
      name: 'a list of one',
      status: 400,
      body: written([{ error: { code: 400, message: 'One of one.' } }]),
      message: 'One of one.',
    },
    {
      name: 'a number as code',
      status: 429,
      body: written({ error: { code: 429, message: 'Busy.' } }),
      message: 'Busy.',
      code: 'rate_limit_exceeded',
    },
    {
      name: 'HTML',
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: html,
      message: '502 Bad Gateway',
      code: 'upstream_error',
    },
    {
      name: 'plain text',
      status: 503,
      headers: { 'content-type': 'text/plain' },
      body: 'upstream gone',
      message: 'upstream gone',
    },
    { name: 'nothing', status: 500, headers: {}, body: '', message: 'gave no reason', code: 'upstream_error' },
    { name: 'an empty object', status: 400, body: '{}', message: '{}' },
    { name: 'an empty list', status: 400, body: '[]', message: '[]' },
    { name: 'null', status: 400, body: 'null', message: 'null' },
    { name: 'an error that is null', status: 400, body: '{"error":null}', message: 'null' },
    { name: 'an error that is a list', status: 400, body: '{"error":["a","b"]}', message: '["a","b"]' },
    {
      name: 'a message that is an object',
      status: 400,
      body: written({ error: { message: { en: 'No.' } } }),
      message: 'No.',
    },
    { name: 'bytes', status: 500, body: Buffer.from([0xff, 0x00, 0xfe]), message: 'cannot be read' },
    {
      name: 'a packed body that nobody asked for',
      status: 400,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(written({ detail: 'Packed.' })),
      message: 'Packed.',
    },
    {
      name: 'a hundred pages',
      status: 400,
      headers: { 'content-type': 'text/plain' },
      body: 'x'.repeat(300_000),
      message: '…',
    },
    { name: 'a status that HTTP does not know', status: 599, body: written({ detail: 'Odd.' }), message: 'Odd.' },
    {
      name: 'a bad key as 400, as xAI has it',
      status: 400,
      body: written({
        code: 'Client specified an invalid argument',
        error: 'Incorrect API key provided: sk***st. You can obtain an API key from https://console.x.ai.',
      }),
      told: 401,
      message: 'Incorrect API key provided',
    },
    {
      name: 'a bad key as 400, as Google has it',
      status: 400,
      body: written([
        {
          error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
        },
      ]),
      told: 401,
      message: 'API key not valid',
      code: 'invalid_api_key',
      type: 'authentication_error',
    },
    {
      name: 'a prompt that is too long',
      status: 400,
      body: written({ error: { code: 400, message: "This endpoint's maximum context length is 200 tokens." } }),
      message: 'maximum context length is 200',
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
    },
    {
      name: 'no money',
      status: 402,
      body: written({ error: { message: 'Insufficient credits', code: 402 } }),
      message: 'Insufficient credits',
      code: 'insufficient_quota',
    },
  ]
  for (const { name, message, code, type, told: toldStatus, ...made } of cases) {
    test(name, async () => {
      await using upstream = await startAnswering(made)
      await using trunkline = await pointedAt(upstream.url)
      const response = await post(trunkline.url)
      expect(response.headers.get('content-encoding')).toBeNull()
      const { status, error } = await told(response)
      expect(status).toBe(toldStatus ?? made.status)
      expect(error.message).toContain(message)
      expect(error.message.length).toBeLessThan(600)
      expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'type'])
      if (code !== undefined) expect(error.code).toBe(code)
      if (type !== undefined) expect(error.type).toBe(type)
      const { spans } = await trunkline.trace(response.headers.get('x-trace-id'))
      expect(spans.map(({ detail }) => [detail.httpStatus, detail.error?.message])).toEqual([
        [status, error.message],
        [made.status, error.message],
      ])
    })
  }
})

describe('an answer that is none is a 502 that says where to look', () => {
  for (const [name, made] of [
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/steal' }, body: '' }],
    ['a permanent redirect', { status: 308, headers: { location: '/elsewhere' }, body: 'Moved.' }],
    ['"not modified"', { status: 304, headers: {}, body: '' }],
    ['a status beyond all classes', { status: 700, headers: {}, body: 'What?' }],
  ] as const) {
    test(name, async () => {
      await using upstream = await startAnswering(made)
      await using trunkline = await pointedAt(upstream.url)
      const response = await post(trunkline.url)
      expect(response.headers.get('location')).toBeNull()
      const { status, error } = await told(response)
      expect([status, error.code]).toEqual([502, 'upstream_invalid'])
      expect(error.message).toContain(String(made.status))
      expect(error.message).toContain('base URL')
      expect(upstream.asked).toHaveLength(1)
    })
  }

  /** A port where somebody listens who is no HTTP server. */
  async function startRaw(answer: (socket: Socket) => void): Promise<AsyncDisposable & { readonly url: string }> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('data', () => answer(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        const closed = once(server, 'close')
        server.close()
        for (const socket of sockets) socket.destroy()
        await closed
      },
    }
  }

  const raw: readonly (readonly [string, (socket: Socket) => void, GatewayError['code'], string])[] = [
    ['nothing at all', (socket) => socket.end(), 'upstream_cut', 'broke'],
    ['a reset', (socket) => socket.resetAndDestroy(), 'upstream_cut', 'broke'],
    ['something that is not HTTP', (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'), 'upstream_invalid', 'base URL'],
    [
      'a header that HTTP does not allow',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nx: a\u0001b\r\n\r\n'),
      'upstream_invalid',
      'base URL',
    ],
    ['half of a head', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'), 'upstream_cut', 'broke'],
  ]
  for (const [name, answer, code, words] of raw) {
    test(name, async () => {
      await using upstream = await startRaw(answer)
      await using trunkline = await pointedAt(upstream.url)
      const { status, error } = await told(await post(trunkline.url))
      expect([status, error.code]).toEqual([502, code])
      expect(error.message).toContain(words)
    })
  }

  test('half of an error has its status all the same', async () => {
    await using upstream = await startRaw((socket) =>
      socket.end('HTTP/1.1 429 Too Many\r\ncontent-length: 100\r\nretry-after: 7\r\n\r\n{"error":'),
    )
    await using trunkline = await pointedAt(upstream.url)
    const response = await post(trunkline.url)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await response.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
  })

  test('nobody listens', async () => {
    const upstream = await startAnswering({})
    await upstream[Symbol.asyncDispose]()
    await using trunkline = await pointedAt(upstream.url)
    const response = await post(trunkline.url)
    const { status, error } = await told(response)
    expect([status, error.code]).toEqual([502, 'upstream_unreachable'])
    expect(error.message).toContain('Nothing listens')
    const { spans } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(spans.map(({ status: ended }) => ended)).toEqual(['error', 'error'])
  })

  test('a name that does not exist', async () => {
    await using trunkline = await pointedAt('http://nobody.invalid/v1')
    const { status, error } = await told(await post(trunkline.url))
    expect([status, error.code]).toEqual([502, 'upstream_unreachable'])
    expect(error.message).toContain('nobody.invalid')
  })
})

describe('the credential', () => {
  test('missing, is a 401 that says what to do', async () => {
    await using trunkline = await startTest()
    const response = await post(trunkline.url)
    const { status, error } = await told(response)
    expect([status, error.type, error.code]).toEqual([401, 'authentication_error', 'invalid_api_key'])
    for (const hint of ['openai', 'OPENAI_API_KEY', 'mock/echo']) expect(error.message).toContain(hint)
    const { trace } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(trace).toMatchObject({ status: 'error', httpStatus: 401, model: 'some-model' })
  })

  test('is in no error that a provider answers', async () => {
    await using upstream = await startAnswering((request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end(written({ detail: `Bad header: ${request.headers.authorization}` }))
    })
    await using trunkline = await startTest({
      settings: { 'providers.openai.base_url': upstream.url, 'providers.openai.api_key': 'sk-canary-1234567890' },
    })
    const response = await post(trunkline.url)
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain('sk-canary-1234567890')
  })
})

describe('a stream that fails once it has begun ends with an error event and no [DONE]', () => {
  for (const [model, contains] of [
    ['mock/cut', 'broke'],
    ['mock/error-stream', 'The server had an error'],
  ] as const) {
    test(model, async () => {
      await using trunkline = await startTest()
      const response = await post(trunkline.url, { ...chat, model, stream: true })
      expect(response.status).toBe(200)
      const text = await response.text()
      const last = text.trim().split('\n').at(-1) ?? ''
      expect(JSON.parse(last.replace(/^data: /, ''))).toMatchObject({
        error: { message: expect.stringContaining(contains) },
      })
      expect(text).not.toContain('[DONE]')
      const { trace, spans } = await trunkline.trace(response.headers.get('x-trace-id'))
      expect(trace).toMatchObject({ status: 'error', httpStatus: 200 })
      expect(spans.map(({ detail }) => detail.error?.message)).toEqual(Array(2).fill(expect.stringContaining(contains)))
    })
  }

  test('a whole answer that breaks off is an error with a status, for nothing of it has gone out', async () => {
    await using upstream = await startAnswering((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"choices":[', () => response.destroy())
    })
    await using trunkline = await pointedAt(upstream.url)
    const response = await post(trunkline.url)
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_cut' } })
    const { trace } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(trace.status).toBe('error')
  })

  test('a whole answer that is too long to be held and breaks off is cut, so that nobody takes it for whole', async () => {
    await using upstream = await startAnswering((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000000' })
      response.write(`{"choices":["${'x'.repeat(400_000)}`, () => response.destroy())
    })
    await using trunkline = await pointedAt(upstream.url)
    const response = await post(trunkline.url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    const { trace } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(trace.status).toBe('error')
  })
})

function couldBeAnswer(name: string, sent: string): boolean {
  const first = name === 'streams' ? (/^data: (.*)\n/.exec(sent)?.[1] ?? 'null') : sent
  const parsed: unknown = name === 'whole answers' || name === 'streams' ? JSON.parse(first) : null
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false
  return (parsed as { error?: unknown }).error == null
}

describe('whatever a provider answers, it reaches the client or is told as what it is, and is no fault of ours', () => {
  const odd = fc.jsonValue({ maxDepth: 2 })
  const word = fc.constantFrom('stop', 'tool_calls', 'constructor', '__proto__', 'toString', '')
  const field = fc.oneof(odd, word)
  const call = fc.oneof(
    odd,
    fc.record({ index: field, id: field, function: fc.oneof(odd, fc.record({ name: field, arguments: field })) }),
  )
  const message = fc.oneof(
    odd,
    fc.record(
      {
        role: field,
        content: fc.oneof(odd, fc.array(odd)),
        tool_calls: fc.oneof(odd, fc.array(call)),
        refusal: odd,
        reasoning: odd,
      },
      { requiredKeys: [] },
    ),
  )
  const choice = fc.oneof(
    odd,
    fc.record({ index: field, message, delta: message, finish_reason: field }, { requiredKeys: [] }),
  )
  const usage = fc.oneof(
    odd,
    fc.dictionary(fc.constantFrom('prompt_tokens', 'completion_tokens', 'prompt_tokens_details'), odd),
  )
  const answer = fc.oneof(
    odd,
    fc.record(
      {
        id: field,
        model: field,
        choices: fc.oneof(odd, fc.array(choice, { maxLength: 3 })),
        usage,
        error: odd,
        x_groq: odd,
      },
      { requiredKeys: [] },
    ),
  )
  const answers = [
    ['whole answers', 'application/json', answer.map((value) => written(value))],
    [
      'streams',
      'text/event-stream',
      fc.array(answer, { maxLength: 4 }).map((events) => events.map((event) => `data: ${written(event)}\n\n`).join('')),
    ],
    ['streams of bytes', 'text/event-stream', fc.string({ unit: 'binary', maxLength: 300 })],
    [
      'errors',
      'application/json',
      fc
        .oneof(answer, fc.record({ error: fc.oneof(odd, fc.record({ message: field, type: field, code: field })) }))
        .map((value) => written(value)),
    ],
  ] as const

  for (const [name, type, bodies] of answers) {
    test(name, { timeout: 60_000 }, async () => {
      const status = name === 'errors' ? 418 : 200
      let body = ''
      await using upstream = await startAnswering((_request, response) => {
        response.writeHead(status, { 'content-type': type })
        response.end(body)
      })
      await using trunkline = await pointedAt(upstream.url)
      const ids: (string | null)[] = []
      const stream = type === 'text/event-stream'
      const asked = { ...chat, stream, ...(stream && { stream_options: { include_usage: true } }) }
      await fc.assert(
        fc.asyncProperty(bodies, async (sent) => {
          body = sent
          const response = await post(trunkline.url, asked)
          ids.push(response.headers.get('x-trace-id'))
          const text = await response.text()
          if (response.status === 200) expect(text).toBe(sent.toWellFormed().replace(/^\ufeff/, ''))
          else expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } })
          // What could be an answer is one; an error, nothing, or no JSON at all is none.
          if (couldBeAnswer(name, sent)) expect(response.status).toBe(200)
          expect((await post(trunkline.url, { ...asked, stream_options: undefined })).status).toBe(response.status)
          expect(text).not.toContain('Internal error.')
        }),
        { numRuns: 100 },
      )
      for (const id of ids.slice(-40)) expect((await trunkline.trace(id)).spans).toHaveLength(2)
      expect((await post(trunkline.url, { ...chat, model: 'mock/echo' })).status).toBe(200)
    })
  }
})

describe('a provider that says the key back', () => {
  const key = 'sk-canary-0123456789'
  const shapes = {
    'in the shape of an error': written({
      error: { message: `Bad key ${key}.`, type: 'auth', param: null, code: 'bad' },
    }),
    'in plain words': `The key ${key} is not known here.`,
  }
  for (const [name, body] of Object.entries(shapes)) {
    test(`${name} tells it neither the client nor the trace`, async () => {
      await using provider = await startAnswering({ status: 401, body })
      await using trunkline = await startTest({
        settings: { 'providers.openai.base_url': provider.url, 'providers.openai.api_key': key },
      })
      const response = await post(trunkline.url)
      const text = await response.text()
      expect(provider.asked[0]?.headers.authorization).toBe(`Bearer ${key}`)
      expect(response.status).toBe(401)
      expect(text).toContain('[key]')
      expect(text).not.toContain(key)
      expect(written(await trunkline.trace(response.headers.get('x-trace-id')))).not.toContain(key)
    })
  }
})
