import { ndjson } from '../../http/ndjson.ts'
import type { Dialect } from '../dialect.ts'
import { watched } from '../watch.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { dialectName } from './extras.ts'
import { mayMatter, readFrame, readWhole } from './frame-facts.ts'
import { editRequest, readRequest } from './request.ts'

/** Ollama's own `/api/chat`, which knows options that its OpenAI-compatible door does not. */
export const ollama: Dialect = {
  name: dialectName,
  requestHeaders: ['accept'],
  readRequest,
  editRequest,
  ...watched({ framing: ndjson, frameReader: () => readFrame, mayMatter, readWhole, readDisguised }),
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
  encodeError,
  encodeStreamError,
  readError,
}
