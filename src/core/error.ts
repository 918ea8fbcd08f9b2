interface ErrorRow {
  readonly status: number
  /** The `type` of OpenAI's error object. */
  readonly openaiType: string
  /** The `code` of OpenAI's error object, on which its clients switch; the row's own name when absent. */
  readonly openaiCode?: string
  /** What may be tried after it: the same target once more, another one, or none since the request itself is at fault. */
  readonly next: 'same' | 'another' | 'none'
}

const fault = (status: number, openaiType: string, openaiCode?: string): ErrorRow => ({
  status,
  openaiType,
  ...(openaiCode !== undefined && { openaiCode }),
  next: 'none',
})

const elsewhere = (status: number, openaiType: string, openaiCode?: string): ErrorRow => ({
  ...fault(status, openaiType, openaiCode),
  next: 'another',
})

const again = (status: number, openaiType: string, openaiCode?: string): ErrorRow => ({
  ...fault(status, openaiType, openaiCode),
  next: 'same',
})

/** Every way in which a call can fail: its HTTP status, what each dialect calls it, and what may be tried next. */
export const errors = {
  // The request itself.
  bad_request: fault(400, 'invalid_request_error'),
  invalid_json: fault(400, 'invalid_request_error'),
  unsupported_field: fault(400, 'invalid_request_error', 'unsupported_parameter'),
  malformed_http: fault(400, 'invalid_request_error'),
  forbidden_host: fault(403, 'permission_error'),
  forbidden_origin: fault(403, 'permission_error'),
  client_key_missing: fault(401, 'authentication_error', 'invalid_api_key'),
  client_key_invalid: fault(401, 'authentication_error', 'invalid_api_key'),
  client_key_forbidden: fault(403, 'permission_error'),
  project_forbidden: fault(403, 'permission_error'),
  unknown_url: fault(404, 'invalid_request_error'),
  project_not_found: fault(404, 'invalid_request_error'),
  project_archived: fault(403, 'permission_error'),
  not_found: fault(404, 'invalid_request_error'),
  method_not_allowed: fault(405, 'invalid_request_error'),
  conflict: fault(409, 'invalid_request_error'),
  precondition_failed: fault(412, 'invalid_request_error'),
  request_timeout: fault(408, 'invalid_request_error'),
  body_too_large: fault(413, 'invalid_request_error'),
  unsupported_media_type: fault(415, 'invalid_request_error'),
  headers_too_large: fault(431, 'invalid_request_error'),
  too_many_waiting: fault(429, 'rate_limit_error'),
  // What the provider says of it.
  no_credential: elsewhere(401, 'authentication_error', 'invalid_api_key'),
  unauthorized: elsewhere(401, 'authentication_error', 'invalid_api_key'),
  permission_denied: elsewhere(403, 'permission_error'),
  model_not_found: elsewhere(404, 'invalid_request_error'),
  context_length: elsewhere(400, 'invalid_request_error', 'context_length_exceeded'),
  content_filter: elsewhere(400, 'invalid_request_error'),
  rate_limited: again(429, 'rate_limit_error', 'rate_limit_exceeded'),
  quota_exceeded: elsewhere(429, 'insufficient_quota', 'insufficient_quota'),
  // The provider itself, or the way to it.
  upstream_error: again(502, 'server_error'),
  upstream_overloaded: again(503, 'server_error'),
  upstream_unreachable: again(502, 'server_error'),
  /** The address is one to which nothing is sent. */
  egress_refused: elsewhere(502, 'server_error'),
  upstream_invalid: elsewhere(502, 'server_error'),
  upstream_cut: again(502, 'server_error'),
  timeout_connect: again(502, 'server_error'),
  timeout_headers: again(504, 'server_error'),
  timeout_first_content: again(504, 'server_error'),
  timeout_idle: again(504, 'server_error'),
  timeout_total: again(504, 'server_error'),
  // The client and ourselves.
  cancelled: fault(499, 'invalid_request_error'),
  draining: fault(503, 'server_error'),
  too_many_connections: fault(503, 'server_error'),
  starting: fault(503, 'server_error'),
  overdue: fault(504, 'server_error'),
  internal: fault(500, 'server_error'),
} satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errors

export interface ErrorDetails {
  readonly cause?: unknown
  /** The field of the request at fault, by its path in the body, or the header's name. */
  readonly param?: string
  /** Each thing that is wrong with the request, where there may be several at once. */
  readonly problems?: readonly { readonly param: string; readonly message: string }[]
  /** The status when it is not the table's: the provider's own. */
  readonly status?: number
  /** What a client may switch on when the provider said more than our table does. */
  readonly openaiCode?: string
  readonly openaiType?: string
  /** What the provider itself calls it, where that is no word of OpenAI's. */
  readonly providerType?: string
  /** The `type` of Anthropic's error object, where the provider said it. */
  readonly anthropicType?: string
  /** Headers that belong to the error, such as `allow` or `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What went wrong with a call, in words for the person who can act. Anything else that is thrown is our own bug. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'GatewayError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return this.details.status ?? errors[this.code].status
  }
}

/** What a client may hear of anything that was thrown. */
export const toGatewayError = (thrown: unknown): GatewayError =>
  thrown instanceof GatewayError ? thrown : new GatewayError('internal', 'Internal error.', { cause: thrown })

/** Nobody waits for the rest of an answer. */
export const clientLeft = (): GatewayError =>
  new GatewayError('cancelled', 'The client left before it had the whole answer.')

/** All that is known of anything that was thrown, for the log. */
export const stackOf = (thrown: unknown): string =>
  thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
