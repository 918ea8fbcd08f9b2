import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import {
  bytewise,
  chunked,
  completion,
  end,
  event,
  eventStream,
  events,
  type FaultyOptions,
  forever,
  type Headers,
  hang,
  head,
  jsonOf,
  lastChunk,
  pause,
  reset,
  rightAnswer,
  type Script,
  type Step,
} from '../support/faulty-upstream.ts'

/** What has to come of a call. */
export interface Outcome {
  /** What the vendor's client makes of it: the text and its finish reason, or what it throws, by status, class and code. */
  readonly client: string
  /** The call's status, and either its error's code or its finish reason, and what is known of its usage. */
  readonly recorded: string
}

/** A provider, and the Trunkline before it. */
export type Place = keyof typeof places

export const places = {
  /** The clocks are too long to fire. */
  patient: {},
  /** The clocks are short. */
  hasty: {},
  /** As before, but each call comes on a connection that has served another. */
  kept: {},
  refused: {},
  deaf: {},
  'ends at accept': { atAccept: [end] },
  'resets at accept': { atAccept: [reset] },
} as const satisfies Record<string, FaultyOptions>

/** The clocks of every place but the patient one, in ms. */
export const clocks = { connect: 300, headers: 400, first_content: 600, idle: 400, total: 1_500 } as const

export interface Fault {
  readonly name: string
  readonly place: Place
  /** The clock that ends it. */
  readonly clock?: keyof typeof clocks
  /** How many requests reach a provider who waits for them; 1 when nothing is said. */
  readonly requests?: number
  readonly whole?: { readonly does: Script; readonly is: Outcome }
  readonly stream?: { readonly does: Script; readonly is: Outcome }
}

type Steps = readonly Step[]

const fine: Outcome = { client: 'Hello there (stop)', recorded: 'ok stop 3+2' }

const failed = (client: string, code: string): Outcome => ({ client, recorded: `error ${code}, usage failed` })
/** An error before the client has heard anything: a real status. */
const status = (number: number, code: string, recorded = code): Outcome =>
  failed(`${number} ${classes[number] ?? 'APIError'} ${code}`, recorded)
/** An error once a stream has begun. */
const then = (text: string, code: string, recorded = code): Outcome => ({
  client: `${text}, then APIError ${code}`,
  recorded: `error ${recorded}${estimated(text)}`,
})
/** What nobody reported is estimated from the texts: here each word is a token, and the request has one. */
const estimated = (text: string): string => (text === 'nothing' ? ', usage failed' : ` ~1+${text.split(' ').length}`)

/** A line that is too long to be held goes on in pieces: the vendor's client stumbles over it before it comes to the error. */
const torn = (recorded: string): Outcome => ({
  client: 'Hello, then SyntaxError',
  recorded: `error ${recorded}${estimated('Hello')}`,
})

/** What the vendor's client throws at a status; anything else is a plain APIError. */
const classes: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  403: 'PermissionDeniedError',
  404: 'NotFoundError',
  409: 'ConflictError',
  422: 'UnprocessableEntityError',
  429: 'RateLimitError',
  500: 'InternalServerError',
  502: 'InternalServerError',
  503: 'InternalServerError',
  504: 'InternalServerError',
  520: 'InternalServerError',
  524: 'InternalServerError',
  529: 'InternalServerError',
}

const cut = status(502, 'upstream_cut')
const invalid = status(502, 'upstream_invalid')

interface Told {
  readonly whole?: readonly [steps: Steps, is: Outcome]
  readonly stream?: readonly [steps: Steps, is: Outcome]
  readonly place?: Place
  readonly clock?: keyof typeof clocks
  readonly requests?: number
}

const fault = (name: string, { whole, stream, place = 'patient', ...rest }: Told): Fault => ({
  name,
  place,
  ...rest,
  ...(whole && { whole: { does: () => whole[0], is: whole[1] } }),
  ...(stream && { stream: { does: () => stream[0], is: stream[1] } }),
})

/** The same for whole answers and for streams. */
const both = (name: string, steps: Steps, is: Outcome, rest: Omit<Told, 'whole' | 'stream'> = {}): Fault =>
  fault(name, { whole: [steps, is], stream: [steps, is], ...rest })

const closing: Headers = { connection: 'close' }
const openJson: Headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
const { role, hello, there, finish, usage, done } = events
const rightEvents = Object.values(events)

