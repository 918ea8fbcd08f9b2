import { GatewayError } from '../../core/error.ts'
import { encodeError } from '../../dialects/openai-chat/errors.ts'
import { answerOf } from './answer.ts'
import { encodeAnswer, encodeStream, frame } from './encode.ts'
import { errorBody, rateLimitHeaders } from './errors.ts'
import { type MockModel, modelNamed } from './models.ts'
import type { MockOptions } from './options.ts'
import { hashOf, type MockRequest, readRequest } from './request.ts'

/** An answer as bytes, and what is to go wrong as they are sent. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The events of a stream, or a whole body in one. */
  readonly pieces: readonly Buffer[]
  readonly options: MockOptions
}

const json = 'application/json'
const eventStream = 'text/event-stream; charset=utf-8'
const bodiless: readonly number[] = [204, 205, 304]

/** What comes back for these bytes. A request that the mock cannot take is refused as OpenAI would do it. */
export function replyTo(bytes: Buffer): Reply {
  try {
    const request = readRequest(bytes)
    const model = modelNamed(request.model)
    const options = { ...model.options, ...request.options }
    const status = options.status ?? (!request.stream && options.error_after !== undefined ? 500 : 200)
    const { type, ...body } = writtenBody(request, model, options, status)
    return {
      status,
      headers: { ...(type !== undefined && { 'content-type': type }), ...headersOf(request, options, status) },
      pieces: withFaults(body, request, options),
      options,
    }
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    const pieces = [Buffer.from(encodeError(thrown))]
    return {
      status: thrown.status,
      headers: { 'content-type': json, ...requestId(hashOf(bytes)) },
      pieces,
      options: {},
    }
  }
}

interface Body {
  readonly type: string | undefined
  readonly streaming: boolean
  readonly pieces: readonly string[]
}

function writtenBody(request: MockRequest, model: MockModel, options: MockOptions, status: number): Body {
  if (bodiless.includes(status)) return { type: undefined, streaming: false, pieces: [] }
  if (status >= 300) {
    return { type: json, streaming: false, pieces: [errorBody(status, request.model, options.message)] }
  }
  const answer = answerOf(request, model, options)
  if (!request.stream) return { type: json, streaming: false, pieces: [encodeAnswer(answer)] }
  const shape = { includeUsage: request.includeUsage, chunkWords: options.chunk_words ?? 1 }
  return { type: eventStream, streaming: true, pieces: encodeStream(answer, shape) }
}

const requestId = (hash: string) => ({ 'x-request-id': `req_mock_${hash}` })

const headersOf = ({ hash }: MockRequest, { retry_after: seconds }: MockOptions, status: number) => ({
  ...requestId(hash),
  ...(seconds !== undefined && { 'retry-after': String(seconds) }),
  ...(status === 429 && rateLimitHeaders),
})

/** What of it is sent, and what is sent instead. Places count the events of a stream or the bytes of a whole body. */
function withFaults(
  { pieces: written, streaming }: Omit<Body, 'type'>,
  { model }: MockRequest,
  options: MockOptions,
): readonly Buffer[] {
  const { malformed, error_after: errorAfter, cut_after: cutAfter, hang, message } = options
  let pieces: readonly Buffer[] = written.map((piece) => Buffer.from(piece))
  const first = (place: number | 'middle'): readonly Buffer[] => {
    if (streaming) return pieces.slice(0, place === 'middle' ? Math.ceil(pieces.length / 2) : place)
    const body = Buffer.concat(pieces)
    return [body.subarray(0, place === 'middle' ? Math.ceil(body.length / 2) : place)]
  }
  if (malformed) {
    pieces = streaming ? pieces.toSpliced(Math.ceil(pieces.length / 2), 0, broken(pieces)) : first('middle')
  }
  if (streaming && errorAfter !== undefined) {
    pieces = [...first(errorAfter), Buffer.from(frame(JSON.parse(errorBody(500, model, message))))]
  }
  if (cutAfter !== undefined) pieces = first(cutAfter)
  else if (hang === 'body') pieces = first('middle')
  return pieces.filter(({ length }) => length > 0)
}

/** The first event once more, but only half of it. */
function broken(pieces: readonly Buffer[]): Buffer {
  const event = pieces[0] ?? Buffer.from('data: {}')
  return Buffer.concat([event.subarray(0, event.length >> 1), Buffer.from('\n\n')])
}
