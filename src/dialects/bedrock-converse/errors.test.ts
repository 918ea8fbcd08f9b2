import { expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import { GatewayError } from '../../core/error.ts'
import { encodeError, readDisguised, readError } from './errors.ts'

const read = (status: number, body: unknown, type?: string): [string, number] => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { error } = readError(status, Buffer.from(text), type === undefined ? undefined : { 'x-amzn-errortype': type })
  return [error.code, error.status]
}

test('an error is what its header says, cut at the colon', () => {
  const internal = ':http://internal.amazon.com/coral/com.amazon.bedrock/'
  expect(read(403, { message: 'x' }, `UnrecognizedClientException${internal}`)).toEqual(['unauthorized', 401])
  expect(read(403, { message: 'x' }, `InvalidSignatureException${internal}`)).toEqual(['unauthorized', 401])
  expect(read(403, { message: 'x' }, 'AccessDeniedException')).toEqual(['permission_denied', 403])
  expect(read(424, { message: 'x' }, 'ModelErrorException')).toEqual(['upstream_error', 502])
  expect(read(429, { message: 'x' }, 'ThrottlingException')).toEqual(['rate_limited', 429])
  expect(read(429, { message: 'x' }, 'ModelNotReadyException')).toEqual(['upstream_overloaded', 429])
  expect(read(408, { message: 'x' }, 'ModelTimeoutException')).toEqual(['timeout_headers', 408])
})

test('without a header it is told by its type in the body, its words and its status', () => {
  expect(read(400, { __type: 'com.amazon.coral.service#ExpiredTokenException', Message: 'x' })).toEqual([
    'unauthorized',
    401,
  ])
  expect(read(403, { message: 'The security token included in the request is invalid.' })).toEqual([
    'unauthorized',
    401,
  ])
  expect(read(403, { message: 'Signature expired: 20250521T030814Z' })).toEqual(['unauthorized', 401])
  expect(read(403, { message: 'You have no access to the model.' })).toEqual(['permission_denied', 403])
  expect(read(400, { message: 'The provided model identifier is invalid.' })).toEqual(['model_not_found', 404])
  expect(read(400, { message: 'Input is too long for requested model.' })).toEqual(['context_length', 400])
  expect(read(503, '')).toEqual(['upstream_overloaded', 503])
  expect(read(502, '<html><b>Bad Gateway</b></html>')).toEqual(['upstream_error', 502])
})

test('the reason is always told in words', () => {
  const words = ['', '{}', '[]', 'null', '<b>Bad</b> Gateway', '{"Message":"No."}', '[{"message":"No."}]', '{"a":1}']
  expect(words.map((body) => readError(500, Buffer.from(body)).error.message)).toEqual([
    'The provider gave no reason.',
    'The provider gave no reason.',
    '[]',
    'null',
    'Bad Gateway',
    'No.',
    'No.',
    '{"a":1}',
  ])
  expect(readDisguised(Buffer.from('{"__type":"ThrottlingException","message":"Wait."}'))).toMatchObject({
    code: 'rate_limited',
    message: 'Wait.',
  })
})

test('a client reads the message where the vendor has it', () => {
  expect(encodeError(new GatewayError('bad_request', 'No.'))).toBe('{"message":"No."}')
})

const known: Readonly<Record<string, string>> = {
  'The model failed.': 'upstream_error',
  'Too many requests, please wait before trying again.': 'rate_limited',
  'Bedrock is unable to process your request.': 'upstream_overloaded',
  'The security token included in the request is invalid.': 'unauthorized',
  'The security token included in the request is expired': 'unauthorized',
  'The provided model identifier is invalid.': 'model_not_found',
  'The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.':
    'context_length',
  'The model returned the following errors: messages.2.content.2.document.source.type: Field required': 'bad_request',
  "This model doesn't support the s3Uri field. Remove s3Uri and try again.": 'bad_request',
}

test.skipIf(!recordingsFolder())(`recorded errors (${recordingsFolder() ? 'all' : noRecordings})`, () => {
  for (const { id, status } of index().filter(({ api, status }) => api.startsWith('bedrock.') && status >= 400)) {
    const exchange = load(id)
    for (const headers of [exchange.response.headers, undefined]) {
      const { error } = readError(status, responseBytes(exchange), headers)
      const expected = known[error.message] ?? (error.message.startsWith('Signature expired') ? 'unauthorized' : '?')
      expect([id, error.code]).toEqual([id, expected])
    }
  }
})
