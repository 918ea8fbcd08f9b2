import { sse } from '../../http/sse.ts'
import type { Dialect } from '../dialect.ts'
import { watched } from '../watch.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { mayMatter, readFrame, readWhole } from './frame-facts.ts'
import { own } from './own.ts'
import { editRequest, readRequest } from './request.ts'
import { hasForeignThoughts } from './seals.ts'

/** OpenAI's responses, and what others make of them. */
export const openaiResponses: Dialect = {
  name: own,
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
  holdsForeign: hasForeignThoughts,
  ...watched({ framing: sse, frameReader: () => readFrame, mayMatter, readWhole, readDisguised }),
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
  encodeError,
  errorStatus: { quota_exceeded: 429, model_not_found: 404 },
  encodeStreamError,
  readError,
}
