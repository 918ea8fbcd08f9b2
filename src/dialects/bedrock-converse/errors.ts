import { type ErrorCode, errors, GatewayError } from '../../core/error.ts'
import { awsFrames, exceptionPrefix } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import type { ErrorHeaders, ProviderError } from '../dialect.ts'
import { isTooLong } from '../too-long.ts'
import { fieldsOf, isFields, jsonOf, rowOf, stringOf } from '../values.ts'

/** How much of a body that nobody can read is shown. */
const excerptLength = 400

/** By the name that AWS gives an error; of streams the names begin with a small letter. */
const codes: Readonly<Record<string, ErrorCode>> = {
  ValidationException: 'bad_request',
  BadRequestException: 'bad_request',
  SerializationException: 'bad_request',
  ConflictException: 'bad_request',
  AccessDeniedException: 'permission_denied',
  UnrecognizedClientException: 'unauthorized',
  InvalidSignatureException: 'unauthorized',
  IncompleteSignatureException: 'unauthorized',
  IncompleteSignature: 'unauthorized',
  MissingAuthenticationTokenException: 'unauthorized',
  MissingAuthenticationToken: 'unauthorized',
  InvalidClientTokenId: 'unauthorized',
  ExpiredTokenException: 'unauthorized',
  ExpiredToken: 'unauthorized',
  ResourceNotFoundException: 'model_not_found',
  ModelTimeoutException: 'timeout_headers',
  ModelErrorException: 'upstream_error',
  ModelStreamErrorException: 'upstream_error',
  ModelNotReadyException: 'upstream_overloaded',
  ThrottlingException: 'rate_limited',
  ServiceQuotaExceededException: 'quota_exceeded',
  InternalServerException: 'upstream_error',
  InternalFailure: 'upstream_error',
  ServiceUnavailableException: 'upstream_overloaded',
}

const byStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  402: 'quota_exceeded',
  403: 'permission_denied',
  404: 'model_not_found',
  408: 'timeout_headers',
  413: 'body_too_large',
  424: 'upstream_error',
  429: 'rate_limited',
  503: 'upstream_overloaded',
  504: 'timeout_headers',
}

const modelTexts =
  /model identifier is invalid|inference profile .*(not found|does ?n.t exist)|could not resolve the foundation model/i
const keyTexts = /security token|signature|authentication fail|api key|not authenticated|expired token/i

export function readError(status: number, body: Buffer, headers?: ErrorHeaders): ProviderError {
  const { message, name, isOurs } = writtenError(body)
  const header = headers?.['x-amzn-errortype']
  return errorOf(status, typeOf(typeof header === 'string' ? header : name), message, isOurs)
}

/** An error that came under a good status. */
export const readDisguised = (body: Buffer): GatewayError => {
  const { message, name } = writtenError(body)
  const type = typeOf(name)
  const code = rowOf(codes, type)
  return errorOf(code ? (statuses[code] ?? errors[code].status) : 502, type, message).error
}

/** Statuses that AWS gives where our table has another. */
const statuses: Partial<Record<ErrorCode, number>> = { upstream_error: 500 }

/** The exception that a frame of a stream is. */
export function exceptionOf({ event = '', data }: Frame): GatewayError {
  const name = event.slice(exceptionPrefix.length)
  const type = name.charAt(0).toUpperCase() + name.slice(1)
  const code = rowOf(codes, type) ?? 'upstream_error'
  const { message } = writtenError(Buffer.from(data))
  return errorOf(statuses[code] ?? errors[code].status, type, message).error
}

function errorOf(status: number, type: string | undefined, message: string, isOurs = false): ProviderError {
  const code = codeOf(status, type, message)
  // AWS says 403 for a bad key, 400 for a model that does not exist and 424 for one that failed: the client would look in
  // the wrong place.
  const isMisleading = code === 'unauthorized' || code === 'model_not_found' || status === 424
  const told = isMisleading ? errors[code].status : status
  return {
    asItCame: isOurs && told === status,
    error: new GatewayError(code, message, { status: told, ...(type !== undefined && { providerType: type }) }),
  }
}

function codeOf(status: number, type: string | undefined, message: string): ErrorCode {
  const code = rowOf(codes, type) ?? byStatus[status] ?? (status >= 500 ? 'upstream_error' : 'bad_request')
  if (code === 'bad_request' && isTooLong(message)) return 'context_length'
  if (code === 'bad_request' && modelTexts.test(message)) return 'model_not_found'
  return code === 'permission_denied' && type === undefined && keyTexts.test(message) ? 'unauthorized' : code
}

/** `ValidationException:http://internal.amazon.com/…` and `com.amazon.coral#ValidationException` are the same. */
const typeOf = (written: string | undefined): string | undefined =>
  written === undefined ? undefined : (written.split(':', 1)[0] as string).replace(/^.*#/, '').trim() || undefined

interface WrittenError {
  readonly message: string
  readonly name?: string
  /** Whether a client of this dialect can read it as it came. */
  readonly isOurs: boolean
}

/** `message` or `Message`, a type perhaps; from what stands before AWS, anything. */
function writtenError(body: Buffer): WrittenError {
  const text = body.toString('utf8')
  const value = jsonOf(text)
  const outer = fieldsOf(Array.isArray(value) ? value[0] : value)
  const fields = isFields(outer.error) ? outer.error : outer
  const message =
    stringOf(fields.message) ?? stringOf(fields.Message) ?? stringOf(fields.errorMessage) ?? stringOf(outer.error)
  const name = stringOf(outer.__type) ?? stringOf(fields.code) ?? stringOf(fields.type)
  const plain = excerpt(
    text
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  )
  return {
    message: message || (plain === '' || plain === '{}' ? 'The provider gave no reason.' : plain),
    ...(name !== undefined && { name }),
    isOurs: typeof outer.message === 'string',
  }
}

const excerpt = (text: string): string => (text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text)

export const encodeError = (error: GatewayError): string => JSON.stringify({ message: messageOf(error) })

/** Clients know by these words alone that a conversation has become too long. */
const messageOf = ({ code, message }: GatewayError): string =>
  code === 'context_length' && !/(input|prompt) is too long/i.test(message)
    ? `Input is too long for requested model: ${message}`
    : message

const exceptions: Partial<Record<ErrorCode, string>> = {
  rate_limited: 'throttlingException',
  quota_exceeded: 'throttlingException',
  too_many_waiting: 'throttlingException',
  upstream_overloaded: 'serviceUnavailableException',
  draining: 'serviceUnavailableException',
  starting: 'serviceUnavailableException',
  upstream_error: 'modelStreamErrorException',
  upstream_cut: 'modelStreamErrorException',
  upstream_invalid: 'modelStreamErrorException',
}

/** An exception frame: the vendor's clients throw on it. */
export const encodeStreamError = (error: GatewayError): Buffer => {
  const { code } = error
  const type = exceptions[code] ?? (errors[code].status < 500 ? 'validationException' : 'internalServerException')
  return awsFrames.write({ event: `${exceptionPrefix}${type}`, data: encodeError(error) })
}
