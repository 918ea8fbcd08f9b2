import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SettingKey } from '../../src/config/settings.ts'
import { startAnswering } from '../support/answering.ts'
import { type RawAnswer, type RawRequest, rawCall, rawRequest, rawSocket, readAnswer } from '../support/raw-http.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

const hello = { model: 'mock/echo', messages: [{ role: 'user', content: 'Hello there' }] }
const json = 'Content-Type: application/json'

/** What a client reads when it is refused. */
interface Refusal {
  readonly status: number
  readonly code: string
  /** Every one of these stands in the message. */
  readonly contains?: readonly string[]
  readonly param?: string
}

type Settings = Partial<Record<SettingKey, string>>

interface Case extends Refusal {
  readonly name: string
  readonly send: (url: string) => RawRequest | Buffer | string
  readonly settings?: Settings
}

interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** Every refusal is OpenAI's error object, whoever it comes from and whatever was wrong. */
function expectRefusal(answer: RawAnswer, { status, code, contains = [], param }: Refusal): void {
  expect(answer.headers.get('content-type'), answer.bytes).toBe('application/json')
  const { error } = JSON.parse(answer.body) as ErrorBody
  expect({ status: answer.status, code: error.code, param: error.param }).toEqual({
    status,
    code,
    param: param ?? null,
  })
  expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'type'])
  expect(error.type).toMatch(/^[a-z_]+$/)
  for (const text of contains) expect(error.message).toContain(text)
  expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
}

async function expectStillServing({ url }: TestTrunkline): Promise<void> {
  const answer = await rawCall(url, { headers: [json], body: JSON.stringify(hello) })
  expect(answer.status).toBe(200)
  expect(answer.body).toContain('Hello there')
}

function refuses(cases: readonly Case[], also?: (answer: RawAnswer, trunkline: TestTrunkline) => Promise<void>): void {
  for (const { name, send, settings = {}, ...refusal } of cases) {
    test(name, async () => {
      await using trunkline = await startTest({ settings })
      const answer = await rawCall(trunkline.url, send(trunkline.url))
      expectRefusal(answer, refusal)
      await also?.(answer, trunkline)
      await expectStillServing(trunkline)
    })
  }
}

const body = (value: unknown): (() => RawRequest) => {
  const written = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)
  return () => ({ headers: [json], body: written })
}
const without = (field: keyof typeof hello): object => ({ ...hello, [field]: undefined })
const levels = 100_000