/** A stream that goes as far as these events; how it ends comes after it. */
const streaming = (...written: readonly string[]): Steps => [head(200, eventStream), ...written.map(chunked)]
/** A stream that ends as HTTP wants it, whatever is in it. */
const streamed = (...written: readonly string[]): Steps => [
  head(200, { ...eventStream, ...closing }),
  ...written.map(chunked),
  lastChunk,
  end,
]
/** An answer in one piece, right as HTTP. */
const answered = (number: number, body: string | Uint8Array, headers: Headers = {}): Steps => [
  head(number, { ...jsonOf(body), ...closing, ...headers }),
  body,
  end,
]
const whole = (body: string | Uint8Array, headers: Headers = {}): Steps => answered(200, body, headers)
/** A whole answer in chunks that goes as far as these. */
const growing = (...written: readonly string[]): Steps => [head(200, openJson), ...written.map(chunked)]
const halfOf = (body: string): string => body.slice(0, Math.floor(body.length / 2))
const halfCompletion = halfOf(completion)
const halfEvent = halfOf(there)
const error = (fields: object | string): string => JSON.stringify({ error: fields })

const connections: readonly Fault[] = [
  fault('nothing is wrong', { whole: [whole(completion), fine], stream: [streamed(...rightEvents), fine] }),
  both('refuses the connection', [], status(502, 'upstream_unreachable'), { place: 'refused', requests: 0 }),
  both('hangs at connect', [], status(502, 'timeout_connect'), { place: 'deaf', clock: 'connect', requests: 0 }),
  both('ends the connection at once', [], cut, { place: 'ends at accept' }),
  both('resets the connection at once', [], cut, { place: 'resets at accept' }),
  both('ends a fresh connection before any byte', [end], cut),
  both('resets a fresh connection before any byte', [reset], cut),
]

const heads: readonly Fault[] = [
  both('hangs at headers', [hang], status(504, 'timeout_headers'), { place: 'hasty', clock: 'headers' }),
  both('never ends its headers', ['HTTP/1.1 200 OK\r\n', forever('x: y\r\n', 50)], status(504, 'timeout_headers'), {
    place: 'hasty',
    clock: 'headers',
  }),
  both('has headers of 100 kB', [head(200, { ...jsonOf(completion), x: 'y'.repeat(100_000) }), completion], invalid),
  both('ends within its headers', ['HTTP/1.1 200 OK\r\ncontent-ty', end], cut),
  both('resets within its headers', ['HTTP/1.1 200 OK\r\ncontent-ty', reset], cut),
  both('is no HTTP', ['SSH-2.0-OpenSSH_9.9\r\n', end], invalid),
  both('is HTML without HTTP', ['<html>\r\n\r\n</html>', end], invalid),
  both('has a control character in a header', ['HTTP/1.1 200 OK\r\nx: a\u0001b\r\n\r\n', end], invalid),
  both(
    'has two lengths',
    [head(200, { 'content-type': 'application/json', 'content-length': ['2', '3'] }), '{}', end],
    cut,
  ),
  // undici takes a 100 that it did not wait for as a reason to give up the connection.
  both('says 100 first', [head(100), ...whole(completion)], cut),
  ...[102, 103].map((number) =>
    fault(`says ${number} first`, {
      whole: [[head(number, { link: '</x>' }), ...whole(completion)], fine],
      stream: [[head(number, { link: '</x>' }), ...streamed(...rightEvents)], fine],
    }),
  ),
  both('switches protocols unasked', [head(101, { upgrade: 'x', connection: 'upgrade' }), end], cut),
  both('answers 204', [head(204, closing), end], invalid),
  both('answers 301', [head(301, { ...closing, location: '/elsewhere', 'content-length': '0' }), end], invalid),
  both('answers 307', [head(307, { ...closing, location: '/elsewhere', 'content-length': '0' }), end], invalid),
]

