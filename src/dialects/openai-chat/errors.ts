import { isUtf8 } from 'node:buffer'
import { type ErrorCode, errors, GatewayError } from '../../core/error.ts'
import type { ProviderError } from '../dialect.ts'
import { isTooLong } from '../too-long.ts'
import { jsonOf } from '../values.ts'

/** How much of a body that nobody can read is shown. */
const excerptLength = 400

export const encodeError = (error: GatewayError): string => JSON.stringify({ error: errorObject(error) })

/**
 * The vendor's clients throw on any event that has an `error`; without `[DONE]` nothing looks complete. The blank line
 * before it ends whatever the provider left unfinished.
 */
export const encodeStreamError = (error: GatewayError): string => `\n\ndata: ${encodeError(error)}\n\n`

/** Some clients know by OpenAI's words alone that a conversation has become too long. */
const openaiTexts = /maximum context length|exceeds the context window|context_length_exceeded/i
const tooLong = "This model's maximum context length is exceeded:"

function errorObject({ code, message, details }: GatewayError): object {
  const row = errors[code] as { openaiType: string; openaiCode?: string }
  return {
    message: code === 'context_length' && !openaiTexts.test(message) ? `${tooLong} ${message}` : message,
    type: details.openaiType ?? row.openaiType,
    param: details.param ?? null,
    code: details.openaiCode ?? row.openaiCode ?? code,
  }
}

export function readError(status: number, body: Buffer): ProviderError {
  const written = jsonOf(body)
  const { message, type, code, param } = fieldsOf(written, body)
  const meaning = codeOf(status, `${type ?? ''} ${code ?? ''}`, message)
  // Some hosts answer 400 to a bad key: their number would send the client looking in the wrong place.
  const told = meaning === 'unauthorized' ? errors.unauthorized.status : status
  const asItCame = told === status && inShape(written)
  const wait = isWaiting(meaning) ? waitIn(message) : undefined
  return {
    asItCame,
    error: new GatewayError(meaning, message, {
      status: told,
      ...(param !== undefined && { param }),
      ...(code !== undefined && { openaiCode: code }),
      ...(wait !== undefined && { headers: { 'retry-after': String(wait) } }),
    }),
  }
}

const isWaiting = (code: ErrorCode): boolean => code === 'rate_limited' || code === 'upstream_overloaded'

const waits =
  /(?:try again in|retry after) (?:(\d{1,4})h)?(?:(\d{1,4})m(?!s|i))?(?:(\d{1,6}(?:\.\d{1,9})?) ?s)?(?:(\d{1,6}(?:\.\d{1,9})?) ?ms)?/i

/** How many seconds a client is told to wait, where only the words say it. */
function waitIn(message: string): number | undefined {
  const [, hours, minutes, seconds, millis] = waits.exec(message) ?? []
  const sum = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0) + Number(millis ?? 0) / 1000
  return sum > 0 ? Math.ceil(sum) : undefined
}

/** An error that came under a good status, with the status that it means: its own number, or what it calls itself. */
export function readDisguised(body: Buffer): GatewayError {
  const written = jsonOf(body) as { error?: unknown } | null | undefined
  const outer = Array.isArray(written) ? (written[0] as typeof written) : written
  const inner = outer?.error ?? outer ?? {}
  const { code, status, status_code, type, message } = (
    typeof inner === 'object' ? inner : { message: inner }
  ) as WrittenError
  const numbers = [code, status, status_code]
    .filter((one) => typeof one === 'number' || typeof one === 'string')
    .map(Number)
  const number = numbers.find((one) => one >= 400 && one <= 599)
  const names = [type, code, status, message].filter((name) => typeof name === 'string').join(' ')
  return readError(number ?? disguises.find(([words]) => words.test(names))?.[1] ?? 502, body).error
}

type WrittenError = Readonly<Record<string, unknown>>

