/** What went wrong at a provider, as each client is told: under its status, in its words, before and in a stream. */
import { describe, expect, test } from 'vitest'
import { type ErrorCode, errors, GatewayError } from '../../src/core/error.ts'
import { runStep } from '../../src/core/steps.ts'
import { dialectOf } from '../recordings/matrix/formats.ts'
import { answerFrom, brokenFrom, brokenTo, type Target, targets, type Wire } from './answer-kit.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** How each provider says an error in a body. */
const bodies: Readonly<Record<Target, (message: string, type?: string) => unknown>> = {
  'openai-chat': (message) => ({ error: { message, type: 'invalid_request_error', param: null, code: null } }),
  'openai-responses': (message) => ({ error: { message, type: 'invalid_request_error', param: null, code: null } }),
  'anthropic-messages': (message) => ({ type: 'error', error: { type: 'invalid_request_error', message } }),
  gemini: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
  'bedrock-converse': (message) => ({ __type: 'ValidationException', message }),
}

const contextTexts = [
  'Your input exceeds the context window of this model. Please adjust your input and try again.',
  'prompt is too long: 3333404 tokens > 200000 maximum',
  'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens`',
  'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).',
  'Input Tokens Exceeded: Number of input tokens exceeds maximum length',
  'Input is too long for requested model.',
  "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens",
  'prompt too long; exceeded max context length by 4 tokens',
  "This endpoint's maximum context length is 131072 tokens.",
]

/** What the clients of each dialect look for, to shorten the conversation and go on. */
const tooLong: Readonly<Record<Target, RegExp>> = {
  'openai-chat': /"code":"context_length_exceeded"/,
  'openai-responses': /"code":"context_length_exceeded"/,
  'anthropic-messages': /"type":"invalid_request_error".*prompt is too long/,
  gemini: /input token count.*exceeds the maximum number of tokens allowed/,
  'bedrock-converse': /Input is too long|prompt is too long/i,
}

describe('a conversation that is too long', () => {
  for (const from of targets) {
    for (const text of contextTexts) {
      test(`is one, whichever host speaks ${from}: ${text.slice(0, 40)}`, () => {
        const { error } = dialectOf(from).readError(400, json(bodies[from](text)))
        expect(error.code).toBe('context_length')
        expect(error.status).toBe(400)
        expect(error.message).toContain(text)
        for (const to of targets) {
          const told = dialectOf(to).encodeError(error)
          expect(told).toMatch(tooLong[to])
          expect(dialectOf(to).readError(400, Buffer.from(told)).error.code).toBe('context_length')
        }
      })
    }
    for (const text of ['`max_tokens` is too large: 99999', 'The tool name is too long.', 'messages: at least one'])
      test(`is none of ${from} where something else is at fault: ${text}`, () => {
        expect(dialectOf(from).readError(400, json(bodies[from](text))).error.code).toBe('bad_request')
      })
  }
})

interface Sign {
  readonly from: Target
  readonly status: number
  readonly body: unknown
  readonly code: ErrorCode
  readonly told: number
  readonly headers?: Readonly<Record<string, string>>
}

const google = (code: number, status: string, message: string, reason?: string): unknown => ({
  error: { code, message, status, ...(reason && { details: [{ reason }] }) },
})
const amazon = (type: string): Readonly<Record<string, string>> => ({
  'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/`,
})
const claude = (type: string, message = 'No.'): unknown => ({ type: 'error', error: { type, message } })
const openai = (code: string, type = 'invalid_request_error'): unknown => ({
  error: { message: 'No.', type, param: null, code },
})