/** A body that is not all there, or more than there was to be. */
const cuts: readonly Fault[] = [
  fault('hangs at the first byte of the body', {
    place: 'hasty',
    clock: 'first_content',
    whole: [[head(200, jsonOf(completion)), hang], status(504, 'timeout_first_content')],
    stream: [[head(200, eventStream), hang], status(504, 'timeout_first_content')],
  }),
  fault('hangs in the body', {
    place: 'hasty',
    clock: 'idle',
    whole: [[head(200, jsonOf(completion)), halfCompletion, hang], status(504, 'timeout_idle')],
    stream: [[...streaming(role, hello), hang], then('Hello', 'timeout_idle')],
  }),
  fault('hangs in a frame', {
    place: 'hasty',
    clock: 'idle',
    stream: [[...streaming(role, hello, halfEvent), hang], then('Hello', 'timeout_idle')],
  }),
  fault('resets after the head', {
    whole: [[head(200, jsonOf(completion)), reset], cut],
    stream: [[head(200, eventStream), reset], cut],
  }),
  fault('resets in the body', {
    whole: [[head(200, jsonOf(completion)), halfCompletion, reset], cut],
    stream: [[...streaming(role, hello), reset], then('Hello', 'upstream_cut')],
  }),
  fault('resets in a frame', {
    stream: [[...streaming(role, hello, halfEvent), reset], then('Hello', 'upstream_cut')],
  }),
  fault('resets in a body that would end with its connection', {
    whole: [[head(200, { 'content-type': 'application/json', ...closing }), halfCompletion, reset], cut],
    stream: [
      [head(200, { 'content-type': 'text/event-stream', ...closing }), role, hello, reset],
      then('Hello', 'upstream_cut'),
    ],
  }),
  fault('ends in chunks without the last one', {
    whole: [[...growing(halfCompletion), end], cut],
    stream: [[...streaming(role, hello), end], then('Hello', 'upstream_cut')],
  }),
  fault('ends in chunks without the last one, as it had announced', {
    whole: [[head(200, { ...openJson, ...closing }), chunked(halfCompletion), end], cut],
    stream: [
      [head(200, { ...eventStream, ...closing }), chunked(role), chunked(hello), end],
      then('Hello', 'upstream_cut'),
    ],
  }),
  fault('ends in the middle of a chunk', {
    whole: [[head(200, openJson), chunked(completion).subarray(0, 100), end], cut],
    stream: [[...streaming(role, hello), chunked(there).subarray(0, 100), end], then('Hello', 'upstream_cut')],
  }),
  fault('ends before its length', {
    whole: [[head(200, jsonOf(completion)), halfCompletion, end], cut],
    stream: [
      [head(200, { 'content-type': 'text/event-stream', 'content-length': '100000' }), role, hello, end],
      then('Hello', 'upstream_cut'),
    ],
  }),
  fault('ends before its length, as it had announced', {
    whole: [[head(200, { ...jsonOf(completion), ...closing }), halfCompletion, end], cut],
    stream: [
      [head(200, { 'content-type': 'text/event-stream', 'content-length': '100000', ...closing }), role, hello, end],
      then('Hello', 'upstream_cut'),
    ],
  }),
  fault('goes on after its length', {
    whole: [[head(200, { ...jsonOf(completion) }), `${completion}{"more":1}`, end], fine],
    stream: [
      [
        head(200, {
          'content-type': 'text/event-stream',
          'content-length': String(Buffer.byteLength(rightEvents.join(''))),
        }),
        `${rightEvents.join('')}data: {"more":1}\n\n`,
        end,
      ],
      fine,
    ],
  }),
  fault('has a length that cuts it', {
    whole: [[head(200, jsonOf(halfCompletion)), completion, end], invalid],
    stream: [
      [
        head(200, { 'content-type': 'text/event-stream', 'content-length': String((role + hello).length) }),
        rightEvents.join(''),
        end,
      ],
      { client: 'Hello (no finish)', recorded: 'ok unterminated ~1+1' },
    ],
  }),
  fault('has a chunk whose size is no number', {
    whole: [[...growing(halfCompletion), 'xyz\r\n', hang], invalid],
    stream: [[...streaming(role, hello), 'xyz\r\n', hang], then('Hello', 'upstream_invalid')],
  }),
  fault('breaks off a whole answer of 400 kB', {
    whole: [
      [
        head(200, { 'content-type': 'application/json', 'content-length': '500000' }),
        '{"x":"',
        'y'.repeat(400_000),
        end,
      ],
      failed('TypeError', 'upstream_cut'),
    ],
  }),
  fault('hangs in a whole answer after 400 kB', {
    place: 'hasty',
    clock: 'idle',
    whole: [
      [
        head(200, { 'content-type': 'application/json', 'content-length': '500000' }),
        '{"x":"',
        'y'.repeat(400_000),
        hang,
      ],
      failed('TypeError', 'timeout_idle'),
    ],
  }),
]