describe('a body that no provider could read is refused, and the call is recorded', () => {
  const invalidJson = { status: 400, code: 'invalid_json' }
  const badRequest = { status: 400, code: 'bad_request' }
  const notYet = { status: 400, code: 'unsupported_parameter' }
  refuses(
    [
      { name: 'not JSON', send: body('hello'), ...invalidJson, contains: ['not valid JSON'] },
      { name: 'half of a JSON object', send: body('{"model":"mock/echo",'), ...invalidJson },
      { name: 'JSON and then more', send: body(`${JSON.stringify(hello)}}`), ...invalidJson },
      { name: 'empty', send: () => ({ headers: [json, 'Content-Length: 0'] }), ...invalidJson, contains: ['no body'] },
      { name: 'only spaces', send: body('  \n '), ...invalidJson },
      {
        name: 'not UTF-8',
        send: body(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
        ...invalidJson,
        contains: ['UTF-8'],
      },
      { name: 'UTF-16', send: body(Buffer.from(JSON.stringify(hello), 'utf16le')), ...invalidJson },
      { name: 'a list', send: body([hello]), ...badRequest, contains: ['must be a JSON object'] },
      { name: 'a string', send: body('"hello"'), ...badRequest, contains: ['must be a JSON object'] },
      { name: 'null', send: body('null'), ...badRequest, contains: ['must be a JSON object'] },
      { name: 'no model', send: body(without('model')), ...badRequest, param: 'model', contains: ['`model`'] },
      {
        name: 'a number as model',
        send: body({ ...hello, model: 7 }),
        ...badRequest,
        param: 'model',
        contains: ['a string'],
      },
      {
        name: 'null as model',
        send: body({ ...hello, model: null }),
        ...badRequest,
        param: 'model',
        contains: ['null'],
      },
      {
        name: 'an empty model',
        send: body({ ...hello, model: ' ' }),
        ...badRequest,
        param: 'model',
        contains: ['empty'],
      },
      { name: 'no messages', send: body(without('messages')), ...badRequest, param: 'messages', contains: ['missing'] },
      { name: 'a string as messages', send: body({ ...hello, messages: 'hi' }), ...badRequest, param: 'messages' },
      { name: 'an object as messages', send: body({ ...hello, messages: {} }), ...badRequest, param: 'messages' },
      {
        name: 'a message that is a string',
        send: body({ ...hello, messages: [...hello.messages, 'hi'] }),
        ...badRequest,
        param: 'messages[1]',
        contains: ['`messages[1]`', 'a string'],
      },
      {
        name: 'a message that is null',
        send: body({ ...hello, messages: [null] }),
        ...badRequest,
        param: 'messages[0]',
      },
      { name: 'a string as stream', send: body({ ...hello, stream: 'true' }), ...badRequest, param: 'stream' },
      { name: 'a number as stream', send: body({ ...hello, stream: 1 }), ...badRequest, param: 'stream' },
      {
        name: 'a string as stream_options',
        send: body({ ...hello, stream: true, stream_options: 'usage' }),
        ...badRequest,
        param: 'stream_options',
      },
      {
        name: 'a list as stream_options',
        send: body({ ...hello, stream: true, stream_options: [] }),
        ...badRequest,
        param: 'stream_options',
        contains: ['a list'],
      },
      {
        name: 'router',
        send: body({ ...hello, router: { name: 'r' } }),
        ...notYet,
        param: 'router',
        contains: ['`router`'],
      },
      { name: 'extra', send: body({ ...hello, extra: {} }), ...notYet, param: 'extra', contains: ['`extra`'] },
      { name: 'mcp_servers', send: body({ ...hello, mcp_servers: [] }), ...notYet, param: 'mcp_servers' },
      {
        name: 'two models',
        send: body('{"model":"mock/echo","messages":[],"model":"gpt-5"}'),
        ...badRequest,
        param: 'model',
        contains: ['more than once'],
      },
      {
        name: 'two models, one of them in disguise',
        send: body('{"model":"mock/echo","messages":[],"m\\u006fdel":"gpt-5"}'),
        ...badRequest,
        param: 'model',
      },
      {
        name: 'an object of 100,000 levels',
        send: body(`{"model":"mock/echo","messages":${'['.repeat(levels)}${']'.repeat(levels)}}`),
        ...badRequest,
        contains: ['deep', 'limits.json_depth'],
      },
      {
        name: 'a list of 100,000 levels',
        send: body('['.repeat(levels) + ']'.repeat(levels)),
        ...badRequest,
        contains: ['must be a JSON object'],
      },
      {
        name: 'an object of more levels than the limit that was set',
        settings: { 'limits.json_depth': '8' },
        send: body({ ...hello, metadata: { a: { b: { c: { d: { e: { f: { g: {} } } } } } } } }),
        ...badRequest,
        contains: ['more than 8 deep'],
      },
      {
        name: 'larger than the limit, as it declares itself',
        settings: { 'limits.body_bytes': '2048' },
        send: body({ ...hello, user: 'x'.repeat(4096) }),
        status: 413,
        code: 'body_too_large',
        contains: ['2048 bytes', 'limits.body_bytes'],
      },
      {
        name: 'larger than the limit, in chunks',
        settings: { 'limits.body_bytes': '2048' },
        send: () => ({
          headers: [json, 'Transfer-Encoding: chunked'],
          body: `${`400\r\n${' '.repeat(1024)}\r\n`.repeat(4)}0\r\n\r\n`,
        }),
        status: 413,
        code: 'body_too_large',
        contains: ['2048 bytes'],
      },
      {
        name: 'of 1 GB, as it declares itself, before any of it has come',
        send: () => ({ headers: [json, `Content-Length: ${2 ** 30}`] }),
        status: 413,
        code: 'body_too_large',
      },
      {
        name: 'of 1 GB, by a client that asks first whether to send it',
        send: () => ({ headers: [json, `Content-Length: ${2 ** 30}`, 'Expect: 100-continue'] }),
        status: 413,
        code: 'body_too_large',
      },
      {
        name: 'for a project that does not exist',
        send: () => ({ headers: [json, 'X-Project-Id: elsewhere'], body: JSON.stringify(hello) }),
        status: 404,
        code: 'project_not_found',
        param: 'x-project-id',
        contains: ['"elsewhere"'],
      },
    ],
    async (answer, trunkline) => {
      expect(answer.headers.get('x-run-id')).toBeDefined()
      const { trace, spans } = await trunkline.trace(answer.headers.get('x-trace-id'))
      expect(trace).toMatchObject({ status: 'error', httpStatus: answer.status, calls: 1 })
      expect(spans.map(({ kind }) => kind)).toEqual(['call'])
      expect(spans[0]?.detail.error?.message).toBe((JSON.parse(answer.body) as ErrorBody).error.message)
    },
  )
})

describe('an id that cannot be kept is refused by its name, and the call is recorded without it', () => {
  const named = (header: string, value: string): RawRequest => ({
    headers: [json, `${header}: ${value}`],
    body: JSON.stringify(hello),
  })
  const badRequest = { status: 400, code: 'bad_request' }
  const long = (length: number): string => 'x'.repeat(length)
  const nextLine = Buffer.from('a\u0085b').toString('latin1')
  refuses(
    [
      ...['x-run-id', 'x-thread-id', 'x-label', 'x-project-id'].map((header) => ({
        name: `${header} of 257 characters`,
        send: () => named(header, long(257)),
        ...badRequest,
        param: header,
        contains: [header, '256'],
      })),
      ...['x-thread-title', 'x-tags'].map((header) => ({
        name: `${header} of 1,025 characters`,
        send: () => named(header, long(1025)),
        ...badRequest,
        param: header,
        contains: [header, '1024'],
      })),
      { name: 'x-run-id with a tab', send: () => named('x-run-id', 'a\tb'), ...badRequest, param: 'x-run-id' },
      { name: 'x-label with a C1 control', send: () => named('x-label', nextLine), ...badRequest, param: 'x-label' },
      {
        name: 'a run id with a line break, by baggage',
        send: () => named('baggage', 'trunkline.run_id=a%0D%0Aset-cookie%3Ab'),
        ...badRequest,
        param: 'baggage',
        contains: ['baggage', 'run_id', 'control character'],
      },
    ],
    async (answer, trunkline) => {
      expect(answer.headers.get('set-cookie')).toBeUndefined()
      const { trace } = await trunkline.trace(answer.headers.get('x-trace-id'))
      expect(trace).toMatchObject({ status: 'error', httpStatus: 400, runId: answer.headers.get('x-run-id') })
    },
  )
})

describe('what is not a request for anything there is refused', () => {
  const unknown = { status: 404, code: 'unknown_url' }
  const at =
    (target: string, method = 'POST') =>
    (): RawRequest => ({ method, target, headers: [json], body: JSON.stringify(hello) })
  refuses([
    { name: 'an unknown path', send: at('/v1/nothing'), ...unknown, contains: ['/v1/nothing', '/v1/chat/completions'] },
    { name: 'the root', send: at('/', 'GET'), ...unknown },
    { name: 'doubled slashes', send: at('//v1//chat/completions'), ...unknown },
    { name: 'another case', send: at('/V1/chat/completions'), ...unknown },
    { name: 'a slash at the end', send: at('/v1/chat/completions/'), ...unknown },
    { name: 'escaped dots', send: at('/v1/models/%2e%2e/chat/completions'), ...unknown },
    { name: 'dots', send: at('/v1/x/../chat/completions'), ...unknown },
    { name: 'an escaped slash', send: at('/v1%2fchat/completions'), ...unknown },
    { name: 'an escaped letter', send: at('/v1/chat/%63ompletions'), ...unknown },
    { name: 'a path parameter', send: at('/v1/chat/completions;x'), ...unknown },
    { name: 'an absolute target', send: (url) => at(`${url}/v1/chat/completions`)(), ...unknown },
    { name: 'a target elsewhere', send: at('http://evil.example/v1/chat/completions'), ...unknown },
    { name: 'the whole server', send: at('*', 'OPTIONS'), ...unknown },
    {
      name: 'a model that is not listed',
      send: at('/v1/models/nobody', 'GET'),
      status: 404,
      code: 'model_not_found',
      param: 'model',
    },
  ])

  const wrongMethods = [
    { method: 'GET', target: '/v1/chat/completions', allow: 'POST' },
    { method: 'DELETE', target: '/v1/chat/completions', allow: 'POST' },
    { method: 'OPTIONS', target: '/v1/chat/completions', allow: 'POST' },
    { method: 'POST', target: '/v1/models', allow: 'GET' },
    { method: 'DELETE', target: '/v1/models/mock/echo', allow: 'GET' },
    { method: 'PUT', target: '/health/live', allow: 'GET' },
  ]
  for (const { method, target, allow } of wrongMethods) {
    test(`${method} ${target} says which method it takes`, async () => {
      await using trunkline = await startTest()
      const answer = await rawCall(trunkline.url, { method, target, headers: [json], body: '{}' })
      expectRefusal(answer, { status: 405, code: 'method_not_allowed', contains: [allow, method] })
      expect(answer.headers.get('allow')).toBe(allow)
      await expectStillServing(trunkline)
    })
  }

  test('a tunnel is refused in words', async () => {
    await using trunkline = await startTest()
    const answer = await rawCall(trunkline.url, { method: 'CONNECT', target: 'evil.example:443' })
    expectRefusal(answer, { status: 405, code: 'method_not_allowed', contains: ['CONNECT'] })
    await expectStillServing(trunkline)
  })

  for (const target of ['/v1/models', '/v1/models/mock/echo', '/health/live', '/health/ready']) {
    test(`HEAD ${target} has the head of GET and no body`, async () => {
      await using trunkline = await startTest()
      const [head, get] = [
        await rawCall(trunkline.url, { method: 'HEAD', target }),
        await rawCall(trunkline.url, { method: 'GET', target }),
      ]
      expect([head.status, head.body]).toEqual([200, ''])
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    })
  }
})

describe('a page of another site cannot call', () => {
  const from = (...headers: string[]): RawRequest => ({ headers: [json, ...headers], body: JSON.stringify(hello) })
  const host = (name: string | null): RawRequest => ({ ...from(), host: name })
  const foreignHost = { status: 403, code: 'forbidden_host', param: 'Host' }
  const foreignOrigin = { status: 403, code: 'forbidden_origin', param: 'Origin' }
  const portOf = (url: string): string => new URL(url).port

  const hosts = [
    'evil.example',
    '169.254.169.254',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '127.1',
    '2130706433',
    '[::]',
    '',
  ]
  refuses([
    ...hosts.map((name) => ({
      name: `Host: ${name || '(empty)'}`,
      send: () => host(name),
      ...foreignHost,
      contains: [JSON.stringify(name), 'localhost'],
    })),
    { name: 'Host: 0.0.0.0 with our port', send: (url) => host(`0.0.0.0:${portOf(url)}`), ...foreignHost },
    { name: 'Host: evil.example with our port', send: (url) => host(`evil.example:${portOf(url)}`), ...foreignHost },
    { name: 'no Host', send: () => host(null), ...foreignHost, contains: ['(none)'] },
    { name: 'no Host, as HTTP/1.0 allows', send: () => ({ ...host(null), version: '1.0' }), ...foreignHost },
    {
      name: 'two Hosts, the second foreign',
      send: () => from('Host: evil.example'),
      ...foreignHost,
      contains: ['more than one'],
    },
    { name: 'two Hosts, the same', send: (url) => from(`Host: ${new URL(url).host}`), ...foreignHost },
    {
      name: 'a foreign Host on a door for GET',
      send: () => ({ method: 'GET', target: '/v1/models', host: 'evil.example' }),
      ...foreignHost,
    },
    {
      name: 'a foreign Host at a path that is not there',
      send: () => ({ target: '/nothing', host: 'evil.example' }),
      ...foreignHost,
    },
  ])

  const origins = [
    'null',
    'https://evil.example',
    'http://localhost:3000',
    'http://127.0.0.1.evil.example',
    'http://127.0.0.1',
    'file://',
    'chrome-extension://abcdefghijklmnop',
  ]
  refuses([
    ...origins.map((origin) => ({
      name: `Origin: ${origin}`,
      send: () => from(`Origin: ${origin}`),
      ...foreignOrigin,
      contains: [JSON.stringify(origin)],
    })),
    {
      name: 'our own Origin by https',
      send: (url) => from(`Origin: ${url.replace('http:', 'https:')}`),
      ...foreignOrigin,
    },
    {
      name: 'Origin: 0.0.0.0 with our port',
      send: (url) => from(`Origin: http://0.0.0.0:${portOf(url)}`),
      ...foreignOrigin,
    },
    { name: 'two Origins', send: (url) => from(`Origin: ${url}`, 'Origin: https://evil.example'), ...foreignOrigin },
    { name: 'an empty Origin', send: () => from('Origin:'), ...foreignOrigin },
    {
      name: 'a foreign Origin, before the body is read',
      send: () => ({ headers: [json, 'Origin: https://evil.example', 'Content-Length: 1000000'] }),
      ...foreignOrigin,
    },
    {
      name: 'a preflight',
      send: () => ({
        method: 'OPTIONS',
        headers: [
          'Origin: https://evil.example',
          'Access-Control-Request-Method: POST',
          'Access-Control-Request-Private-Network: true',
        ],
      }),
      ...foreignOrigin,
    },
    {
      name: 'Sec-Fetch-Site: cross-site',
      send: () => from('Sec-Fetch-Site: cross-site'),
      status: 403,
      code: 'forbidden_origin',
      param: 'Sec-Fetch-Site',
    },
  ])

  const types = [
    { name: 'text/plain', headers: ['Content-Type: text/plain'] },
    { name: 'a form', headers: ['Content-Type: application/x-www-form-urlencoded'] },
    { name: 'a form with parts', headers: ['Content-Type: multipart/form-data; boundary=x'] },
    { name: 'text that mentions JSON', headers: ['Content-Type: text/plain; application/json'] },
    { name: 'JSON lines', headers: ['Content-Type: application/jsonl'] },
    { name: 'an empty content type', headers: ['Content-Type:'] },
    { name: 'no content type', headers: [] },
  ]
  refuses(
    types.map(({ name, headers }) => ({
      name,
      send: () => ({ headers, body: JSON.stringify(hello) }),
      status: 415,
      code: 'unsupported_media_type',
      param: 'Content-Type',
      contains: ['application/json'],
    })),
  )

  refuses([
    {
      name: 'JSON that is packed',
      send: () => ({ headers: [json, 'Content-Encoding: gzip'], body: gzipSync(JSON.stringify(hello)) }),
      status: 415,
      code: 'unsupported_media_type',
      param: 'Content-Encoding',
      contains: ['"gzip"'],
    },
  ])

  const ours: readonly { name: string; send: (url: string) => RawRequest }[] = [
    { name: 'our own Origin', send: (url) => from(`Origin: ${url}`, 'Sec-Fetch-Site: same-origin') },
    { name: 'Host: localhost', send: (url) => host(`localhost:${portOf(url)}`) },
    { name: 'Host: LOCALHOST without a port', send: () => host('LOCALHOST') },
    { name: 'Host: [::1]', send: (url) => host(`[::1]:${portOf(url)}`) },
    {
      name: 'JSON with a charset',
      send: () => ({ headers: ['Content-Type: application/json; charset=utf-8'], body: JSON.stringify(hello) }),
    },
    {
      name: 'JSON in capitals',
      send: () => ({ headers: ['Content-Type: Application/JSON'], body: JSON.stringify(hello) }),
    },
  ]
  for (const { name, send } of ours) {
    test(`${name} may`, async () => {
      await using trunkline = await startTest()
      const answer = await rawCall(trunkline.url, send(trunkline.url))
      expect(answer.status, answer.body).toBe(200)
      expect(answer.headers.get('access-control-allow-origin')).toBeUndefined()
    })
  }

  test('not even when the provider allows everybody', async () => {
    const allowing = { 'access-control-allow-origin': '*', 'access-control-allow-private-network': 'true' }
    await using upstream = await startAnswering({ headers: allowing, body: '{}' })
    await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
    const answer = await rawCall(trunkline.url, { headers: [json], body: JSON.stringify({ ...hello, model: 'm' }) })
    expect(answer.status).toBe(200)
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })
})

describe('what is not HTTP, or could be read in two ways, is refused', () => {
  const malformed = { status: 400, code: 'malformed_http' }
  const written = JSON.stringify(hello)
  const both = (first: string, second: string) => (): RawRequest => ({ headers: [json, first, second], body: written })
  const length = `Content-Length: ${written.length}`
  const chunked = 'Transfer-Encoding: chunked'
  refuses([
    { name: 'garbage', send: () => 'nonsense\r\n\r\n', ...malformed, contains: ['HTTP'] },
    { name: 'a TLS hello', send: () => Buffer.from('16030100c8010000c40303', 'hex'), ...malformed },
    { name: 'a method that nobody knows', send: () => ({ method: 'BREW' }), ...malformed },
    { name: 'HTTP/9.9', send: () => ({ version: '9.9' }), ...malformed },
    {
      name: 'NUL in a header',
      send: () => ({ headers: [json, 'X-Run-Id: a\0b'], body: written }),
      ...malformed,
      contains: ['NUL'],
    },
    {
      name: 'a bare line feed in a header',
      send: () => ({ headers: [json, 'X-Run-Id: a\nX-Label: b'], body: written }),
      ...malformed,
    },
    { name: 'a length and chunks', send: both(length, chunked), ...malformed },
    { name: 'chunks and a length', send: both(chunked, length), ...malformed },
    { name: 'two lengths', send: both(length, 'Content-Length: 5'), ...malformed },
    { name: 'a length that is no number', send: () => ({ headers: [json, 'Content-Length: 5x'] }), ...malformed },
    { name: 'a negative length', send: () => ({ headers: [json, 'Content-Length: -1'] }), ...malformed },
    {
      name: 'a space before the colon',
      send: () => ({ headers: [json, 'Transfer-Encoding : chunked'], body: '0\r\n\r\n' }),
      ...malformed,
    },
    {
      name: 'chunks that are not the last coding',
      send: both('Transfer-Encoding: chunked, identity', 'X-Label: a'),
      ...malformed,
    },
    { name: 'a chunk without a size', send: () => ({ headers: [json, chunked], body: 'zz\r\n' }), ...malformed },
    {
      name: 'headers of 40 kB',
      send: () => ({ headers: [json, `X-Label: ${'x'.repeat(40_000)}`], body: written }),
      status: 431,
      code: 'headers_too_large',
      contains: ['32768 bytes'],
    },
    {
      name: 'an address of 40 kB',
      send: () => ({ target: `/v1/${'x'.repeat(40_000)}`, headers: [json], body: written }),
      status: 431,
      code: 'headers_too_large',
      contains: ['32768 bytes'],
    },
    {
      name: 'more headers than anybody sends',
      send: () => ({ headers: [json, ...Array.from({ length: 300 }, (_, index) => `X-${index}: a`)], body: written }),
      status: 431,
      code: 'headers_too_large',
      contains: ['more than 200'],
    },
    {
      name: 'headers without end behind the body',
      send: () => ({
        headers: [json, chunked],
        body: `1\r\n{\r\n0\r\n${`X-More: ${'x'.repeat(1_000)}\r\n`.repeat(100)}`,
      }),
      status: 431,
      code: 'headers_too_large',
    },
    {
      name: 'a chunk with more about it than in it',
      send: () => ({ headers: [json, chunked], body: `1;${'x'.repeat(40_000)}\r\n{\r\n0\r\n\r\n` }),
      status: 431,
      code: 'headers_too_large',
      contains: ['extensions'],
    },
    {
      name: 'an expectation that nobody meets',
      send: () => ({ headers: ['Content-Type: text/plain', 'Expect: a miracle'], body: written }),
      status: 415,
      code: 'unsupported_media_type',
      param: 'Content-Type',
    },
  ])

  test('garbage after a request neither ends nor spoils the answer to the request before it', async () => {
    await using trunkline = await startTest()
    const slow = { ...hello, stream: true, mock: { chunk_ms: 20 } }
    const socket = await rawSocket(trunkline.url)
    socket.on('error', () => undefined)
    let bytes = ''
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('data', (chunk: Buffer) => {
      if (bytes === '') socket.write('nonsense\r\n\r\n')
      bytes += chunk.toString('latin1')
    })
    socket.on('end', () => socket.end())
    socket.write(rawRequest(trunkline.url, { headers: [json, 'Connection: keep-alive'], body: JSON.stringify(slow) }))
    await ended
    expect(bytes.match(/HTTP\/1\.1/g)?.length).toBe(1)
    expect(bytes).toContain('[DONE]')
    await expectStillServing(trunkline)
  })
})

describe('a client that sends too much can read why', () => {
  const declared = ['Content-Length: 1073741824']
  const megabyte = Buffer.alloc(1 << 20, ' ')

  for (const [name, headers, settings] of [
    ['1 GB, declared', [json, ...declared], {}],
    ['1 MB where 2 kB are taken, in chunks', [json, 'Transfer-Encoding: chunked'], { 'limits.body_bytes': '2048' }],
    ['1 MB to a path that is not there', [json, `Content-Length: ${1 << 20}`], {}],
  ] as const) {
    test(`${name}, while it still sends`, async () => {
      await using trunkline = await startTest({ settings })
      const socket = await rawSocket(trunkline.url)
      const broken: Error[] = []
      socket.on('error', (error) => broken.push(error))
      const target = name.includes('path') ? '/nothing' : '/v1/chat/completions'
      const answered = readAnswer(socket)
      const isChunked = headers.some((header) => header.includes('chunked'))
      socket.write(rawRequest(trunkline.url, { target, headers }))
      if (isChunked) socket.write(`${megabyte.length.toString(16)}\r\n`)
      await new Promise((sent) => socket.write(megabyte, sent))
      const answer = await answered
      expect([404, 413]).toContain(answer.status)
      expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.any(String) } })
      // It has not noticed yet, and goes on.
      if (name.startsWith('1 GB')) await new Promise((sent) => socket.write(megabyte, sent))
      expect(broken).toEqual([])
      socket.destroy()
      await expectStillServing(trunkline)
    })
  }

  test('a refused request whose body did come leaves the connection usable', async () => {
    await using trunkline = await startTest({ settings: { 'limits.body_bytes': '2048' } })
    const socket = await rawSocket(trunkline.url)
    const large = rawRequest(trunkline.url, { headers: [json], body: 'x'.repeat(100_000) })
    const small = rawRequest(trunkline.url, { headers: [json], body: JSON.stringify(hello) })
    const refused = readAnswer(socket)
    socket.write(large)
    expect((await refused).status).toBe(413)
    const answered = readAnswer(socket)
    socket.write(small)
    expect((await answered).status).toBe(200)
    socket.destroy()
  })

  for (const [name, deep] of [
    ['an object', `{"model":"mock/echo","messages":${'[{"a":'.repeat(2_000_000)}`],
    ['a list', '['.repeat(12_000_000)],
  ] as const) {
    test(`deep nesting in ${name} is refused before it costs anything`, async () => {
      await using trunkline = await startTest()
      const started = performance.now()
      const answer = await rawCall(trunkline.url, { headers: [json], body: deep })
      expect(answer.status).toBe(400)
      // Twelve megabytes over a socket take a tenth of it; to parse them takes longer.
      expect(performance.now() - started).toBeLessThan(1_500)
    })
  }
})