const signs: readonly Sign[] = [
  { from: 'openai-chat', status: 401, body: openai('invalid_api_key'), code: 'unauthorized', told: 401 },
  {
    from: 'openai-chat',
    status: 400,
    body: { code: 'x', error: 'Incorrect API key provided: a***b.' },
    code: 'unauthorized',
    told: 401,
  },
  { from: 'openai-chat', status: 404, body: openai('model_not_found'), code: 'model_not_found', told: 404 },
  { from: 'openai-responses', status: 400, body: openai('model_not_found'), code: 'model_not_found', told: 400 },
  { from: 'openai-chat', status: 429, body: openai('rate_limit_exceeded', 'tokens'), code: 'rate_limited', told: 429 },
  {
    from: 'openai-chat',
    status: 429,
    body: openai('insufficient_quota', 'insufficient_quota'),
    code: 'quota_exceeded',
    told: 429,
  },
  {
    from: 'openai-chat',
    status: 402,
    body: { error: { message: 'Insufficient credits', code: 402 } },
    code: 'quota_exceeded',
    told: 402,
  },
  { from: 'openai-chat', status: 400, body: openai('content_filter'), code: 'content_filter', told: 400 },
  { from: 'openai-chat', status: 498, body: {}, code: 'upstream_overloaded', told: 498 },
  {
    from: 'openai-chat',
    status: 422,
    body: { detail: [{ loc: ['body'], msg: 'extra' }] },
    code: 'bad_request',
    told: 422,
  },
  { from: 'openai-chat', status: 520, body: 'x', code: 'upstream_error', told: 520 },
  { from: 'anthropic-messages', status: 401, body: claude('authentication_error'), code: 'unauthorized', told: 401 },
  { from: 'anthropic-messages', status: 403, body: claude('permission_error'), code: 'permission_denied', told: 403 },
  { from: 'anthropic-messages', status: 404, body: claude('not_found_error'), code: 'model_not_found', told: 404 },
  { from: 'anthropic-messages', status: 413, body: claude('request_too_large'), code: 'body_too_large', told: 413 },
  { from: 'anthropic-messages', status: 429, body: claude('rate_limit_error'), code: 'rate_limited', told: 429 },
  {
    from: 'anthropic-messages',
    status: 400,
    body: claude('invalid_request_error', 'Your credit balance is too low'),
    code: 'quota_exceeded',
    told: 400,
  },
  { from: 'anthropic-messages', status: 402, body: claude('billing_error'), code: 'quota_exceeded', told: 402 },
  { from: 'anthropic-messages', status: 500, body: claude('api_error'), code: 'upstream_error', told: 500 },
  { from: 'anthropic-messages', status: 529, body: claude('overloaded_error'), code: 'upstream_overloaded', told: 529 },
  {
    from: 'gemini',
    status: 400,
    body: google(400, 'INVALID_ARGUMENT', 'API key not valid.', 'API_KEY_INVALID'),
    code: 'unauthorized',
    told: 401,
  },
  { from: 'gemini', status: 403, body: google(403, 'PERMISSION_DENIED', 'No.'), code: 'permission_denied', told: 403 },
  { from: 'gemini', status: 404, body: google(404, 'NOT_FOUND', 'No.'), code: 'model_not_found', told: 404 },
  { from: 'gemini', status: 429, body: google(429, 'RESOURCE_EXHAUSTED', 'No.'), code: 'rate_limited', told: 429 },
  {
    from: 'gemini',
    status: 503,
    body: google(503, 'UNAVAILABLE', 'Overloaded.'),
    code: 'upstream_overloaded',
    told: 503,
  },
  { from: 'gemini', status: 504, body: [google(504, 'DEADLINE_EXCEEDED', 'No.')], code: 'timeout_headers', told: 504 },
  {
    from: 'bedrock-converse',
    status: 403,
    body: { message: 'The security token is invalid.' },
    headers: amazon('UnrecognizedClientException'),
    code: 'unauthorized',
    told: 401,
  },
  {
    from: 'bedrock-converse',
    status: 403,
    body: { message: 'No.' },
    headers: amazon('ExpiredTokenException'),
    code: 'unauthorized',
    told: 401,
  },
  {
    from: 'bedrock-converse',
    status: 403,
    body: { message: 'No.' },
    headers: amazon('AccessDeniedException'),
    code: 'permission_denied',
    told: 403,
  },
  {
    from: 'bedrock-converse',
    status: 400,
    body: { message: 'The provided model identifier is invalid.' },
    headers: amazon('ValidationException'),
    code: 'model_not_found',
    told: 404,
  },
  {
    from: 'bedrock-converse',
    status: 424,
    body: { message: 'No.' },
    headers: amazon('ModelErrorException'),
    code: 'upstream_error',
    told: 502,
  },
  {
    from: 'bedrock-converse',
    status: 429,
    body: { message: 'Too many tokens' },
    headers: amazon('ThrottlingException'),
    code: 'rate_limited',
    told: 429,
  },
  {
    from: 'bedrock-converse',
    status: 429,
    body: { message: 'No.' },
    headers: amazon('ModelNotReadyException'),
    code: 'upstream_overloaded',
    told: 429,
  },
]