const ends: readonly Fault[] = [
  fault('ends before anything', { whole: [whole(''), invalid], stream: [streamed(), invalid] }),
  fault('ends after comments', {
    whole: [whole('\n\n\n'), invalid],
    stream: [streamed(': ping\n\n', ': ping\n\n'), invalid],
  }),
  fault('ends after the role', {
    stream: [streamed(role), { client: '(no finish)', recorded: 'ok unterminated ~1+0' }],
  }),
  fault('ends after content', {
    stream: [streamed(role, hello, there), { client: 'Hello there (no finish)', recorded: 'ok unterminated ~1+2' }],
  }),
  fault('ends after content and usage', {
    stream: [
      streamed(role, hello, there, usage),
      { client: 'Hello there (no finish)', recorded: 'ok unterminated 3+2' },
    ],
  }),
  fault('gives no finish reason', {
    whole: [whole(completion.replace('"stop"', 'null')), { client: 'Hello there (no finish)', recorded: 'ok 3+2' }],
    stream: [
      streamed(role, hello, there, usage, done),
      { client: 'Hello there (no finish)', recorded: 'ok unterminated 3+2' },
    ],
  }),
  fault('gives no usage', {
    whole: [
      whole(JSON.stringify({ ...JSON.parse(completion), usage: undefined })),
      { client: 'Hello there (stop)', recorded: 'ok stop ~1+2' },
    ],
    stream: [streamed(role, hello, there, finish, done), { client: 'Hello there (stop)', recorded: 'ok stop ~1+2' }],
  }),
  fault('sends no [DONE]', { stream: [streamed(role, hello, there, finish, usage), fine] }),
  fault('leaves out the last blank line', {
    stream: [streamed(role, hello, there, finish, usage, 'data: [DONE]'), fine],
  }),
  fault('resets before [DONE]', {
    stream: [
      [...streaming(role, hello, there, finish, usage), reset],
      { client: 'Hello there, then APIError upstream_cut', recorded: 'error upstream_cut stop 3+2' },
    ],
  }),
  // The vendor's client leaves at [DONE]: for it the answer is whole.
  fault('ends a while after [DONE]', {
    stream: [[...streaming(...rightEvents), pause(100), lastChunk, end], fine],
  }),
  fault('hangs after [DONE]', { place: 'hasty', stream: [[...streaming(...rightEvents), hang], fine] }),
  fault('ends half a frame as if it were whole', {
    stream: [streamed(role, hello, halfEvent), { client: 'Hello, then SyntaxError', recorded: 'ok unterminated ~1+1' }],
  }),
  fault('ends half a JSON as if it were whole', { whole: [whole(halfCompletion), invalid] }),
]

