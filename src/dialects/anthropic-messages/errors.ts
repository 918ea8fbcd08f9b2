import { type ErrorCode, errors, GatewayError } from '../../core/error.ts'
import type { ProviderError } from '../dialect.ts'
import { readDisguised as readOtherDisguised, readError as readOtherError } from '../openai-chat/errors.ts'
import { isTooLong } from '../too-long.ts'
import { type Fields, isFields, jsonOf, rowOf, stringOf } from '../values.ts'

/** What Anthropic calls an error, what we call it, and the status under which it sends it. */
const types: Readonly<Record<string, { readonly code: ErrorCode; readonly status: number }>> = {
  invalid_request_error: { code: 'bad_request', status: 400 },
  authentication_error: { code: 'unauthorized', status: 401 },
  billing_error: { code: 'quota_exceeded', status: 402 },
  permission_error: { code: 'permission_denied', status: 403 },
  not_found_error: { code: 'model_not_found', status: 404 },
  conflict_error: { code: 'bad_request', status: 409 },
  request_too_large: { code: 'body_too_large', status: 413 },
  rate_limit_error: { code: 'rate_limited', status: 429 },
  api_error: { code: 'upstream_error', status: 500 },
  timeout_error: { code: 'timeout_headers', status: 504 },
  overloaded_error: { code: 'upstream_overloaded', status: 529 },
}

/** What Anthropic's clients look for where a status alone does not say it. */
const typeOfCode: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'authentication_error',
  permission_denied: 'permission_error',
  model_not_found: 'not_found_error',
  quota_exceeded: 'billing_error',
  rate_limited: 'rate_limit_error',
  upstream_error: 'api_error',
  upstream_overloaded: 'overloaded_error',
  timeout_headers: 'timeout_error',
}

export const encodeError = (error: GatewayError): string =>
  JSON.stringify({ type: 'error', error: { type: typeOf(error), message: messageOf(error) } })

function typeOf({ code, status, details }: GatewayError): string {
  const byStatus = Object.keys(types).find((type) => types[type]?.status === status)
  return (
    details.anthropicType ?? typeOfCode[code] ?? byStatus ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  )
}

/** Clients know by these words alone that a conversation has become too long. */
const messageOf = ({ code, message }: GatewayError): string =>
  code === 'context_length' && !/prompt is too long/i.test(message) ? `prompt is too long: ${message}` : message

/** The blank line before it ends whatever the provider left unfinished. */
export const encodeStreamError = (error: GatewayError): string => `\n\nevent: error\ndata: ${encodeError(error)}\n\n`

export function readError(status: number, body: Buffer): ProviderError {
  const written = jsonOf(body)
  const own = ownErrorIn(written)
  if (own) {
    const error = errorOf(own, status)
    return { error, asItCame: error.status === status && inShape(written) }
  }
  return { error: readOtherError(status, body).error, asItCame: false }
}

/** An error that came under a good status, or in a stream. */
export function readDisguised(body: Buffer): GatewayError {
  const own = ownErrorIn(jsonOf(body))
  return own && Object.hasOwn(types, own.type ?? '') ? errorOf(own, undefined) : readOtherDisguised(body)
}

/** An error in JSON that was already read. */
export function errorIn(written: Fields): GatewayError {
  const own = ownErrorIn(written)
  if (own && Object.hasOwn(types, own.type ?? '')) return errorOf(own, undefined)
  return readOtherDisguised(Buffer.from(JSON.stringify(written)))
}

interface OwnError {
  readonly type: string | undefined
  readonly message: string
}

/** Anthropic's error object. Vertex puts the whole of it as a string into the message of its own. */
function ownErrorIn(written: unknown): OwnError | undefined {
  const outer = Array.isArray(written) ? written[0] : written
  if (!isFields(outer) || !isFields(outer.error)) return undefined
  const message = stringOf(outer.error.message) ?? ''
  const inside = message.startsWith('{') ? jsonOf(message) : undefined
  const deeper =
    isFields(inside) && isFields(inside.error) && typeof inside.error.type === 'string' ? inside.error : undefined
  if (deeper) return { type: stringOf(deeper.type), message: stringOf(deeper.message) ?? message }
  const type = stringOf(outer.error.type)
  return outer.type === 'error' || (type !== undefined && Object.hasOwn(types, type)) ? { type, message } : undefined
}

function errorOf({ type, message }: OwnError, status: number | undefined): GatewayError {
  const row = rowOf(types, type)
  const code = codeOf(row?.code, status, message)
  return new GatewayError(code, message === '' ? 'The provider gave no reason.' : message, {
    status: code === 'unauthorized' ? errors.unauthorized.status : (status ?? row?.status ?? errors[code].status),
    ...(type !== undefined && { anthropicType: type }),
  })
}

/** By its words where the type is one for many things, then by its type, then by the status. */
function codeOf(code: ErrorCode | undefined, status: number | undefined, message: string): ErrorCode {
  if (code === 'bad_request' || code === undefined) {
    if (isTooLong(message)) return 'context_length'
    if (/credit balance/i.test(message)) return 'quota_exceeded'
    if (/invalid (x-)?api.?key/i.test(message)) return 'unauthorized'
    if (/content filtering policy/i.test(message)) return 'content_filter'
  }
  if (code !== undefined) return code
  const byStatus = Object.values(types).find((row) => row.status === status)?.code
  return byStatus ?? (status === undefined || status >= 500 ? 'upstream_error' : 'bad_request')
}

/** Whether a client of this dialect can read it as it came. */
function inShape(written: unknown): boolean {
  if (!isFields(written) || written.type !== 'error' || !isFields(written.error)) return false
  const { type, message } = written.error
  return typeof type === 'string' && typeof message === 'string'
}