describe('text from outside goes out as text', () => {
  const utf8 = (answer: RawAnswer, name: string): string =>
    Buffer.from(answer.headers.get(name) ?? '', 'latin1').toString('utf8')
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

  test('a line break in a model name ends no header', async () => {
    await using trunkline = await startTest()
    const evil = 'x\r\nset-cookie: a=b\r\n\r\n{"evil":true}'
    const answer = await rawCall(trunkline.url, { headers: [json], body: JSON.stringify({ ...hello, model: evil }) })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('set-cookie')).toBeUndefined()
    expect(answer.headers.get('x-model-name')).toBe('x??set-cookie: a=b????{"evil":true}')
    const { trace } = await trunkline.trace(answer.headers.get('x-trace-id'))
    expect(trace.model).toBe(evil)
  })

  for (const model of ['模型-😀', 'Grüße', 'mock/écho', 'x'.repeat(10_000)]) {
    test(`the model name ${model.slice(0, 20)} comes back readable, on an error too`, async () => {
      await using trunkline = await startTest()
      const answer = await rawCall(trunkline.url, { headers: [json], body: JSON.stringify({ ...hello, model }) })
      expect([401, 404]).toContain(answer.status)
      expect(utf8(answer, 'x-model-name')).toBe(model.slice(0, 256))
    })
  }

  for (const [name, call] of [
    ['an answer', hello],
    ['a stream', { ...hello, stream: true }],
    ['an error', { ...hello, model: 'mock/error-400' }],
    ['an error of our own', { ...hello, messages: 7 }],
  ] as const) {
    test(`emoji in ids and titles survive ${name}`, async () => {
      await using trunkline = await startTest()
      const headers = [
        json,
        `X-Run-Id: ${latin1('run-🚂')}`,
        `X-Thread-Id: ${latin1('Fäden-线程')}`,
        `X-Thread-Title: ${latin1('Reise nach Ürümqi 🚂')}`,
        `X-Label: ${latin1('étiquette')}`,
      ]
      const answer = await rawCall(trunkline.url, { headers, body: JSON.stringify(call) })
      expect([utf8(answer, 'x-run-id'), utf8(answer, 'x-thread-id')]).toEqual(['run-🚂', 'Fäden-线程'])
      const { trace, spans } = await trunkline.trace(answer.headers.get('x-trace-id'))
      expect(trace).toMatchObject({ runId: 'run-🚂', threadId: 'Fäden-线程', label: 'étiquette' })
      expect(spans[0]?.detail).toMatchObject({ threadTitle: 'Reise nach Ürümqi 🚂' })
    })
  }
})