describe('an error of a provider', () => {
  for (const { from, status, body, code, told, headers } of signs) {
    test(`${from} ${status} ${JSON.stringify(body).slice(0, 60)} is ${code}`, () => {
      const { error } = dialectOf(from).readError(status, json(body), headers)
      expect(error.code).toBe(code)
      expect(error.status).toBe(told)
      expect(error.message).not.toBe('')
    })
  }
})

/** What each dialect's clients switch on. */
const words: Readonly<Partial<Record<ErrorCode, Readonly<Partial<Record<Target, string>>>>>> = {
  unauthorized: {
    'openai-chat': 'invalid_api_key',
    'anthropic-messages': 'authentication_error',
    gemini: 'UNAUTHENTICATED',
  },
  permission_denied: {
    'openai-chat': 'permission_error',
    'anthropic-messages': 'permission_error',
    gemini: 'PERMISSION_DENIED',
  },
  model_not_found: { 'openai-chat': 'model_not_found', 'anthropic-messages': 'not_found_error', gemini: 'NOT_FOUND' },
  content_filter: {
    'openai-chat': 'content_filter',
    'anthropic-messages': 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
  },
  rate_limited: {
    'openai-chat': 'rate_limit_exceeded',
    'anthropic-messages': 'rate_limit_error',
    gemini: 'RESOURCE_EXHAUSTED',
  },
  quota_exceeded: {
    'openai-chat': 'insufficient_quota',
    'anthropic-messages': 'billing_error',
    gemini: 'RESOURCE_EXHAUSTED',
  },
  upstream_overloaded: {
    'openai-chat': 'server_error',
    'anthropic-messages': 'overloaded_error',
    gemini: 'UNAVAILABLE',
  },
  timeout_headers: {
    'openai-chat': 'server_error',
    'anthropic-messages': 'timeout_error',
    gemini: 'DEADLINE_EXCEEDED',
  },
  upstream_error: { 'openai-chat': 'server_error', 'anthropic-messages': 'api_error', gemini: 'UNAVAILABLE' },
  upstream_cut: { 'openai-chat': 'server_error', 'anthropic-messages': 'api_error', gemini: 'UNAVAILABLE' },
  body_too_large: {
    'openai-chat': 'invalid_request_error',
    'anthropic-messages': 'request_too_large',
    gemini: 'INVALID_ARGUMENT',
  },
}

describe('an error, as clients know it', () => {
  for (const [code, told] of Object.entries(words) as [ErrorCode, Readonly<Partial<Record<Target, string>>>][]) {
    for (const [to, word] of Object.entries(told) as [Target, string][]) {
      test(`${code} is ${word} for clients of ${to}`, () => {
        const said = dialectOf(to).encodeError(new GatewayError(code, 'No.'))
        expect(said).toContain(`"${word}"`)
        expect(said).toContain('No.')
      })
    }
  }
  for (const to of targets) {
    for (const code of Object.keys(words) as ErrorCode[]) {
      test(`${code} comes back as what clients of ${to} may try next`, () => {
        const error = new GatewayError(code, 'No.')
        const back = dialectOf(to).readError(error.status, Buffer.from(dialectOf(to).encodeError(error))).error
        expect(back.message).toContain('No.')
        // A quota that is used up has no word of its own at Google and Amazon.
        const isKnown = to !== 'bedrock-converse' && to !== 'gemini'
        if (isKnown || code !== 'quota_exceeded') expect(errors[back.code].status).toBe(errors[code].status)
      })
    }
  }
})

