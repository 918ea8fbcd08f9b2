/** Errors, under a status of their own or in the middle of a stream: what they are, and how each door says them. */
import type { ChatEvent } from '../../../src/core/chat.ts'
import { type ErrorCode, GatewayError } from '../../../src/core/error.ts'
import { type Exchange, responseBytes } from '../../support/recordings.ts'
import { bodyOf, type Chat, type Door, dialectOf, doorNames, doors, isStream, serverSent } from './formats.ts'
import { isObj, obj, str, type Tree } from './oracle/tree.ts'
import { isBlocked } from './round-trip.ts'
import { framesOf } from './translate.ts'
import { failed, notApplicable, type Verdict, verdictOf } from './verdict.ts'

/** What an error means, in the order in which the signs are looked for. `status` is what clients get, else the provider's. */
interface Meaning {
  readonly sign: RegExp
  readonly code: readonly ErrorCode[]
  readonly status?: number
}

/** Signs are looked for in the status, the headers that name an error, and the body, written one after the other. */
const meanings: readonly Meaning[] = [
  { sign: /API_KEY_INVALID|InvalidSignature|UnrecognizedClient|ExpiredToken/, code: ['unauthorized'], status: 401 },
  { sign: /^401 /, code: ['unauthorized'] },
  {
    sign: /context_length_exceeded|too_many_prompt_tokens|prompt is too long|Input Tokens Exceeded|input token count|maximum context length/,
    code: ['context_length'],
  },
  { sign: /"code":"content_filter"|blockReason/, code: ['content_filter'] },
  { sign: /insufficient_quota|billing_error|^402 /, code: ['quota_exceeded'] },
  { sign: /model identifier is invalid/, code: ['model_not_found'], status: 404 },
  {
    sign: /model_not_found|models\/\S+ is not found|model '.*' not found/,
    code: ['model_not_found'],
  },
  { sign: /^404 /, code: ['model_not_found', 'not_found'] },
  { sign: /^403 /, code: ['permission_denied'] },
  { sign: /^413 /, code: ['body_too_large'] },
  { sign: /^429 |throttling/, code: ['rate_limited'] },
  { sign: /^(503|529) |overloaded_error|UNAVAILABLE/, code: ['upstream_overloaded'] },
  { sign: /^424 /, code: ['upstream_error'], status: 502 },
  { sign: /^500 |modelStreamError|server_error|CANCELLED/, code: ['upstream_error'] },
  { sign: /^400 /, code: ['bad_request'] },
  // In the middle of a stream, where no status can say it.
  { sign: /invalid_request_error|Token limit reached/, code: ['bad_request', 'upstream_error'] },
]

export function errorIsUnderstood(chat: Chat): Verdict {
  const { exchange } = chat
  if (exchange.response.status >= 400) return underStatus(chat)
  if (exchange.features.includes('error-mid-stream')) return inStream(chat)
  if (/cut-off-mid-stream/.test(exchange.id)) return cutOff(chat)
  const body = obj(bodyOf(exchange))
  if (isBlocked(exchange.id) || (isObj(body.promptFeedback) && !body.candidates)) return blocked(chat)
  return notApplicable('no error')
}

function underStatus({ exchange, speaker }: Chat): Verdict {
  const { status, headers } = exchange.response
  const read = speaker.readError as (status: number, body: Buffer, headers: unknown) => { error: GatewayError }
  const bytes = responseBytes(exchange)
  const { error } = read.call(speaker, status, bytes, headers)
  const signs = `${status} ${headers['x-amzn-errortype'] ?? ''} ${bytes.toString('utf8')}`
  const meaning = meanings.find(({ sign }) => sign.test(signs))
  if (!meaning) return failed(`nobody has said what this error means: ${signs.slice(0, 120)}`)
  return verdictOf([
    ...codeFaults(error, meaning),
    ...(error.status === (meaning.status ?? status) || isOwnStatus(error, status)
      ? []
      : [`its status is ${error.status}, not ${meaning.status ?? status}`]),
    ...messageFaults(error, exchange),
    ...detailFaults(error, exchange),
    ...doorNames.flatMap((door) => doorFaults(error, door)),
  ])
}

