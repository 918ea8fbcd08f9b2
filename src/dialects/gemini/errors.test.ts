import { expect, test } from 'vitest'
import { GatewayError } from '../../core/error.ts'
import { blockedPrompt, encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'

const body = (error: object): Buffer => Buffer.from(JSON.stringify({ error }))
const read = (status: number, error: object): GatewayError => readError(status, body(error)).error

test('a bad key that Google tells as a bad request is a bad key', () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }]
  const { error, asItCame } = readError(400, body({ code: 400, message: 'API key not valid.', details }))
  expect(error).toMatchObject({ code: 'unauthorized', status: 401 })
  expect(asItCame).toBe(false)
})

const cases: readonly (readonly [string, number, object, string])[] = [
  [
    'too many tokens',
    400,
    { message: 'The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).' },
    'context_length',
  ],
  ['an unknown field', 400, { message: 'Unknown name "x": Cannot find field.' }, 'bad_request'],
  ['a model that is not there', 404, { message: 'models/x is not found for API version v1beta' }, 'model_not_found'],
  ['a cache that is not there', 404, { message: 'Not found: cache content metadata 87.' }, 'not_found'],
  ['no permission', 403, { message: 'Permission denied.' }, 'permission_denied'],
  ['no key at all', 403, { message: "Method doesn't allow unregistered callers." }, 'unauthorized'],
  ['an overloaded model', 503, { message: 'The model is overloaded.' }, 'upstream_overloaded'],
  ['an internal fault', 500, { message: 'Internal.' }, 'upstream_error'],
  [
    'a used up day',
    429,
    { message: 'Quota.', details: [{ violations: [{ quotaId: 'GenerateRequestsPerDayPerProject' }] }] },
    'quota_exceeded',
  ],
]

test.each(cases)('%s is told as what it is', (_, status, error, code) => {
  expect(read(status, error).code).toBe(code)
})

test('how long to wait reaches the client', () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' }]
  const error = read(429, { code: 429, message: 'Slow down.', details })
  expect(error).toMatchObject({ code: 'rate_limited', details: { headers: { 'retry-after': '35' } } })
  expect(JSON.parse(encodeError(error)).error).toMatchObject({
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    details: [{ retryDelay: '35s' }],
  })
})

test('errors come in lists of one, in plain text, in HTML, and empty', () => {
  expect(readError(403, Buffer.from('[{"error":{"code":403,"message":"No."}}]'))).toMatchObject({
    asItCame: false,
    error: { code: 'permission_denied', message: 'No.' },
  })
  expect(readError(502, Buffer.from('<html><b>Bad</b> gateway</html>')).error.message).toBe('Bad gateway')
  expect(readError(500, Buffer.alloc(0)).error.message).toBe('The provider gave no reason.')
  expect(readError(400, Buffer.from('{"detail":"x"}')).error.message).toBe('{"detail":"x"}')
  expect(readError(400, Buffer.from([0xff, 0xfe])).error.message).toMatch(/not text/)
})

test('an error under a good status has the status that it names', () => {
  expect(readDisguised(body({ code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' }))).toMatchObject({
    code: 'upstream_overloaded',
    status: 503,
  })
  expect(readDisguised(body({ message: 'Slow.', status: 'RESOURCE_EXHAUSTED' }))).toMatchObject({ status: 429 })
  // Nobody on the client's side cancelled.
  expect(
    readDisguised(body({ code: 499, message: 'The operation was cancelled.', status: 'CANCELLED' })),
  ).toMatchObject({
    code: 'upstream_error',
    status: 502,
  })
})

test('a refused prompt is an error with its reason', () => {
  expect(blockedPrompt({ blockReason: 'SAFETY', blockReasonMessage: 'Reasons' })).toMatchObject({
    code: 'content_filter',
    status: 400,
    message: 'The provider refused the prompt: SAFETY. Reasons',
  })
  expect(blockedPrompt({ safetyRatings: [] })).toBeUndefined()
  expect(blockedPrompt(undefined)).toBeUndefined()
})

test("a client hears of every error in Google's words", () => {
  expect(JSON.parse(encodeError(new GatewayError('unauthorized', 'No key.')))).toEqual({
    error: { code: 401, message: 'No key.', status: 'UNAUTHENTICATED' },
  })
  expect(JSON.parse(encodeError(new GatewayError('upstream_cut', 'Cut.'))).error.status).toBe('UNAVAILABLE')
  expect(JSON.parse(encodeError(new GatewayError('body_too_large', 'Big.'))).error.status).toBe('INVALID_ARGUMENT')
  const overloaded = new GatewayError('upstream_overloaded', 'Busy.', { status: 529 })
  expect(JSON.parse(encodeError(overloaded)).error).toMatchObject({ code: 529, status: 'UNAVAILABLE' })
  expect(encodeStreamError(new GatewayError('internal', 'Oh.'))).toBe(
    '\r\n\r\ndata: {"error":{"code":500,"message":"Oh.","status":"INTERNAL"}}\r\n\r\n',
  )
})
