import type { Counting, Dialect } from '../dialect.ts'
import { watched } from '../watch.ts'
import {
  countTokensRequest,
  decodeCountTokens,
  editCountTokens,
  encodeTokenCount,
  readTokenCount,
} from './count-tokens.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { frameReader, mayMatter, readWhole } from './frame-facts.ts'
import { geminiFraming as framing } from './framing.ts'
import { editRequest, readRequest } from './request.ts'
import { carriedMark } from './seals.ts'
import { own } from './wire.ts'

/** Google's `generateContent`, of the Gemini API and of Vertex AI. */
export const gemini: Dialect & { readonly counting: Counting } = {
  name: own,
  requestHeaders: ['accept', 'x-goog-api-client', 'x-server-timeout'],
  readRequest,
  editRequest,
  holdsForeign: (body) => body.includes(`"${carriedMark}`),
  ...watched({ framing, frameReader, mayMatter, readWhole, readDisguised }),
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
  counting: {
    decodeRequest: decodeCountTokens,
    encodeRequest: countTokensRequest,
    editRequest: editCountTokens,
    decodeAnswer: readTokenCount,
    encodeAnswer: encodeTokenCount,
  },
}