/** The provider's status where it names the case as well as the table's, which may be finer. */
const isOwnStatus = (error: GatewayError, status: number): boolean =>
  error.status >= 400 &&
  Math.floor(error.status / 100) === Math.floor(status / 100) &&
  error.details.status === undefined

const codeFaults = (error: GatewayError, { code }: Meaning): readonly string[] =>
  code.includes(error.code) ? [] : [`it is taken for ${error.code}, not ${code.join(' or ')}`]

/** The provider's own words reach the client. */
function messageFaults(error: GatewayError, exchange: Exchange): readonly string[] {
  const body = bodyOf(exchange)
  const wire = obj(Array.isArray(body) ? body[0] : body)
  const said = [obj(wire.error).message, wire.message, wire.Message, wire.detail, wire.error].find(
    (text): text is string => typeof text === 'string',
  )
  if (said === undefined) return ['nobody has said where its message stands']
  return error.message.includes(said.slice(0, 100)) ? [] : [`its message is ${error.message.slice(0, 90)}`]
}

/** What OpenAI's clients switch on is what an OpenAI-shaped host said, and a hint in the body when to try again is kept. */
function detailFaults(error: GatewayError, exchange: Exchange): readonly string[] {
  const body = obj(bodyOf(exchange))
  const { code, param } = obj(body.error)
  const faults: string[] = []
  if (exchange.api.startsWith('openai')) {
    const told = obj((JSON.parse(dialectOf('openai-chat').encodeError(error)) as Tree).error)
    if (typeof param === 'string' && told.param !== param) faults.push(`its param is ${told.param}, not ${param}`)
    // A bare number only repeats the status, and a bad key is told in the same way for every host.
    const isWord = typeof code === 'string' && !/^\d+$/.test(code) && error.code !== 'unauthorized'
    if (isWord && told.code !== code) faults.push(`its code is ${told.code}, not ${code}`)
  }
  const delay = /"retryDelay":"([\d.]+)s"/.exec(JSON.stringify(body))?.[1]
  const hint = error.details.headers?.['retry-after']
  if (delay !== undefined && Math.abs(Number(hint) - Number(delay)) > 1)
    faults.push(`retry-after is ${hint}, not ${delay}`)
  return faults
}

/** Each door's own words for an error; official clients choose their exception by the status and read these. */
const shapes: Readonly<Record<Door, (body: Tree, error: GatewayError) => boolean>> = {
  'openai-chat': ({ error }) =>
    isObj(error) &&
    typeof error.message === 'string' &&
    typeof error.type === 'string' &&
    'param' in error &&
    'code' in error,
  'openai-responses': ({ error }) =>
    isObj(error) &&
    typeof error.message === 'string' &&
    typeof error.type === 'string' &&
    'param' in error &&
    'code' in error,
  'anthropic-messages': ({ type, error }, { code }) =>
    type === 'error' &&
    isObj(error) &&
    typeof error.message === 'string' &&
    (anthropicTypes[code] ?? [error.type]).includes(str(error.type)),
  gemini: ({ error }, thrown) =>
    isObj(error) &&
    typeof error.message === 'string' &&
    error.code === thrown.status &&
    (geminiStatuses[thrown.code] ?? [error.status]).includes(str(error.status)),
}

const anthropicTypes: Partial<Record<ErrorCode, readonly string[]>> = {
  unauthorized: ['authentication_error'],
  permission_denied: ['permission_error'],
  model_not_found: ['not_found_error'],
  not_found: ['not_found_error'],
  body_too_large: ['request_too_large'],
  rate_limited: ['rate_limit_error'],
  quota_exceeded: ['billing_error', 'rate_limit_error'],
  upstream_overloaded: ['overloaded_error'],
  upstream_error: ['api_error'],
  bad_request: ['invalid_request_error'],
  context_length: ['invalid_request_error'],
  content_filter: ['invalid_request_error'],
}