describe('a body that is no error object', () => {
  const odd: Readonly<Record<string, readonly [Buffer, string]>> = {
    text: [Buffer.from('upstream connect error'), 'upstream connect error'],
    HTML: [
      Buffer.from('<html><head><title>502</title></head><body><h1>Bad   gateway</h1></body></html>'),
      'Bad gateway',
    ],
    nothing: [Buffer.alloc(0), 'gave no reason'],
    'an error that is a string': [json({ error: 'model not loaded' }), 'model not loaded'],
    'a list of one': [json([{ error: { code: 500, message: 'Listed.', status: 'INTERNAL' } }]), 'Listed.'],
    'a detail': [json({ detail: 'Not this.' }), 'Not this.'],
    'a message': [json({ message: 'Just this.' }), 'Just this.'],
    null: [json(null), ''],
    'a number': [json(7), ''],
    'bytes that are no text': [Buffer.from([0xff, 0xfe, 0xc3]), ''],
    'half an object': [Buffer.from('{"error":{"message":"cut'), 'cut'],
  }
  for (const from of targets) {
    for (const [name, [body, words]] of Object.entries(odd)) {
      test(`${name} keeps its status and its words, from ${from}`, () => {
        for (const status of [400, 429, 500, 503]) {
          const { error } = dialectOf(from).readError(status, body)
          expect(error.status).toBe(status)
          expect(error.message).toContain(words)
          expect(error.message.length).toBeLessThan(600)
          for (const to of targets) JSON.parse(dialectOf(to).encodeError(error))
        }
      })
    }
  }
})

const chunk = (delta: object, finish_reason: string | null = null): Wire => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_790_000_000,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})
const begun: Readonly<Record<Target, readonly Wire[]>> = {
  'openai-chat': [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Hi' }),
    chunk({ tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'f', arguments: '{"a":' } }] }),
  ],
  'openai-responses': [
    { type: 'response.created', response: { id: 'resp_1', object: 'response', status: 'in_progress', output: [] } },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { id: 'm', type: 'message', role: 'assistant', content: [] },
    },
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'm', delta: 'Hi' },
  ],
  'anthropic-messages': [
    { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [] } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
  ],
  gemini: [{ candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, index: 0 }] }],
  'bedrock-converse': [
    ['messageStart', { role: 'assistant' }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hi' } }],
  ],
}

/** An error in each provider's form, in mid-stream. */
const midway: readonly (readonly [Target, Wire, ErrorCode])[] = [
  ['openai-chat', { error: { message: 'Too busy.', type: 'server_error', code: 'overloaded' } }, 'upstream_overloaded'],
  [
    'openai-chat',
    { error: { message: 'Too fast.', type: 'rate_limit_error', code: 'rate_limit_exceeded' } },
    'rate_limited',
  ],
  [
    'openai-chat',
    { error: { message: 'Too fast.', code: 429 }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
    'rate_limited',
  ],
  ['openai-chat', ['error', { error: { message: 'No valid call.', status_code: 400 } }], 'bad_request'],
  [
    'openai-chat',
    { choices: [{ index: 0, delta: {}, error: { message: 'Gone.', code: 503 } }] },
    'upstream_overloaded',
  ],
  [
    'openai-responses',
    { type: 'error', code: 'rate_limit_exceeded', message: 'Too fast.', param: null },
    'rate_limited',
  ],
  ['openai-responses', { type: 'error', error: { code: 'rate_limit_exceeded', message: 'Too fast.' } }, 'rate_limited'],
  [
    'openai-responses',
    {
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'server_error', message: 'Broken.' }, output: [] },
    },
    'upstream_error',
  ],
  [
    'anthropic-messages',
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    'upstream_overloaded',
  ],
  ['anthropic-messages', { type: 'error', error: { type: 'rate_limit_error', message: 'Too fast.' } }, 'rate_limited'],
  ['gemini', { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } }, 'upstream_overloaded'],
  ['gemini', [{ error: { code: 429, message: 'Too fast.', status: 'RESOURCE_EXHAUSTED' } }], 'rate_limited'],
  ['bedrock-converse', ['exception:throttlingException', { message: 'Too fast.' }], 'rate_limited'],
  ['bedrock-converse', ['exception:serviceUnavailableException', { message: 'Gone.' }], 'upstream_overloaded'],
  ['bedrock-converse', ['exception:modelStreamErrorException', { message: 'Broken.' }], 'upstream_error'],
]

/** What a client would take for the end of a whole answer. */
const endings: Readonly<Record<Target, RegExp>> = {
  'openai-chat': /\[DONE\]|"finish_reason":"/,
  'openai-responses': /response\.(completed|incomplete)"/,
  'anthropic-messages': /message_stop|"stop_reason":"/,
  gemini: /"finishReason"/,
  'bedrock-converse': /messageStop/,
}

