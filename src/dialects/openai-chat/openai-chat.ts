import { sse } from '../../http/sse.ts'
import type { Dialect } from '../dialect.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readError } from './errors.ts'
import { editRequest, readRequest } from './request.ts'
import { readStream, readWhole, watchAnswer } from './watch.ts'
import { withoutAddedUsage } from './without-usage.ts'

/** OpenAI's chat completions, and what everybody who is compatible with it makes of them. */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  requestHeaders: [
    'accept',
    'idempotency-key',
    'openai-beta',
    'openai-organization',
    'openai-project',
    'http-referer',
    'x-title',
  ],
  framing: sse,
  readRequest,
  editRequest,
  watchAnswer,
  withoutAddedUsage,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
  readAnswer: (body, streaming) => (streaming ? readStream(body) : readWhole(body)),
  encodeError,
  errorStatus: { quota_exceeded: 429, model_not_found: 404 },
  encodeStreamError,
  readError,
}
