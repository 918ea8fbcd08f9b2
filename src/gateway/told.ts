import { GatewayError } from '../core/error.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { UpstreamHeaders } from '../http/upstream.ts'
import { replyHeadersOf, requestIdIn } from './headers.ts'

/** A provider's error as the clients of another dialect know it, with the provider's hints. */
export const translatedError = (error: GatewayError, received: UpstreamHeaders, client: Dialect): GatewayError =>
  withHints(inWordsOf(client, error), { ...received, ...idFor(client, received) })

/** The provider's id of the request, where the client's SDK looks for it. */
export function idFor({ requestIdHeader = 'x-request-id' }: Dialect, headers: UpstreamHeaders): Record<string, string> {
  const id = requestIdIn(headers)
  return id === undefined ? {} : { [requestIdHeader]: id }
}

/** The clients of a dialect know an error by their own vendor's status: 529 means nothing to OpenAI's. */
function inWordsOf({ errorStatus }: Dialect, error: GatewayError): GatewayError {
  const status = errorStatus?.[error.code] ?? (error.code === 'upstream_overloaded' ? undefined : error.details.status)
  const { status: _, ...details } = error.details
  return new GatewayError(error.code, error.message, status === undefined ? details : { ...details, status })
}

/** The provider's hints go with the error; the description of a body that the client does not get stays behind. */
export function withHints(error: GatewayError, received: UpstreamHeaders): GatewayError {
  const {
    'content-type': _type,
    'content-length': _length,
    'content-encoding': _encoding,
    ...hints
  } = replyHeadersOf(received, true)
  return new GatewayError(error.code, error.message, {
    ...error.details,
    headers: { ...error.details.headers, ...(hints as Record<string, string>) },
  })
}