const forms: readonly Fault[] = [
  fault('one byte at a time', {
    whole: [[head(200, { ...jsonOf(completion), ...closing }), bytewise(completion, 0), end], fine],
    stream: [
      [head(200, { 'content-type': 'text/event-stream', ...closing }), bytewise(rightEvents.join(''), 0), end],
      fine,
    ],
  }),
  fault('one byte a chunk and a millisecond, the head too', {
    whole: [
      [bytewise(head(200, { ...jsonOf('{"choices":[]}'), ...closing }), 1), bytewise('{"choices":[]}', 1), end],
      { client: '(no finish)', recorded: 'ok ~1+0' },
    ],
    stream: [
      [
        bytewise(head(200, { ...eventStream, ...closing }), 1),
        ...Array.from('data: {"choices":[{"delta":{"content":"é"},"finish_reason":"stop"}]}\n\n', (one) => [
          pause(1),
          ...Array.from(Buffer.from(one), (byte) => chunked(Uint8Array.of(byte))),
        ]).flat(),
        lastChunk,
        end,
      ],
      { client: 'é (stop)', recorded: 'ok stop ~1+1' },
    ],
  }),
  fault('CRLF, comments and several lines of data', {
    stream: [
      streamed(
        ...rightEvents.map((one) => `: c\r\nid: 1\r\n${one.trimEnd().replace('{"id"', '{\r\ndata: "id"')}\r\n\r\n`),
      ),
      fine,
    ],
  }),
  fault('a frame that is no JSON, in the middle', {
    whole: [whole('{"choices": [}'), invalid],
    stream: [
      streamed(role, hello, 'data: {nope\n\n', finish, usage, done),
      { client: 'Hello, then SyntaxError', recorded: 'ok stop 3+2' },
    ],
  }),
  fault('binary and NUL between frames', {
    whole: [whole(Buffer.from([0, 1, 2, 0xff, 0xfe, 0])), invalid],
    stream: [streamed(role, hello, '\u0000\u0001\n\u0000\n\n', there, finish, usage, done), fine],
  }),
  fault('binary alone', {
    whole: [whole(gzipSync(completion)), invalid],
    stream: [streamed('\u0000\u0001\u0000'), invalid],
  }),
  fault('no SSE at all', { stream: [streamed('Hello there, how are you?\n\nFine.\n'), invalid] }),
  fault('a stream where a whole answer was asked for', { whole: [streamed(...rightEvents), fine] }),
  fault('a whole answer where a stream was asked for', {
    stream: [whole(completion), fine],
  }),
  fault('a whole answer of 400 kB where a stream was asked for', {
    stream: [
      whole(completion.replace('Hello there', 'x'.repeat(400_000))),
      { ...fine, client: `${'x'.repeat(400_000)} (stop)` },
    ],
  }),
  fault('a stream that says it is JSON', {
    stream: [whole(rightEvents.join('')), invalid],
  }),
  fault('a stream that does not say what it is', {
    stream: [[head(200, closing), ...rightEvents, end], fine],
  }),
  fault('a stream that says it is plain text', {
    stream: [whole(rightEvents.join(''), { 'content-type': 'text/plain' }), fine],
  }),
  both('HTML with 200', whole('<html>Sign in</html>', { 'content-type': 'text/html' }), invalid),
  fault('a line that never ends', {
    place: 'hasty',
    clock: 'first_content',
    stream: [
      [head(200, eventStream), chunked('data: '), forever(chunked('x'.repeat(100)), 10)],
      status(504, 'timeout_first_content'),
    ],
  }),
  fault('a line that never ends, after content', {
    place: 'hasty',
    clock: 'total',
    whole: [[...growing('{"x":"'), forever(chunked('y'.repeat(100)), 10)], status(504, 'timeout_total')],
    stream: [
      [...streaming(role, hello), chunked(`data: ${'x'.repeat(100_000)}`), forever(chunked('x'.repeat(100)), 10)],
      torn('timeout_total'),
    ],
  }),
  fault('comments for ever', {
    place: 'hasty',
    clock: 'first_content',
    whole: [[...growing(), forever(chunked('\n'), 50)], status(504, 'timeout_first_content')],
    stream: [[head(200, eventStream), forever(chunked(': ping\n\n'), 50)], status(504, 'timeout_first_content')],
  }),
  fault('the role, then comments for ever', {
    place: 'hasty',
    clock: 'first_content',
    stream: [[...streaming(role), forever(chunked(': ping\n\n'), 50)], then('nothing', 'timeout_first_content')],
  }),
  fault('the role for ever', {
    place: 'hasty',
    clock: 'first_content',
    stream: [[...streaming(), forever(chunked(role), 50)], then('nothing', 'timeout_first_content')],
  }),
  fault('content, then comments for ever', {
    place: 'hasty',
    clock: 'total',
    stream: [[...streaming(role, hello), forever(chunked(': ping\n\n'), 50)], then('Hello', 'timeout_total')],
  }),
  fault('comments for a while, then an answer', {
    whole: [
      [
        head(200, { ...openJson, ...closing }),
        ...Array.from({ length: 12 }, () => [chunked('\n'), pause(100)]).flat(),
        chunked(completion),
        lastChunk,
        end,
      ],
      fine,
    ],
    stream: [
      [
        head(200, { ...eventStream, ...closing }),
        ...Array.from({ length: 12 }, () => [chunked(': ping\n\n'), pause(100)]).flat(),
        ...rightEvents.map(chunked),
        lastChunk,
        end,
      ],
      fine,
    ],
  }),
]