/** By what the clients of each dialect see that it failed. */
const failures: Readonly<Record<Target, RegExp>> = {
  'openai-chat': /\n\ndata: \{"error":\{[^\n]*\}\}\n\n$/,
  'openai-responses': /\n\nevent: error\ndata: \{"type":"error",[^\n]*\}\n\n$/,
  'anthropic-messages': /\n\nevent: error\ndata: \{"type":"error",[^\n]*\}\n\n$/,
  gemini: /\r\n\r\ndata: \{"error":\{[^\n]*\}\}\r\n\r\n$/,
  'bedrock-converse': /:exception-type.*Exception/,
}

describe('a stream that breaks', () => {
  for (const to of targets) {
    for (const from of targets) {
      for (const places of Array.from({ length: begun[from].length + 1 }, (_, count) => count)) {
        test(`after ${places} events of ${from} is no whole answer, for clients of ${to}`, () => {
          const broken = brokenFrom(from, begun[from].slice(0, places))
          expect(broken.error).toMatchObject({ code: 'upstream_cut' })
          const seen = brokenTo(to, broken).toString('latin1')
          expect(seen).not.toMatch(endings[to])
          expect(seen).toMatch(failures[to])
        })
      }
    }
    for (const [from, wire, code] of midway) {
      for (const places of [0, begun[from].length]) {
        test(`by ${code} of ${from} after ${places} events, for clients of ${to}: ${JSON.stringify(wire).slice(0, 50)}`, () => {
          const broken = brokenFrom(from, [...begun[from].slice(0, places), wireOf(from, wire)])
          expect(broken.error).toMatchObject({ code })
          const seen = brokenTo(to, broken).toString('latin1')
          expect(seen).not.toMatch(endings[to])
          expect(seen).toMatch(failures[to])
          // What a client of the dialect reads from it is the same failure again.
          const again = brokenTo(to, broken)
          const { framing } = dialectOf(to)
          const frames = runStep(framing.split(), [again])
          const decoder = dialectOf(to).decodeStream()
          expect(() => frames.flatMap((frame) => decoder.next(frame))).toThrow(GatewayError)
        })
      }
    }
  }
  test('by something that is no JSON is invalid, whoever sent it', () => {
    for (const from of targets) {
      const wire: Wire = from === 'bedrock-converse' ? 'no json' : '{"choices":[{"delta":{"content":"cut'
      expect(brokenFrom(from, [...begun[from], wire]).error).toMatchObject({ code: 'upstream_invalid' })
    }
  })
})

/** Google puts a single error in a list; a pair is an event with its name. */
const wireOf = (from: Target, wire: Wire): Wire =>
  from === 'gemini' && Array.isArray(wire) ? JSON.stringify(wire) : wire

describe('an error under a good status', () => {
  const disguised: readonly (readonly [Target, unknown, ErrorCode])[] = [
    ['openai-chat', { error: { message: 'Too fast.', code: 429 } }, 'rate_limited'],
    ['openai-chat', { error: 'Model is overloaded' }, 'upstream_overloaded'],
    [
      'openai-chat',
      { id: 'x', choices: [{ index: 0, error: { message: 'Gone.', code: 502 }, message: {} }] },
      'upstream_error',
    ],
    ['openai-chat', { object: 'error', message: 'Bad.', type: 'BadRequestError', code: 400 }, 'bad_request'],
    [
      'openai-responses',
      { status: 'failed', error: { code: 'server_error', message: 'Broken.' }, output: [] },
      'upstream_error',
    ],
    [
      'openai-responses',
      { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'No.' }, output: [] },
      'rate_limited',
    ],
    [
      'anthropic-messages',
      { type: 'error', error: { type: 'overloaded_error', message: 'No.' } },
      'upstream_overloaded',
    ],
    ['gemini', { promptFeedback: { blockReason: 'SAFETY' } }, 'content_filter'],
    [
      'gemini',
      { promptFeedback: { blockReason: 'MODEL_ARMOR' }, usageMetadata: { promptTokenCount: 3 } },
      'content_filter',
    ],
    ['gemini', [{ error: { code: 503, message: 'No.', status: 'UNAVAILABLE' } }], 'upstream_overloaded'],
    ['bedrock-converse', { __type: 'ThrottlingException', message: 'No.' }, 'rate_limited'],
  ]
  for (const [from, body, code] of disguised) {
    test(`of ${from} is one: ${JSON.stringify(body).slice(0, 70)}`, () => {
      expect(() => answerFrom(from, body)).toThrow(expect.objectContaining({ code }))
    })
  }
})