/** The words by which hosts name an error, the plainest first, and the status that they mean. */
const disguises: readonly (readonly [RegExp, number])[] = [
  [/rate.?limit|too.?many.?requests|insufficient_quota|resource.?exhausted/i, 429],
  [/overload|unavailable|capacity/i, 503],
  [/invalid.?api.?key|authentication|unauthorized/i, 401],
  [/permission|forbidden/i, 403],
  [/not.?found/i, 404],
  [/context_length|invalid.?(request|argument|value|type)|bad.?request|unsupported/i, 400],
  [/time.?out|timed out/i, 504],
]

/** OpenAI's error object: a message, and a type or code that its clients can read. */
function inShape(written: unknown): boolean {
  const error = (written as { error?: unknown } | null | undefined)?.error
  if (typeof error !== 'object' || error === null || Array.isArray(error)) return false
  const { message, type, code } = error as Record<string, unknown>
  const named = [type, code].filter((name) => name !== undefined && name !== null)
  return typeof message === 'string' && named.length > 0 && named.every((name) => typeof name === 'string')
}

interface ErrorFields {
  readonly message: string
  readonly type?: string
  readonly code?: string
  readonly param?: string
}

/** Objects, strings, lists of one, `detail`, plain text, HTML, nothing: hosts write all of them. */
function fieldsOf(written: unknown, body: Buffer): ErrorFields {
  const outer = (Array.isArray(written) ? written[0] : written) as Record<string, unknown> | string | null | undefined
  const inner = typeof outer === 'object' && outer !== null ? (outer.error ?? outer) : outer
  if (typeof inner === 'string' && inner.trim() !== '') return { message: inner, ...textField(outer, 'code') }
  if (typeof inner === 'object' && inner !== null) {
    const fields = inner as Record<string, unknown>
    const detail = fields.message ?? fields.detail ?? fields.error
    const said = typeof detail === 'string' && detail !== '' ? detail : excerpt(JSON.stringify(fields))
    // OpenRouter says only that a provider failed, and beside it what that provider said.
    const { raw } = (fields.metadata ?? {}) as { raw?: unknown }
    return {
      message: typeof raw === 'string' && raw !== '' ? `${said}: ${excerpt(raw)}` : said,
      ...textField(fields, 'type'),
      ...textField(fields, 'code'),
      ...textField(fields, 'param'),
    }
  }
  if (!isUtf8(body)) return { message: "The provider's reason cannot be read: it is not text." }
  const text = excerpt(
    body
      .toString('utf8')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  )
  return { message: text === '' ? 'The provider gave no reason.' : text }
}

const textField = <F extends 'type' | 'code' | 'param'>(fields: unknown, name: F): { [N in F]?: string } => {
  const value = (fields as Record<string, unknown> | null)?.[name]
  return (typeof value === 'string' && value !== '' ? { [name]: value } : {}) as { [N in F]?: string }
}

const excerpt = (text: string): string => (text.length > excerptLength ? `${text.slice(0, excerptLength)}…` : text)

/** By what the provider calls it, then by its words, then by its status. */
function codeOf(status: number, names: string, message: string): ErrorCode {
  if (/context_length|too_many_prompt_tokens/.test(names) || isTooLong(message)) return 'context_length'
  if (/insufficient_quota|billing/.test(names)) return 'quota_exceeded'
  if (/content_filter|content_policy/.test(names)) return 'content_filter'
  if (/invalid_api_key/.test(names) || (status === 400 && keyTexts.test(message))) return 'unauthorized'
  if (/model_not_found/.test(names)) return 'model_not_found'
  return byStatus[status] ?? (status >= 500 ? 'upstream_error' : 'bad_request')
}

const keyTexts = /(incorrect|invalid) api key|api key not valid/i

const byStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  402: 'quota_exceeded',
  403: 'permission_denied',
  404: 'model_not_found',
  408: 'timeout_headers',
  413: 'body_too_large',
  429: 'rate_limited',
  498: 'upstream_overloaded',
  503: 'upstream_overloaded',
  504: 'timeout_headers',
  529: 'upstream_overloaded',
}