const encodings: readonly Fault[] = [
  ...(
    [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const
  ).flatMap(([name, pack]) => {
    const body = pack(completion)
    const stream = pack(rightEvents.join(''))
    const headers = { ...eventStream, ...closing, 'content-encoding': name }
    const open = { 'content-type': 'application/json', ...closing, 'content-encoding': name }
    return [
      fault(`${name}, unasked`, {
        whole: [whole(body, { 'content-encoding': name }), fine],
        stream: [[head(200, headers), chunked(stream), lastChunk, end], fine],
      }),
      fault(`${name} that ends too early`, {
        whole: [[head(200, open), body.subarray(0, body.length - 12), end], cut],
      }),
    ]
  }),
  fault('gzip of a stream that ends too early', {
    stream: [
      [head(200, { ...eventStream, ...closing, 'content-encoding': 'gzip' }), ...gzipOf(role, hello), lastChunk, end],
      then('Hello', 'upstream_cut'),
    ],
  }),
  both('gzip that is none', whole(completion, { 'content-encoding': 'gzip' }), invalid),
  fault('an encoding that nobody knows', {
    whole: [whole(completion, { 'content-encoding': 'snappy' }), invalid],
    stream: [
      [head(200, { ...eventStream, ...closing, 'content-encoding': 'snappy' }), chunked(hello), lastChunk, end],
      invalid,
    ],
  }),
  both(
    'gzip of a refusal',
    answered(429, gzipSync(error({ message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' })), {
      'content-encoding': 'gzip',
    }),
    status(429, 'rate_limit_exceeded', 'rate_limited'),
  ),
]

/** Frames packed so that each can be unpacked as it comes, and no end. */
function gzipOf(...written: readonly string[]): readonly Buffer[] {
  const all = gzipSync(written.join(''), { level: 0 })
  // Stored, not packed: what is left out is the sum and the length at the end.
  return [chunked(all.subarray(0, all.length - 8))]
}

const limited = { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' }
const rateLimited = status(429, 'rate_limit_exceeded', 'rate_limited')

/** An error where an answer was promised with 200. */
const disguised: readonly Fault[] = [
  ...(
    [
      ['a rate limit', limited, rateLimited],
      ['an overload', { message: 'Overloaded', type: 'overloaded_error' }, status(503, 'upstream_overloaded')],
      ['a numeric code', { message: 'Provider returned error', code: 429 }, rateLimited],
      [
        'a numeric code of another kind',
        { message: 'No credits', code: 402 },
        status(402, 'insufficient_quota', 'quota_exceeded'),
      ],
      ['a numeric code as text', { message: 'Busy', code: '503' }, status(503, '503', 'upstream_overloaded')],
      ['a plain text', 'The model exploded.', status(502, 'upstream_error')],
      ['a server error', { message: 'Oh no', type: 'server_error', code: null }, status(502, 'upstream_error')],
      ['a number that is no status', { message: 'Oh no', code: 7 }, status(502, 'upstream_error')],
    ] as const
  ).flatMap(([name, fields, is]) => [
    fault(`200, but ${name}`, { whole: [whole(error(fields)), is], stream: [streamed(event({ error: fields })), is] }),
  ]),
  fault('200, but a rate limit after comments', {
    stream: [
      streamed(': OPENROUTER PROCESSING\n\n', ': OPENROUTER PROCESSING\n\n', event({ error: limited })),
      rateLimited,
    ],
  }),
  fault('200, but a rate limit in a chunk', {
    stream: [
      streamed(
        event({
          id: 'gen-1',
          object: 'chat.completion.chunk',
          choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
          error: { message: 'Slow down.', code: 429 },
        }),
      ),
      rateLimited,
    ],
  }),
  fault('200, but a named error event', {
    stream: [
      streamed(`event: error\n${event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })}`),
      status(503, 'upstream_overloaded'),
    ],
  }),
  fault('200, but an error as JSON in place of a stream', { stream: [whole(error(limited)), rateLimited] }),
  fault('200, but an error as JSON that says it is a stream', { stream: [streamed(error(limited)), invalid] }),
  fault('200, then hangs after an error', {
    stream: [[...streaming(event({ error: limited })), hang], rateLimited],
  }),
  fault('an error after the role', {
    stream: [streamed(role, event({ error: limited })), then('nothing', 'rate_limit_exceeded')],
  }),
  fault('an error after content', {
    stream: [streamed(role, hello, event({ error: limited })), then('Hello', 'rate_limit_exceeded')],
  }),
  fault('an error after content, and [DONE]', {
    stream: [streamed(role, hello, event({ error: limited }), done), then('Hello', 'rate_limit_exceeded')],
  }),
  fault('an error after content, then a reset', {
    stream: [[...streaming(role, hello, event({ error: limited })), reset], then('Hello', 'rate_limit_exceeded')],
  }),
  fault('comments for a while, then an error', {
    stream: [
      [
        head(200, { ...eventStream, ...closing }),
        ...Array.from({ length: 12 }, () => [chunked(': ping\n\n'), pause(100)]).flat(),
        chunked(event({ error: limited })),
        lastChunk,
        end,
      ],
      then('nothing', 'rate_limit_exceeded', 'rate_limited'),
    ],
  }),
]

const bodies = {
  vendor: error({ message: 'No.', type: 'odd', param: null, code: 'odd_code' }),
  list: `[${error({ message: 'No.', code: 1, status: 'ODD' })}]`,
  text: error('No.'),
  detail: '{"detail":"No."}',
  html: '<html><title>No</title><body>No.</body></html>',
  nothing: '',
} as const

/** A status, the form of its body, the code that the client reads, and the one that is recorded. */
const statuses: readonly Fault[] = (
  [
    [400, 'vendor', 'odd_code', 'bad_request'],
    [401, 'detail', 'invalid_api_key', 'unauthorized'],
    [402, 'text', 'insufficient_quota', 'quota_exceeded'],
    [403, 'list', 'permission_denied', 'permission_denied'],
    [404, 'nothing', 'model_not_found', 'model_not_found'],
    [408, 'html', 'timeout_headers', 'timeout_headers'],
    [409, 'detail', 'bad_request', 'bad_request'],
    [413, 'html', 'body_too_large', 'body_too_large'],
    [422, 'detail', 'bad_request', 'bad_request'],
    [424, 'text', 'bad_request', 'bad_request'],
    [429, 'nothing', 'rate_limit_exceeded', 'rate_limited'],
    [498, 'vendor', 'odd_code', 'upstream_overloaded'],
    [500, 'vendor', 'odd_code', 'upstream_error'],
    [502, 'html', 'upstream_error', 'upstream_error'],
    [503, 'list', 'upstream_overloaded', 'upstream_overloaded'],
    [504, 'nothing', 'timeout_headers', 'timeout_headers'],
    [520, 'html', 'upstream_error', 'upstream_error'],
    [524, 'html', 'upstream_error', 'upstream_error'],
    [529, 'text', 'upstream_overloaded', 'upstream_overloaded'],
  ] as const
).map(([number, form, code, recorded]) =>
  both(`answers ${number} with ${form}`, answered(number, bodies[form]), status(number, code, recorded)),
)

const brokenRefusals: readonly Fault[] = [
  both('refuses with half a body', [head(429, jsonOf(bodies.vendor)), halfOf(bodies.vendor), end], rateLimited),
  both('refuses and hangs', [head(429, jsonOf(bodies.vendor)), hang], rateLimited, {
    place: 'hasty',
    clock: 'first_content',
  }),
]

/** What becomes of a second request on a connection; the first one, and one on a fresh connection, are answered well. */
const onceUsed =
  (...steps: Steps): Script =>
  (request) =>
    request.number === 1 ? rightAnswer(request) : steps

const kept = (name: string, does: Script, is: Outcome, rest: Pick<Fault, 'requests' | 'clock'> = {}): Fault => ({
  name,
  place: 'kept',
  whole: { does, is },
  stream: { does, is },
  ...rest,
})

const keptAlive: readonly Fault[] = [
  kept('a used connection serves again', rightAnswer, fine),
  kept('a used connection ends when it is used again', onceUsed(end), fine, { requests: 2 }),
  kept('a used connection is reset when it is used again', onceUsed(reset), fine, { requests: 2 }),
  kept('a used connection ends, and so does a fresh one', () => [end], cut, { requests: 2 }),
  kept('a used connection is reset, and so is a fresh one', () => [reset], cut, { requests: 2 }),
  kept('a used connection ends within its headers', onceUsed('HTTP/1.1 2', end), cut),
  kept('a used connection hangs', onceUsed(hang), status(504, 'timeout_headers'), { clock: 'headers' }),
]

export const faults: readonly Fault[] = [
  ...connections,
  ...heads,
  ...cuts,
  ...ends,
  ...forms,
  ...encodings,
  ...disguised,
  ...statuses,
  ...brokenRefusals,
  ...keptAlive,
]
