import { sse } from '../../http/sse.ts'
import type { Counting, Dialect } from '../dialect.ts'
import { changed, modelChange } from '../request-body.ts'
import { watched } from '../watch.ts'
import { countTokensRequest, encodeTokenCount, readTokenCount } from './count-tokens.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { hasForeignParts } from './foreign-thoughts.ts'
import { frameReader, mayMatter, readWhole } from './frame-facts.ts'
import { editRequest, readRequest } from './request.ts'
import { dialectName } from './wire.ts'

/** Anthropic's messages, as Claude speaks them at home, on Vertex and on Bedrock. */
export const anthropicMessages: Dialect & { readonly counting: Counting } = {
  name: dialectName,
  requestHeaders: ['accept', 'anthropic-version', 'anthropic-beta', 'idempotency-key'],
  readRequest,
  editRequest,
  holdsForeign: hasForeignParts,
  ...watched({ framing: sse, frameReader, mayMatter, readWhole, readDisguised }),
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
  encodeError,
  requestIdHeader: 'request-id',
  errorStatus: { upstream_overloaded: 529, quota_exceeded: 402, model_not_found: 404 },
  encodeStreamError,
  readError,
  counting: {
    decodeRequest,
    encodeRequest: countTokensRequest,
    editRequest: (body, scan, { asked, model }) => changed(body, modelChange(scan, asked, model)),
    decodeAnswer: readTokenCount,
    encodeAnswer: encodeTokenCount,
  },
}
