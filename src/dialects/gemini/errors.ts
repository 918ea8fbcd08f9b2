import { isUtf8 } from 'node:buffer'
import { type ErrorCode, errors, GatewayError } from '../../core/error.ts'
import type { ProviderError } from '../dialect.ts'
import { isTooLong } from '../too-long.ts'
import { type Fields, fieldsOf, isFields, jsonOf, listOf, stringOf, textOf } from '../values.ts'

/** How much of a body that nobody can read is shown. */
const excerptLength = 400

/** Google's names of the statuses. */
const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const statusOfName: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ABORTED: 409,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  UNKNOWN: 500,
  INTERNAL: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
}

/** Some clients know by these words alone that a conversation has become too long. */
const ownTexts = /input token count.* exceeds the maximum number of tokens allowed/i
const tooLong = 'The input token count exceeds the maximum number of tokens allowed:'

export function encodeError({ code, status, message, details }: GatewayError): string {
  const after = details.headers?.['retry-after']
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${after}s` }
  return JSON.stringify({
    error: {
      code: status,
      message: code === 'context_length' && !ownTexts.test(message) ? `${tooLong} ${message}` : message,
      // A number that Google does not know is named after what it means.
      status:
        statusNames[status] ?? statusNames[errors[code].status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'),
      ...(after !== undefined && /^\d+$/.test(after) && { details: [retry] }),
    },
  })
}

/** Google's clients throw on any event that has an `error`. The blank line ends whatever the provider left unfinished. */
export const encodeStreamError = (error: GatewayError): string => `\r\n\r\ndata: ${encodeError(error)}\r\n\r\n`

export function readError(status: number, body: Buffer): ProviderError {
  const written = jsonOf(body)
  const outer = Array.isArray(written) ? written[0] : written
  const error = errorIn(outer)
  const message = messageOf(outer, error, body)
  const code = codeOf(status, error, message)
  const told = statusOf(status, code)
  const wait = retrySeconds(error)
  return {
    asItCame:
      told === status && isFields(written) && isFields(written.error) && typeof written.error.message === 'string',
    error: new GatewayError(code, message, {
      ...(told !== undefined && { status: told }),
      ...(wait !== undefined && { headers: { 'retry-after': String(wait) } }),
    }),
  }
}

/** An error under a good status, or in the middle of a stream, which says itself what it would have been. */
export function readDisguised(body: Buffer): GatewayError {
  const written = jsonOf(body)
  const { code, status } = errorIn(Array.isArray(written) ? written[0] : written)
  const number = typeof code === 'number' || typeof code === 'string' ? Number(code) : Number.NaN
  const name = stringOf(status)
  const known = name !== undefined && Object.hasOwn(statusOfName, name) ? statusOfName[name] : undefined
  return readError(number >= 400 && number <= 599 ? number : (known ?? 502), body).error
}

/** A prompt that was refused comes back under a good status, without an answer. */
export function blockedPrompt(feedback: unknown): GatewayError | undefined {
  const { blockReason, block_reason, blockReasonMessage, block_reason_message } = fieldsOf(feedback)
  const reason = blockReason ?? block_reason
  if (reason === undefined || reason === null || reason === 0) return undefined
  const words = stringOf(blockReasonMessage ?? block_reason_message)
  const told = words === undefined ? '' : ` ${words}`
  return new GatewayError('content_filter', `The provider refused the prompt: ${textOf(reason)}.${told}`, {
    openaiCode: 'content_filter',
  })
}

function errorIn(outer: unknown): Fields {
  const inner = fieldsOf(outer).error
  return isFields(inner) ? inner : typeof inner === 'string' ? { message: inner } : fieldsOf(outer)
}

function messageOf(outer: unknown, { message }: Fields, body: Buffer): string {
  if (typeof message === 'string' && message !== '') return message
  if (isFields(outer)) return excerpt(JSON.stringify(outer))
  if (!isUtf8(body)) return "The provider's reason cannot be read: it is not text."
  const text = body
    .toString('utf8', 0, excerptLength * 50)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return text === '' ? 'The provider gave no reason.' : excerpt(text)
}

const excerpt = (text: string): string => (text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text)

/** By Google's own reason, then by its words, then by its status. A bad key is told as a bad request. */
function codeOf(status: number, error: Fields, message: string): ErrorCode {
  const details = listOf(error.details)
  const reasons = details.map(({ reason }) => stringOf(reason) ?? '')
  if (reasons.some((reason) => /^API_KEY_(INVALID|EXPIRED)$/.test(reason)) || keyTexts.test(message))
    return 'unauthorized'
  if (isTooLong(message) && status < 429) return 'context_length'
  if (status === 429 && (dayQuota(details) || /billing account|prepayment|credits are depleted/i.test(message)))
    return 'quota_exceeded'
  if (status === 404 && /cache/i.test(message)) return 'not_found'
  return byStatus[status] ?? (status >= 500 ? 'upstream_error' : 'bad_request')
}

const keyTexts = /api key (not valid|expired|not found)|unregistered callers/i

/** What is used up for the day does not come back in a minute. */
const dayQuota = (details: readonly Fields[]): boolean =>
  details.some(({ violations }) => listOf(violations).some(({ quotaId }) => /PerDay/i.test(stringOf(quotaId) ?? '')))

const byStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'permission_denied',
  404: 'model_not_found',
  408: 'timeout_headers',
  413: 'body_too_large',
  429: 'rate_limited',
  499: 'upstream_error',
  503: 'upstream_overloaded',
  504: 'timeout_headers',
}

/** The provider's own number, but where it would send the client looking in the wrong place. */
function statusOf(status: number, code: ErrorCode): number | undefined {
  if (code === 'unauthorized') return errors.unauthorized.status
  // Nobody on the client's side cancelled.
  return status === 499 ? undefined : status
}

function retrySeconds({ details }: Fields): number | undefined {
  for (const { retryDelay } of listOf(details)) {
    const seconds = typeof retryDelay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(retryDelay)?.[1] : undefined
    if (seconds !== undefined) return Math.ceil(Number(seconds))
  }
  return undefined
}
