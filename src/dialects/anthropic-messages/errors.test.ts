import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../core/error.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'

const body = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const own = (type: string, message: string) => ({ type: 'error', error: { type, message }, request_id: 'req_1' })

describe('errors', () => {
  test.each<[number, unknown, string, boolean]>([
    [400, own('invalid_request_error', 'max_tokens: Field required'), 'bad_request', true],
    [400, own('invalid_request_error', 'prompt is too long: 3 tokens > 2 maximum'), 'context_length', true],
    [400, own('invalid_request_error', 'Your credit balance is too low'), 'quota_exceeded', true],
    [401, own('authentication_error', 'invalid x-api-key'), 'unauthorized', true],
    [404, own('not_found_error', 'model: claude-9'), 'model_not_found', true],
    [529, own('overloaded_error', 'Overloaded'), 'upstream_overloaded', true],
    [413, '<html>Too large</html>', 'body_too_large', false],
    [403, [{ error: { code: 403, message: 'Denied', status: 'PERMISSION_DENIED' } }], 'permission_denied', false],
    [
      400,
      { error: { code: 400, message: JSON.stringify(own('invalid_request_error', 'prompt is too long')) } },
      'context_length',
      false,
    ],
    [400, own('authentication_error', 'invalid x-api-key'), 'unauthorized', false],
  ])('%i %j is %s', (status, said, code, asItCame) => {
    const read = readError(status, body(said))
    expect([read.error.code, read.asItCame]).toEqual([code, asItCame])
  })

  test('under a good status it has the status of its type', () => {
    const error = readDisguised(body(own('rate_limit_error', 'Slow down')))
    expect([error.code, error.status]).toEqual(['rate_limited', 429])
    expect(readDisguised(body({ error: { message: 'busy', code: 503 } })).status).toBe(503)
  })

  test.each<[GatewayError, string]>([
    [new GatewayError('no_credential', 'x'), 'authentication_error'],
    [new GatewayError('model_not_found', 'x', { status: 400 }), 'not_found_error'],
    [new GatewayError('quota_exceeded', 'x'), 'billing_error'],
    [new GatewayError('upstream_overloaded', 'x'), 'overloaded_error'],
    [new GatewayError('body_too_large', 'x'), 'request_too_large'],
    [new GatewayError('upstream_cut', 'x'), 'api_error'],
    [new GatewayError('bad_request', 'x', { anthropicType: 'tomorrows_error' }), 'tomorrows_error'],
  ])('%s is told as %s', (error, type) => {
    expect(JSON.parse(encodeError(error))).toEqual({ type: 'error', error: { type, message: 'x' } })
    expect(encodeStreamError(error)).toMatch(/^\n\nevent: error\ndata: \{.*\}\n\n$/)
  })

  test('clients know by the words that a conversation is too long', () => {
    const { error } = JSON.parse(encodeError(new GatewayError('context_length', 'Too many tokens.')))
    expect(error.message).toBe('prompt is too long: Too many tokens.')
  })
})
