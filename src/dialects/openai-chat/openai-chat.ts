import type { Dialect } from '../dialect.ts'
import { decodeAnswer, decodeRequest, decodeStream } from './decode.ts'
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
  readRequest,
  editRequest,
  watchAnswer,
  withoutAddedUsage,
  decodeRequest,
  decodeAnswer,
  decodeStream,
  readAnswer: (body, streaming) => (streaming ? readStream(body) : readWhole(body)),
  encodeError,
  encodeStreamError,
  readError,
}