const geminiStatuses: Partial<Record<ErrorCode, readonly string[]>> = {
  unauthorized: ['UNAUTHENTICATED'],
  permission_denied: ['PERMISSION_DENIED'],
  model_not_found: ['NOT_FOUND'],
  not_found: ['NOT_FOUND'],
  rate_limited: ['RESOURCE_EXHAUSTED'],
  quota_exceeded: ['RESOURCE_EXHAUSTED'],
  upstream_overloaded: ['UNAVAILABLE'],
  upstream_error: ['INTERNAL', 'UNAVAILABLE'],
  bad_request: ['INVALID_ARGUMENT', 'FAILED_PRECONDITION'],
  context_length: ['INVALID_ARGUMENT'],
  content_filter: ['INVALID_ARGUMENT', 'FAILED_PRECONDITION'],
}

function doorFaults(error: GatewayError, door: Door): readonly string[] {
  const target = dialectOf(door)
  const body = JSON.parse(target.encodeError(error)) as Tree
  const said = str(obj(body.error).message)
  return [
    ...(shapes[door](body, error) ? [] : [`${door} says ${JSON.stringify(body).slice(0, 150)}`]),
    ...(said.includes(error.message.slice(0, 60)) ? [] : [`${door} has another message`]),
    ...(isTold(target.encodeStreamError(error), door) ? [] : [`the stream of ${door} does not say the error`]),
  ]
}

/** Whether a reader of the stream takes its last frame for an error. */
function isTold(frame: string | Buffer, door: Door): boolean {
  try {
    const events = serverSent(frame.toString())
    doors[door].fold(events)
    return false
  } catch (thrown) {
    return /says an error/.test((thrown as Error).message)
  }
}

/** What a stream says before its error, and the error itself. */
function thrownIn(chat: Chat): { readonly events: readonly ChatEvent[]; readonly error: unknown } {
  const events: ChatEvent[] = []
  try {
    const step = chat.speaker.decodeStream()
    for (const frame of framesOf(chat)) events.push(...step.next(frame))
    events.push(...step.end())
  } catch (error) {
    return { events, error }
  }
  return { events, error: undefined }
}

function inStream(chat: Chat): Verdict {
  const { events, error } = thrownIn(chat)
  if (!(error instanceof GatewayError)) return failed(`the stream gives ${String(error)} and not an error of ours`)
  const meaning = meanings.find(({ sign }) => sign.test(signsInStream(chat.exchange)))
  if (!meaning) return failed('nobody has said what this error means')
  return verdictOf([
    ...codeFaults(error, meaning),
    ...(events.some(({ kind }) => kind === 'finish') ? ['it says that the answer is finished'] : []),
    ...doorNames.flatMap((door) => doorFaults(error, door)),
  ])
}

function signsInStream(exchange: Exchange): string {
  const { response } = exchange
  if ('events' in response) {
    const last = response.events.at(-1)
    return `${last?.headers[':exception-type']} ${JSON.stringify(last?.payload)}`
  }
  const text = responseBytes(exchange).toString('utf8')
  return text.slice(text.indexOf('"error"'))
}

function cutOff(chat: Chat): Verdict {
  const { events, error } = thrownIn(chat)
  if (!(error instanceof GatewayError)) return failed(`the stream gives ${String(error)} and not an error of ours`)
  return verdictOf([
    ...codeFaults(error, { sign: /./, code: ['upstream_cut'] }),
    ...(events.some(({ kind }) => kind === 'finish') ? ['it says that the answer is finished'] : []),
  ])
}

/** A blocked prompt is a 200 without an answer. */
function blocked(chat: Chat): Verdict {
  const { speaker, exchange } = chat
  let error: unknown
  if (isStream(exchange)) error = thrownIn(chat).error
  else {
    try {
      speaker.decodeAnswer(bodyOf(exchange))
    } catch (thrown) {
      error = thrown
    }
  }
  if (!(error instanceof GatewayError))
    return failed(`a blocked prompt gives ${String(error)} and not an error of ours`)
  return verdictOf([
    ...codeFaults(error, { sign: /./, code: ['content_filter'] }),
    ...(error.status === 400 ? [] : [`its status is ${error.status}, not 400`]),
    ...doorNames.flatMap((door) => doorFaults(error as GatewayError, door)),
  ])
}