describe('whatever comes as a body, Trunkline answers and none of it is its own fault', () => {
  const runs = 150
  const post = (url: string, sent: string | Uint8Array): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof sent === 'string' ? sent : Buffer.from(sent),
      signal: AbortSignal.timeout(5_000),
    })

  const check = async (trunkline: TestTrunkline, sent: string | Uint8Array): Promise<void> => {
    const response = await post(trunkline.url, sent)
    const text = await response.text()
    expect(response.status, text).toBeLessThan(500)
    if (response.status >= 400) expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) } })
    expect(text).not.toContain('Internal error')
    expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/)
  }

  test('bytes', { timeout: 60_000 }, async () => {
    await using trunkline = await startTest()
    const bytes = fc.uint8Array({ maxLength: 500 })
    await fc.assert(
      fc.asyncProperty(bytes, (sent) => check(trunkline, sent)),
      { numRuns: runs },
    )
    await expectStillServing(trunkline)
  })

  test('JSON', { timeout: 60_000 }, async () => {
    await using trunkline = await startTest()
    const anyJson = fc.oneof(
      fc.json(),
      fc
        .record({ model: fc.jsonValue(), messages: fc.jsonValue(), stream: fc.jsonValue() })
        .map((value) => JSON.stringify(value)),
    )
    await fc.assert(
      fc.asyncProperty(anyJson, (sent) => check(trunkline, sent)),
      { numRuns: runs },
    )
    await expectStillServing(trunkline)
  })

  test('chats that are nearly right', { timeout: 60_000 }, async () => {
    await using trunkline = await startTest()
    const odd = fc.jsonValue({ maxDepth: 2 })
    const word = fc.oneof(
      odd,
      fc.constantFrom('text', 'image_url', 'file', 'input_audio', 'thinking', 'constructor', '__proto__'),
    )
    const part = fc.oneof(
      odd,
      fc.dictionary(fc.constantFrom('type', 'text', 'image_url', 'file', 'input_audio', 'thinking'), word),
    )
    const call = fc.oneof(odd, fc.dictionary(fc.constantFrom('id', 'type', 'function', 'custom', 'index'), odd))
    const role = fc.oneof(
      odd,
      fc.constantFrom('system', 'user', 'assistant', 'tool', 'function', 'constructor', 'toString'),
    )
    const message = fc.record(
      {
        role,
        content: fc.oneof(odd, fc.array(part)),
        tool_calls: fc.oneof(odd, fc.array(call)),
        name: odd,
        tool_call_id: odd,
      },
      { requiredKeys: ['role'] },
    )
    const tool = fc.oneof(odd, fc.dictionary(fc.constantFrom('type', 'function', 'custom'), odd))
    const chat = fc.record(
      {
        model: fc.constantFrom('mock/echo', 'mock/tools', 'mock/json', 'mock/reasoning'),
        messages: fc.array(message, { maxLength: 4 }),
        stream: fc.boolean(),
        stream_options: fc.oneof(fc.constant(null), fc.dictionary(fc.constantFrom('include_usage', 'x'), odd)),
        tools: fc.oneof(odd, fc.array(tool)),
        tool_choice: odd,
        response_format: fc.oneof(
          odd,
          fc.record({ type: fc.constantFrom('json_schema', 'json_object', 'text'), json_schema: odd }),
        ),
        max_tokens: odd,
        stop: odd,
        n: odd,
      },
      { requiredKeys: ['model', 'messages'] },
    )
    await fc.assert(
      fc.asyncProperty(chat, (sent) => check(trunkline, JSON.stringify(sent))),
      { numRuns: runs },
    )
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 200 } })
    expect(traces).toHaveLength(runs)
    // What was let in can also be shown.
    for (const { traceId } of traces.slice(0, 40))
      expect((await trunkline.trace(traceId)).spans.length).toBeGreaterThan(0)
    await expectStillServing(trunkline)
  })
})
