import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, GatewayError } from '../../core/error.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'

const read = (status: number, body: unknown): ReturnType<typeof readError> =>
  readError(status, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

describe("a provider's error", () => {
  test.each<[form: string, body: unknown, message: string]>([
    ['an object', { error: { message: 'No.' } }, 'No.'],
    ['a text', { error: 'No.' }, 'No.'],
    ['a list of one', [{ error: { message: 'No.', code: 400, status: 'INVALID_ARGUMENT' } }], 'No.'],
    ['detail', { detail: 'No.' }, 'No.'],
    ['a detail that is a list', { detail: [{ loc: ['body'] }] }, '{"detail":[{"loc":["body"]}]}'],
    ['message', { message: 'No.', request_id: 'r' }, 'No.'],
    ['an error within an error', { error: { error: 'No.' } }, 'No.'],
    ['an empty message', { error: { message: '', type: 't' } }, '{"message":"","type":"t"}'],
    ['an object without words', { error: { reason: 7 } }, '{"reason":7}'],
    ['a JSON text', '"No."', 'No.'],
    ['plain text', ' No.\r\n', 'No.'],
    ['HTML', '<html><head>\n<title>502</title></head><body><h1>Bad Gateway</h1></body></html>', '502 Bad Gateway'],
    ['nothing', '', 'The provider gave no reason.'],
    ['tags alone', '<br/>', 'The provider gave no reason.'],
    ['null', 'null', 'null'],
    ['an empty list', '[]', '[]'],
  ])('as %s has a message', (_form, body, message) => {
    expect(read(400, body).error.message).toBe(message)
  })

  test('that is not text says so', () => {
    const { error, asItCame } = readError(502, Buffer.from([0x1f, 0x8b, 0xff]))
    expect(error.message).toBe("The provider's reason cannot be read: it is not text.")
    expect(asItCame).toBe(false)
  })

  test('of great length is cut where nobody could read it, and kept where it was meant to be read', () => {
    expect(read(500, 'x'.repeat(1_000)).error.message).toBe(`${'x'.repeat(400)}…`)
    expect(read(500, { error: { message: 'x'.repeat(1_000) } }).error.message).toHaveLength(1_000)
  })

  test('keeps its parameter and its code', () => {
    const { error } = read(400, { error: { message: 'No.', type: 't', param: 'tools[0]', code: 'odd' } })
    expect(error.details).toMatchObject({ param: 'tools[0]', openaiCode: 'odd', status: 400 })
  })

  test.each<[status: number, body: unknown, code: ErrorCode]>([
    [400, { error: { message: 'No.', code: 'context_length_exceeded' } }, 'context_length'],
    [400, { error: { message: 'No.', type: 'too_many_prompt_tokens', code: 400 } }, 'context_length'],
    [400, { error: { message: "This endpoint's maximum context length is 9 tokens." } }, 'context_length'],
    [400, { message: 'prompt is too long: 9 tokens' }, 'context_length'],
    [429, { error: { message: 'No.', type: 'insufficient_quota' } }, 'quota_exceeded'],
    [429, { error: { message: 'No.', code: 'rate_limit_exceeded' } }, 'rate_limited'],
    [400, { error: { message: 'No.', code: 'content_filter' } }, 'content_filter'],
    [400, { error: { message: 'No.', code: 'model_not_found' } }, 'model_not_found'],
    [400, { error: { message: 'No.' } }, 'bad_request'],
    [401, { detail: 'No.' }, 'unauthorized'],
    [402, { error: { message: 'No.', code: 402 } }, 'quota_exceeded'],
    [403, '', 'permission_denied'],
    [404, '', 'model_not_found'],
    [408, '', 'timeout_headers'],
    [413, '', 'body_too_large'],
    [418, '', 'bad_request'],
    [498, '', 'upstream_overloaded'],
    [500, '', 'upstream_error'],
    [502, '', 'upstream_error'],
    [503, '', 'upstream_overloaded'],
    [504, '', 'timeout_headers'],
    [529, '', 'upstream_overloaded'],
  ])('of status %i with %j is %s', (status, body, code) => {
    const { error } = read(status, body)
    expect({ code: error.code, status: error.status }).toEqual({ code, status })
  })

  test.each<[body: unknown]>([
    [{ error: { message: 'Incorrect API key provided: xai-1.', code: 'odd' } }],
    [[{ error: { message: 'API key not valid. Please pass a valid API key.', code: 400 } }]],
    [{ error: { message: 'No.', code: 'invalid_api_key' } }],
    [{ error: 'Invalid API key' }],
  ])('about a bad key is 401 even as a 400: %j', (body) => {
    const { error, asItCame } = read(400, body)
    expect({ code: error.code, status: error.status, asItCame }).toEqual({
      code: 'unauthorized',
      status: 401,
      asItCame: false,
    })
  })

  test.each<[body: unknown, asItCame: boolean]>([
    [{ error: { message: 'No.', type: 'invalid_request_error', param: null, code: null } }, true],
    [{ error: { message: 'No.', code: 'odd', more: { kept: true } } }, true],
    [{ error: { message: 'No.', type: null, code: 'odd' } }, true],
    [{ error: { message: 'No.' } }, false],
    [{ error: { message: 'No.', code: 402 } }, false],
    [{ error: { message: 'No.', type: 't', code: 402 } }, false],
    [{ error: { type: 't' } }, false],
    [{ error: 'No.' }, false],
    [[{ error: { message: 'No.', type: 't' } }], false],
    [{ detail: 'No.' }, false],
    ['null', false],
    ['<html></html>', false],
  ])('%j passes as it came: %s', (body, asItCame) => {
    expect(read(400, body).asItCame).toBe(asItCame)
  })
})

describe('an error under a good status', () => {
  const disguised = (body: unknown): GatewayError =>
    readDisguised(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

  test.each<[status: number, code: ErrorCode, body: unknown]>([
    // By its number, as OpenRouter and Google write it.
    [429, 'rate_limited', { error: { message: 'No.', code: 429, metadata: { provider_name: 'p' } } }],
    [502, 'upstream_error', { error: { message: 'No.', code: 502 } }],
    [503, 'upstream_overloaded', [{ error: { message: 'No.', code: 503, status: 'UNAVAILABLE' } }]],
    [429, 'rate_limited', { error: { message: 'No.', code: '429' } }],
    [402, 'quota_exceeded', { error: { message: 'No.', status: 402 } }],
    [401, 'unauthorized', { error: { message: 'No.', code: 401 } }],
    [529, 'upstream_overloaded', { code: 529, message: 'No.' }],
    // By its name.
    [429, 'rate_limited', { error: { message: 'No.', type: 'rate_limit_error', code: 'rate_limit_exceeded' } }],
    [429, 'rate_limited', { error: { message: 'No.', type: 'tokens', code: 'rate_limit_exceeded' } }],
    [429, 'quota_exceeded', { error: { message: 'No.', type: 'insufficient_quota', code: null } }],
    [429, 'rate_limited', { error: { message: 'No.', status: 'RESOURCE_EXHAUSTED' } }],
    [503, 'upstream_overloaded', { type: 'error', error: { type: 'overloaded_error', message: 'No.' } }],
    [503, 'upstream_overloaded', { error: { message: 'No.', code: 'service_unavailable' } }],
    [401, 'unauthorized', { error: { message: 'No.', code: 'invalid_api_key' } }],
    [403, 'permission_denied', { error: { message: 'No.', type: 'permission_error' } }],
    [404, 'model_not_found', { error: { message: 'No.', code: 'model_not_found' } }],
    [400, 'context_length', { error: { message: 'No.', code: 'context_length_exceeded' } }],
    [400, 'bad_request', { error: { message: 'No.', type: 'invalid_request_error', param: 'tools' } }],
    [504, 'timeout_headers', { error: { message: 'No.', type: 'timeout' } }],
    // By its words alone.
    [429, 'rate_limited', { error: 'Rate limit reached, slow down' }],
    [429, 'rate_limited', { error: { message: 'Too many requests' } }],
    [503, 'upstream_overloaded', { error: { message: 'The model is overloaded.' } }],
    [503, 'upstream_overloaded', { message: 'We are at capacity.' }],
    [504, 'timeout_headers', { error: { message: 'Request timed out' } }],
    // Not at all.
    [502, 'upstream_error', { error: { message: 'Boom', type: 'server_error' } }],
    [502, 'upstream_error', { error: 'Boom' }],
    [502, 'upstream_error', { error: { message: 'Boom', code: 7 } }],
    [502, 'upstream_error', { error: { message: 'Boom', code: 200, status: 600 } }],
    [502, 'upstream_error', { error: { code: null, message: null } }],
    [502, 'upstream_error', { error: true }],
    [502, 'upstream_error', []],
    [502, 'upstream_error', 'null'],
    [502, 'upstream_error', 'Boom'],
    [502, 'upstream_error', ''],
  ])('means %i, %s: %j', (status, code, body) => {
    const error = disguised(body)
    expect({ status: error.status, code: error.code }).toEqual({ status, code })
  })

  test("is in the provider's own words", () => {
    const error = disguised({ error: { message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' } })
    expect([error.message, error.details.openaiCode]).toEqual(['Slow down.', 'rate_limit_exceeded'])
  })

  test('is one with a status that tells of an error, and words, whatever it is', () => {
    const fields = fc.record(
      {
        error: fc.jsonValue(),
        code: fc.jsonValue(),
        status: fc.jsonValue(),
        type: fc.jsonValue(),
        message: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    const bodies = fc.oneof(
      fc.json(),
      fields.map((body) => JSON.stringify(body)),
      fields.map((error) => JSON.stringify({ error })),
      fc.string(),
    )
    fc.assert(
      fc.property(bodies, (body) => {
        const error = disguised(body)
        expect(error.status).toBeGreaterThanOrEqual(400)
        expect(error.status).toBeLessThan(600)
        expect(error.message).not.toBe('')
      }),
      { numRuns: 1_000 },
    )
  })
})

test('what a provider behind OpenRouter said is not lost', () => {
  const raw = 'x is temporarily rate-limited upstream.'
  const error = { message: 'Provider returned error', code: 429, metadata: { raw, provider_name: 'Some' } }
  const { error: read } = readError(429, Buffer.from(JSON.stringify({ error })))
  expect([read.code, read.message]).toEqual(['rate_limited', `Provider returned error: ${raw}`])
})

describe('an error as clients of this dialect read it', () => {
  test('has a message, a type, a parameter and a code', () => {
    expect(JSON.parse(encodeError(new GatewayError('bad_request', 'No.', { param: 'model' })))).toEqual({
      error: { message: 'No.', type: 'invalid_request_error', param: 'model', code: 'bad_request' },
    })
  })

  test('has the code on which the clients of the vendor switch', () => {
    expect(JSON.parse(encodeError(new GatewayError('context_length', 'No.')))).toEqual({
      error: {
        message: "This model's maximum context length is exceeded: No.",
        type: 'invalid_request_error',
        param: null,
        code: 'context_length_exceeded',
      },
    })
  })

  test('says what the provider said where that is more', () => {
    const error = new GatewayError('bad_request', 'No.', { openaiCode: 'odd', openaiType: 'odder' })
    expect(JSON.parse(encodeError(error)).error).toMatchObject({ code: 'odd', type: 'odder' })
  })

  test('is one event in a stream, whatever is in its message', () => {
    const error = new GatewayError('upstream_cut', 'It broke.\n\ndata: [DONE]')
    expect(encodeStreamError(error)).toBe(`\n\ndata: ${encodeError(error)}\n\n`)
    expect(encodeStreamError(error).split('\n')).toHaveLength(5)
  })
})
