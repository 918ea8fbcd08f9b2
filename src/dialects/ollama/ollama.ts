import { ndjson } from '../../http/ndjson.ts'
import type { Dialect } from '../dialect.ts'
import { readOf, watchOf } from '../watch.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { dialectName } from './extras.ts'
import { mayMatter, readFrame, readWhole } from './frame-facts.ts'
import { editRequest, readRequest } from './request.ts'

const watched = { framing: ndjson, readFrame, mayMatter, readWhole, readDisguised }

/** Ollama's own `/api/chat`, which knows options that its OpenAI-compatible door does not. */
export const ollama: Dialect = {
  name: dialectName,
  requestHeaders: ['accept'],
  framing: ndjson,
  readRequest,
  editRequest,
  withoutAddedUsage: () => ({ next: (chunk) => [chunk], end: () => [] }),
  watchAnswer: watchOf(watched),
  readAnswer: readOf(watched),
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
